"""What the pages of the portfolio say of chains and tools, as data: no browser."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.errors import NotFound
from agent.operating.tool_use import WEEK, WeekOfTools, day_by_day, tool_story, week_of_tools
from agent.portfolio.model import Chain, Step
from agent.service import GivenAnswer
from agent.store.figures import ToolCount
from agent.store.tool_use import DayOfTool, Stops
from api.console.portfolio_words import by_unit, calls_by_day, governance, health_of, kind_of, steps_of, use_of
from tests.agent.company import Script, call, dies, open_company

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def tool(name: str, step: str | None, **changes: Any) -> dict[str, Any]:
    made = {"name": name, "step": step, "unit": "care", "effect": "write", "risk": "low", "owner": "", "breaker": None}
    more = {"idempotent": False, "timeout_s": 5.0, "events": [], "choice": [], "source": "shop"}
    return {**made, **more, **changes}


def count(name: str, done: int, failed: int) -> ToolCount:
    """Of a tool that took a second each time."""
    seconds = tuple(1.0 for _ in range(done))
    return ToolCount(
        tool=name, done=done, failed=failed, unknown=0, claimed=0, seconds=seconds, error=None, error_run=None
    )


def week(**changes: Any) -> WeekOfTools:
    made: dict[str, Any] = {"counts": {}, "stops": {}, "runs": {}, "now": NOW, "days": {}}
    return WeekOfTools(**{**made, **changes})


def test_a_chain_says_who_performs_each_step_and_where_runs_stopped() -> None:
    names = ("know", "calm", "repay", "thank")
    chain = Chain(name="care", description="", steps=tuple(Step(name=name, description="") for name in names))
    tools = [
        tool("look_up", "know"),
        tool("call", "calm"),
        tool("mail", "calm"),
        tool("pay", "repay", risk="high"),
    ]
    found = steps_of(
        chain,
        tools,
        week(
            counts={"call": count("call", 3, 1), "mail": count("mail", 6, 0)},
            runs={"calm": 9},
            stops={"call": Stops(failed=2), "mail": Stops(failed=1, answered=1), "pay": Stops(waiting=1, answered=4)},
        ),
    )
    assert [(one.name, one.tools, one.person, one.nobody) for one in found] == [
        ("know", ("look_up",), "", False),
        ("calm", ("call", "mail"), "a person answered 1 time this week", False),
        ("repay", ("pay",), "a person approves; answered 4 times this week", False),
        ("thank", (), "", True),
    ]
    assert [one.use for one in found[:2]] == [
        "no run came here this week",
        "9 runs this week, 90 % of the calls done",
    ]
    assert [(stop.says, stop.address) for stop in found[1].stops] == [
        ("2 failed here, at call", "/console/runs?status=failed&tool=call&when=week"),
        ("1 failed here, at mail", "/console/runs?status=failed&tool=mail&when=week"),
    ]
    assert [stop.says for stop in found[2].stops] == ["1 waits here"]


def test_a_tool_is_told_in_words_with_its_use_and_units() -> None:
    assert kind_of(tool("pay", None, risk="high", idempotent=True)) == (
        "changes something, high risk; no owner; may be repeated; waits for an approval"
    )
    assert use_of(None) == "not called this week"
    assert use_of(count("call", 3, 1)) == "4 calls this week, 75 % done, half of them within 1 s"


def test_governance_is_sentences_and_not_field_names() -> None:
    told = dict(governance(tool("pay", "repay", risk="high", events=["order"], choice=["supplier"])))
    assert told["Effect and risk"].endswith("every call waits for a person's approval of its exact arguments")
    assert told["May be repeated"].startswith("no: a call in doubt is never repeated blindly")
    looks = dict(governance(tool("look", None, effect="read")))
    assert looks["May be repeated"] == "yes: it only reads, so a call in doubt is repeated"
    assert (told["Answers within"], told["Owner"], told["Chosen in it"]) == ("5 s", "nobody is named", "supplier")


def test_a_pause_goes_before_a_breaker() -> None:
    breaker = {"state": "half_open", "failures": 8, "error": "HTTP 500", "tried_again_at": "2026-11-26T12:00:30Z"}
    resting = tool("pay", None, breaker=breaker)
    pause = {"by": "olga", "reason": "audit", "since": "2026-11-26T11:00:00Z"}
    assert health_of(resting, pause, NOW) == ("paused", "paused", "by olga, 1 h ago: audit")
    assert health_of(resting, None, NOW)[1:] == (
        "left alone",
        "the last 8 calls failed (HTTP 500); it is being tried again",
    )
    assert health_of(tool("pay", None), None, NOW) == ("done", "well", "")


def test_tools_stand_by_unit_and_then_in_the_order_of_the_chains() -> None:
    tools = [tool("a", "second"), tool("b", None), tool("c", "first"), tool("d", None, unit="")]
    told = [
        (unit, [(step, [one["name"] for one in group]) for step, group in steps])
        for unit, steps in by_unit(tools, ["first", "second"])
    ]
    assert told == [("care", [("first", ["c"]), ("second", ["a"]), ("", ["b"])]), ("", [("", ["d"])])]


def test_days_without_a_call_are_days_too() -> None:
    days = {"2026-11-24": DayOfTool(done=3, bad=1)}
    assert [(f"{at:%d}", day.done) for at, day in day_by_day(days, NOW, 3)] == [("24", 3), ("25", 0), ("26", 0)]
    assert calls_by_day(days, NOW, 3).values == (4.0, 0.0, 0.0)


async def test_where_runs_stop_is_read_off_what_they_asked_for_last(tmp_path: Path) -> None:
    script = Script(
        [
            [call("look_up", customer="c-1")],
            [call("book_call", customer="c-1")],
        ]
    )
    async with open_company(tmp_path, script) as company:
        company.ledger.faults["book_call"] = [dies]
        assert (await company.handle("c-1"))["status"] == "waiting"
        script.entries = [[call("pay_back", customer="c-2", amount=3.0)]]
        await company.handle("c-2", id="e-2")
        approval = await company.approval()
        await company.segue.answer("default", approval["id"], GivenAnswer(approved=True, by="olga"))
        await company.ended(approval["run"])
        found = await week_of_tools(company.segue, "default")
        assert found.stops["book_call"] == Stops(waiting=1)
        assert found.stops["pay_back"].answered == 1
        assert "look_up" not in found.stops
        assert found.runs == {"know": 1, "calm": 1, "repay": 1}
        assert found.days["look_up"][f"{company.segue.desk.now():%Y-%m-%d}"] == DayOfTool(done=1)
        story = await tool_story(company.segue, "default", "book_call")
        assert [one["state"] for one in story.failures] == ["unknown"]
        assert list(story.days.values()) == [DayOfTool(bad=1)]
        assert story.count is not None
        assert story.count.bad == 1
        nobody = await company.segue.desk.stops("other", company.segue.desk.now() - WEEK)
        assert nobody == {}
        with pytest.raises(NotFound, match="no tool 'nothing'"):
            await tool_story(company.segue, "default", "nothing")
