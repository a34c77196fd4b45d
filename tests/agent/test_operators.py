"""Operators' answers at awkward moments, and hostile values on every way into the store but the HTTP door."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest

from agent.accepting import BatchError
from agent.canonical import canonical, like
from agent.errors import Conflict, NotFound, Refused
from agent.service import GivenAnswer, GivenCall
from agent.storable import clean, json_text
from agent.types import Question
from tests.agent.company import PORTFOLIO, Company, Script, call, dies, open_company, raw
from tools.errors import ToolError


def nested(depth: int) -> Any:
    """A list in a list in a list."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


STRANGE: list[Any] = [math.nan, math.inf, 2**70, "a\x00b", "\ud800", {"\x00": 1}, {1: 2}, object(), nested(500)]


async def waits(company: Company, run: str) -> dict[str, Any]:
    """The run once it has ended or waits."""
    return await company.ended(run)


async def test_an_answer_given_while_other_calls_still_run_is_acted_upon(tmp_path: Path) -> None:
    script = Script([[call("pay_back", amount=5), call("book_call"), call("pause_mail")]])
    async with open_company(tmp_path, script) as company:
        go_on = asyncio.Event()
        company.ledger.faults["book_call"] = [go_on.wait]
        run_id = await company.send()
        while not (await company.segue.approvals("default", "pending", None, 9)).items:
            await asyncio.sleep(0.01)
        approval = await company.approval()
        await company.segue.answer("default", approval["id"], GivenAnswer(approved=True))
        assert (await company.segue.run("default", run_id))["status"] == "running"
        go_on.set()
        run = await waits(company, run_id)
    assert run["status"] == "done"
    assert [effect["state"] for effect in run["effects"]] == ["done"] * 3
    assert len(company.ledger.of("pay_back")) == 1


async def test_an_effect_settled_while_other_calls_still_run_lets_the_run_go_on(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("book_call"), call("pause_mail")]])) as company:
        go_on = asyncio.Event()
        company.ledger.faults = {"book_call": [dies], "pause_mail": [go_on.wait]}
        run_id = await company.send()
        while not (unknown := (await company.segue.effects("default", "unknown", None, 9)).items):
            await asyncio.sleep(0.01)
        key = unknown[0]["key"]
        await company.segue.settle("default", key, state="failed", result=None, reason=None, by="ann")
        go_on.set()
        run = await waits(company, run_id)
    assert (run["status"], [effect["state"] for effect in run["effects"]]) == ("done", ["failed", "done"])


async def test_two_approvals_of_one_run_answered_at_once_wake_it_for_both(tmp_path: Path) -> None:
    script = Script([[call("pay_back", amount=5), call("pay_back", amount=6)]])
    async with open_company(tmp_path, script) as company:
        run = await company.handle()
        pending = (await company.segue.approvals("default", "pending", None, 9)).items
        await asyncio.gather(
            *(company.segue.answer("default", one["id"], GivenAnswer(approved=True)) for one in pending)
        )
        while run["status"] == "waiting":
            run = await waits(company, run["id"])
    assert run["status"] == "done"
    assert sorted(one["amount"] for one in company.ledger.of("pay_back")) == [5, 6]


async def test_a_woken_run_waits_for_a_later_one_of_its_subject_that_is_going(tmp_path: Path) -> None:
    script = Script([[call("pay_back", amount=5)]])
    async with open_company(tmp_path, script) as company:
        parked = await company.handle("c-1", id="e-1")
        script.entries = [[call("book_call")]]
        go_on = asyncio.Event()
        company.ledger.faults["book_call"] = [go_on.wait]
        later = await company.send("c-1", id="e-2")
        while not company.ledger.of("book_call"):
            await asyncio.sleep(0.01)
        approval = await company.approval()
        await company.segue.answer("default", approval["id"], GivenAnswer(approved=True))
        assert (await company.segue.run("default", parked["id"]))["status"] == "queued"
        assert company.ledger.of("pay_back") == []
        go_on.set()
        assert (await waits(company, later))["status"] == "done"
        assert (await waits(company, parked["id"]))["status"] == "done"
    assert len(company.ledger.of("pay_back")) == 1


async def test_an_approval_of_a_call_whose_like_is_in_doubt_by_now_is_refused_until_it_is_settled(
    tmp_path: Path,
) -> None:
    script = Script([[call("pay_back", amount=5)]])
    async with open_company(tmp_path, script) as company:
        company.ledger.faults["pay_back"] = [dies]
        for id in ("e-1", "e-2"):
            await company.handle("c-1", id=id)
        second, first = (await company.segue.approvals("default", "pending", None, 9)).items
        await company.segue.answer("default", first["id"], GivenAnswer(approved=True))
        while not (unknown := (await company.segue.effects("default", "unknown", None, 9)).items):
            await asyncio.sleep(0.01)
        with pytest.raises(Refused, match="in doubt"):
            await company.segue.answer("default", second["id"], GivenAnswer(approved=True))
        key = unknown[0]["key"]
        await company.segue.settle("default", key, state="done", result=None, reason=None, by="ann")
        await company.segue.answer("default", second["id"], GivenAnswer(approved=True))
        while (await company.segue.run("default", second["run"]))["status"] != "done":
            await asyncio.sleep(0.01)
    assert len(company.ledger.of("pay_back")) == 2


