"""Figures of tools and runs, what was learned, and what can be asked, over a time and for one tenant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.operating.tool_figures import lowest_share, quantile
from agent.store.figures import ToolCount
from tests.agent.company import dies, open_company, refuses
from tests.agent.lesson_company import PORTFOLIO_OF_LESSONS, Told, lives, rightly
from tests.operating.tool_company import OTHER, READER, TOOLBOX, AsTold, first, live, look, now
from tools.errors import ToolError


async def test_the_tool_that_fails_most_is_told_with_its_share_counts_and_last_error(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        company.ledger.faults = {"book_call": [refuses, refuses, dies], "pause_mail": [refuses]}
        for index in range(4):
            last = await live(company, f"c-{index}", ["book_call", "pause_mail"])
        middle = now()
        await live(company, "c-8", ["pause_mail"])
        found = await look(company, "tool_figures")
        calls = await look(company, "tool_figures", order_by="calls")
        slow = await look(company, "tool_figures", order_by="duration")
        recent = await look(company, "tool_figures", since=middle)
        long_ago = await look(company, "tool_figures", until=(datetime.now(UTC) - timedelta(days=9)).isoformat())
        theirs = await look(company, "tool_figures", asker=OTHER)
        only = await look(company, "tool_figures", tool="pause_mail")
    assert last["status"] == "done"
    assert found.words.startswith("book_call fails most since ")
    assert ": 3 of 4 calls (75 %)." in found.words.splitlines()[0]
    line = found.words.splitlines()[1]
    assert "book_call: 4 calls, 1 done, 3 of 4 (75 %) did not succeed (2 failed, 1 unknown)" in line
    assert "the line went dead" in line
    row = first(found)
    assert (row["tool"], row["calls"], row["failed"], row["unknown"], row["share_failed"]) == (
        "book_call",
        4,
        2,
        1,
        0.75,
    )
    assert row["median_s"] <= row["p95_s"] < 5
    drawn = found.cards[0]
    assert (drawn.kind, drawn.title, drawn.detail["full"]) == ("chart", "Share of calls that did not succeed", 1.0)
    assert drawn.detail["bars"] == [
        {"name": "book_call", "value": 0.75, "words": "3 of 4 (75 %)"},
        {"name": "pause_mail", "value": 0.2, "words": "1 of 5 (20 %)"},
    ]
    assert only.cards[0].kind == "tool"
    assert calls.words.startswith("pause_mail is called most")
    assert "takes longest" in slow.words
    assert recent.words.startswith("No tool failed since ")
    assert "book_call" not in recent.words
    assert long_ago.data["total"] == theirs.data["total"] == 0
    assert only.words.startswith("pause_mail failed in 1 of 5 calls (20 %) since ")


def test_one_failure_of_one_call_says_less_than_many_of_many() -> None:
    def count(done: int, failed: int) -> ToolCount:
        return ToolCount(
            tool="t", done=done, failed=failed, unknown=0, claimed=0, seconds=(), error=None, error_run=None
        )

    assert lowest_share(count(0, 1)) < lowest_share(count(10, 30))
    assert lowest_share(count(97, 3)) < lowest_share(count(0, 1))
    assert lowest_share(count(0, 0)) == 0.0
    assert lowest_share(count(5, 0)) == pytest.approx(0.0, abs=1e-12)
    assert (quantile([1, 2, 3, 4], 0.5), quantile([1, 2, 3, 4], 0.95), quantile([], 0.5)) == (2, 4, 0)


async def test_figures_count_how_runs_ended_and_how_many_without_a_person(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        await live(company, "c-1", ["pause_mail"], 1.0)
        await live(company, "c-2", ["pause_mail"], 0.0)
        await live(company, "c-3", ["pay_back"], amount=2)
        await live(company, "c-4", [], crash=True)
        found = await look(company, "figures")
        after = await look(company, "figures", since=now())
        theirs = await look(company, "figures", asker=OTHER)
    assert found.data["runs"] == {"done": 2, "waiting": 1, "failed": 1}
    assert found.data["finished_without_a_person"] == 2
    assert found.data["outcomes"] == {"runs": 2, "good": 1, "mean_reward": 0.5, "unmatched": 0}
    assert (
        "2 of 4 (50 %) are done, 2 of them without a person; 1 failed; waiting for a person: 1, going on: 0."
        in found.words
    )
    assert "Approvals and questions: 1 pending." in found.words
    assert after.words.startswith("Nothing came in since")
    assert theirs.data["total"] == 0


async def test_what_was_learned_tells_lessons_outcomes_and_what_was_retired(tmp_path: Path) -> None:
    async with open_company(tmp_path, Told(), PORTFOLIO_OF_LESSONS) as company:
        await lives(company, 12, rightly)
        await company.segue.lessons.distil("default", "customer.upset")
        lessons = (await company.segue.lessons.page("default", None, "active", None, 50)).items
        await company.segue.lessons.retire("default", lessons[0]["id"], by="erik", reason="out of date")
        found = await look(company, "learned")
        later = await look(company, "learned", since=now())
        theirs = await look(company, "learned", asker=OTHER)
    words = found.words
    assert words.splitlines()[0].endswith(": 48 new episodes.")
    assert f"{len(lessons)} lesson" in words
    assert "1 lesson retired:" in words
    assert 'retired by erik: "out of date"' in words
    assert "Outcomes of 48 runs came: 24 of 48 (50 %) good, mean reward 0.50 of 1." in words
    assert found.data["outcomes"] == {"runs": 48, "good": 24, "mean_reward": 0.5, "mean_reward_before": None}
    assert later.words.startswith("Nothing was learned since")
    assert theirs.words.startswith("Nothing was learned since")


async def test_what_was_learned_tells_changes_and_what_memory_adds(tmp_path: Path) -> None:
    portfolio = PORTFOLIO_OF_LESSONS.replace("    allow: [know", "    learning: {control: 0.5}\n    allow: [know")
    async with open_company(tmp_path, Told(), portfolio) as company:
        before = await look(company, "learned")
        for index in range(21):
            data: dict[str, Any] = {"region": "eu", "tool": "book_call"}
            await live(company, f"c-{index}", [], float(index < 12), **data)
        await company.segue.drifting.look("default", "customer.upset")
        found = await look(company, "learned")
    assert "change found" not in before.words
    assert "1 change found:" in found.words
    assert "book_call (customer.upset, by /tests) turns out worse since " in found.words
    assert "Memory changes the reward of customer.upset by " in found.words
    assert "(95 % interval " in found.words


async def test_tools_are_shown_with_their_health_and_what_they_take(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        await live(company, "c-1", ["pause_mail"])
        await company.segue.pauses.pause("default", "tool", "book_call", by="dora", reason=None)
        every = await look(company, "tools")
        one = await look(company, "tools", tool="PAY_BACK")
        step = await look(company, "tools", step="calm")
    assert every.words.startswith("5 tools:")
    assert "It is well; 1 call in the last week, 0 did not succeed." in every.words
    assert "It is paused by dora; not called in the last week." in every.words
    assert "It takes customer and amount, within 5 s." in one.words
    assert "needs an approval" in one.words
    assert step.data["total"] == 2


async def test_help_tells_what_the_askers_key_permits_and_what_it_does_not(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        mine = await look(company, "help")
        hers = await look(company, "help", asker=READER)
    assert 'Send an event, which starts a run: "send a test event for machine M"' in mine.words
    assert "Your key lacks" not in mine.words
    assert "Send an event" not in hers.words
    assert "Your key lacks the scope events, needed for: send_event." in hers.words
    assert "Your key lacks the scope steer, needed for: settle_effect, pause, resume, cancel_run." in (hers.words)


def test_every_tool_is_there_with_a_schema_that_forbids_what_it_does_not_know() -> None:
    reading = ["waiting", "find_runs", "explain_run", "why_called", "why_not", "like_cases", "tool_figures", "tools"]
    reading += ["learned", "figures", "help"]
    acting = ["send_event", "answer_approval", "settle_effect", "pause", "resume", "cancel_run"]
    assert list(TOOLBOX) == [*reading, *acting]
    for name, one in TOOLBOX.items():
        assert (one.tool.name, one.tool.parameters["additionalProperties"]) == (name, False)
        assert (one.reads is None) == (one.proposes is not None) == (one.does is not None) == (name in acting)
    assert {TOOLBOX[name].scope for name in reading} == {"read"}
    others = {"send_event": "events", "answer_approval": "approve"}
    assert {name: TOOLBOX[name].scope for name in acting} == {name: others.get(name, "steer") for name in acting}


async def test_an_order_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        with pytest.raises(ToolError, match="Right: failures, calls, duration"):
            await look(company, "tool_figures", order_by="beauty")