async def test_an_approval_is_carried_out_though_the_budget_is_gone_and_then_the_run_stops(tmp_path: Path) -> None:
    few = PORTFOLIO.replace("calls: 8", "calls: 2")
    script = Script([[call("pause_mail")], [call("pay_back", amount=5)]])
    async with open_company(tmp_path, script, few) as company:
        run = await company.handle()
        approval = await company.approval()
        await company.segue.answer("default", approval["id"], GivenAnswer(approved=True))
        while run["status"] == "waiting":
            run = await waits(company, run["id"])
    assert (run["status"], run["end"]["code"]) == ("stopped", "limit_calls")
    assert len(company.ledger.of("pay_back")) == 1


@pytest.mark.parametrize(
    ("tool", "times", "different", "why"),
    [
        ("pause_mail", 9, True, "limit of calls"),
        ("book_call", 2, False, "stands twice"),
        ("launch_rocket", 1, False, "no tool"),
        ("close_account", 1, False, "not allowed"),
    ],
)
async def test_an_operators_own_calls_keep_to_policy_and_leave_the_question_open(
    tmp_path: Path, tool: str, times: int, different: bool, why: str
) -> None:
    question = Question(text="What now?", options=(call("launch_rocket", fuel=1),))
    async with open_company(tmp_path, Script([question])) as company:
        await company.handle()
        approval = await company.approval()
        calls = tuple(
            GivenCall(tool=tool, arguments={"days": number} if different else {}) for number in range(1, times + 1)
        )
        with pytest.raises(Refused, match=why):
            await company.segue.answer("default", approval["id"], GivenAnswer(approved=True, calls=calls))
        assert (await company.approval())["id"] == approval["id"]
    assert company.ledger.deliveries == []


async def test_answers_and_settlements_of_what_is_not_there_are_named(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        run = await company.handle()
        for strange in ("nothing", "", "a\x00b", "\ud800"):
            with pytest.raises(NotFound):
                await company.segue.answer("default", strange, GivenAnswer(approved=True))
            with pytest.raises(NotFound):
                await company.segue.settle("default", strange, state="done", result=None, reason=None, by="ann")
            with pytest.raises(NotFound):
                await company.segue.run("default", strange)
        key = run["effects"][0]["key"]
        with pytest.raises(Conflict):
            await company.segue.settle("default", key, state="done", result=None, reason=None, by="ann")
        with pytest.raises(NotFound):
            await company.segue.settle("another", key, state="done", result=None, reason=None, by="ann")


async def test_arguments_and_results_that_cannot_be_stored_are_refused_and_change_nothing(tmp_path: Path) -> None:
    script = Script([[call("book_call"), call("pay_back", amount=5)]])
    async with open_company(tmp_path, script) as company:
        company.ledger.faults["book_call"] = [dies]
        run = await company.handle()
        approval = await company.approval()
        key = run["effects"][0]["key"]
        for strange in STRANGE:
            given = GivenAnswer(approved=True, arguments={"amount": strange})
            with pytest.raises(Refused):
                await company.segue.answer("default", approval["id"], given)
            with pytest.raises(Refused):
                await company.segue.settle("default", key, state="done", result=strange, reason=None, by="ann")
            with pytest.raises(BatchError):
                await company.segue.accept("default", [raw("c-2", id="e-2", message=strange)])
        assert (await company.approval())["arguments"] == {"amount": 5, "customer": "c-1"}
        assert (await company.segue.counts("default"))["runs"] == {"waiting": 1}


async def test_a_decider_that_asks_with_arguments_that_are_no_json_is_refused_and_told(tmp_path: Path) -> None:
    asked = [call(tool, note=strange) for strange in STRANGE for tool in ("book_call", "launch_rocket")]
    async with open_company(tmp_path, Script([[*asked, call("pause_mail")]])) as company:
        run = await company.handle()
    assert run["status"] == "done"
    verdicts = [found["verdict"] for found in run["decisions"][0]["calls"]]
    assert verdicts == ["refused"] * len(asked) + ["permitted"]
    assert [tool for tool, _, _ in company.ledger.deliveries] == ["pause_mail"]


async def test_words_no_database_can_carry_are_stored_without_what_it_cannot(tmp_path: Path) -> None:
    def says_no() -> None:
        raise ToolError("no\x00 \ud800 way")

    async with open_company(tmp_path, Script([[call("book_call"), call("pay_back", amount=5)]])) as company:
        company.ledger.faults["book_call"] = [says_no]
        run = await company.handle()
        approval = await company.approval()
        given = GivenAnswer(approved=False, reason="\x00never\udfff", by="a\x00nn")
        await company.segue.answer("default", approval["id"], given)
        while run["status"] == "waiting":
            run = await waits(company, run["id"])
    assert run["status"] == "done"
    assert run["effects"][0]["error"].startswith("no")
    assert run["approvals"][0]["reason"] == "\ufffdnever\ufffd"


def test_what_is_stored_can_always_be_read_again() -> None:
    assert json_text({"a\x00": [math.nan, "\ud83d", "\U0001f600", 1.5]}) == (
        '{"a\\ufffd": [null, "\\ufffd", "\\ud83d\\ude00", 1.5]}'
    )
    assert clean("plain \U0001f600") == "plain \U0001f600"


@pytest.mark.parametrize(("one", "other"), [(1.0, 1), (1e16, 10**16), (1e23, 10**23), (-0.0, 0), (2.5, 2.50)])
def test_a_number_is_the_same_call_in_every_form_a_database_gives_it_back(one: float, other: float) -> None:
    assert like("pay", {"amount": one}, "c-1") == like("pay", {"amount": other}, "c-1")


def test_numbers_that_differ_in_the_last_digit_stay_different() -> None:
    assert canonical(2**53) != canonical(2**53 + 1)
    assert canonical(1e23) != canonical(1.0000000000000001e23)
