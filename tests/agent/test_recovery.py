"""What a stop, a broken store or a changed portfolio leaves behind, and how a run still comes to its right end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS
from sqlalchemy.exc import OperationalError

from agent import dispatcher, wiring
from agent.directory import DataDirectoryBusy
from agent.errors import Conflict, Refused
from agent.service import GivenAnswer
from agent.store import decisions
from agent.store.database import Database
from agent.store.queries import Shown
from agent.store.queue import Claimed
from agent.types import Question
from tests.agent.company import PORTFOLIO, Company, Script, call, embedder, open_company

NO_BOOKING = PORTFOLIO.replace('      book_call: "tests.agent.company:book_call"\n', "").replace(
    "      book_call: {step: calm, timeout_s: 5}\n", ""
)
NO_REPAYING = PORTFOLIO.replace("allow: [know, calm, pay_back]", "allow: [know, calm]")
NOTHING = Claimed(starts=(), look_again_at=None)
OTHER_EVENTS = PORTFOLIO.replace("customer.upset", "customer.calm")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing waits for nobody, and the sweep comes often."""
    monkeypatch.setattr(dispatcher, "GRACE_S", 0.02)
    monkeypatch.setattr(dispatcher, "SWEEP_S", 0.05)


async def cut_off(tmp_path: Path, script: Script, tool: str) -> str:
    """A server that stops while the tool has the call in its hands; the run's id."""
    async with open_company(tmp_path, script) as company:
        called = asyncio.Event()

        async def hang() -> None:
            called.set()
            await asyncio.Event().wait()

        company.ledger.faults[tool] = [hang]
        run = await company.send()
        await called.wait()
        return run


async def ended_at_last(company: Company, run: str) -> Shown:
    """The run when it is neither open nor waiting."""
    while (shown := await company.ended(run))["status"] == "waiting":
        await asyncio.sleep(0.02)
    return shown


def fail_once(monkeypatch: pytest.MonkeyPatch, where: str, times: int = 1) -> list[str]:
    """Let writes of a stage fail as if the disk were full; the list of failures so far."""
    original = Database.write
    failed: list[str] = []

    async def write(self: Database, work: Callable[..., Any], **how: Any) -> Any:
        if where in work.__qualname__ and len(failed) < times:
            failed.append(where)
            raise OperationalError("INSERT", {}, OSError("database or disk is full"))
        return await original(self, work, **how)

    monkeypatch.setattr(Database, "write", write)
    return failed


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize(("tool", "state"), [("pause_mail", "done"), ("book_call", "unknown")])
async def test_a_call_cut_off_by_a_stop_is_repeated_or_in_doubt_even_if_the_engines_file_is_lost(
    tmp_path: Path, tool: str, state: str, lost: bool
) -> None:
    run_id = await cut_off(tmp_path, Script([[call(tool)]]), tool)
    if lost:
        for file in (tmp_path / "data").glob("engine.sqlite*"):
            file.unlink()
    async with open_company(tmp_path, Script([[call(tool)]])) as company:
        run = await company.ended(run_id)
        deliveries = company.ledger.deliveries
    (effect,) = run["effects"]
    assert (effect["state"], run["status"]) == (state, "done" if state == "done" else "waiting")
    assert [key for _, _, key in deliveries] == ([effect["key"]] if state == "done" else [])
    assert len(run["decisions"]) == (2 if state == "done" else 1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("where", ["RunStages.decide", "Ledger.perform", "Recording.record", "Ledger._finish"])
async def test_a_store_that_fails_for_a_moment_does_not_fail_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail"), call("look_up")]])) as company:
        failed = fail_once(monkeypatch, where)
        run = await company.handle()
    assert failed == [where]
    assert (run["status"], [effect["state"] for effect in run["effects"]]) == ("done", ["done", "done"])
    assert len({key for tool, _, key in company.ledger.deliveries if tool == "pause_mail"}) == 1


@pytest.mark.usefixtures("impatient")
async def test_a_store_that_fails_while_a_run_is_parked_leaves_it_waiting_for_the_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_company(tmp_path, Script([[call("pay_back", amount=5)]])) as company:
        failed = fail_once(monkeypatch, "RunStages.settle")
        run = await company.handle()
        assert (failed, run["status"]) == (["RunStages.settle"], "waiting")
        await company.segue.answer("default", (await company.approval())["id"], GivenAnswer(approved=True))
        await ended_at_last(company, run["id"])
    assert len(company.ledger.of("pay_back")) == 1


@pytest.mark.usefixtures("impatient")
async def test_a_run_that_the_store_never_takes_is_given_up_by_name_and_its_subject_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "LOST_WORKFLOWS", 2)
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        failed = fail_once(monkeypatch, "RunStages.decide", times=9)
        run = await company.handle("c-1")
        assert (run["status"], run["end"]["code"]) == ("failed", "internal_error")
        assert len(failed) == 9
        assert (await company.handle("c-1", id="e-2"))["status"] == "done"


@pytest.mark.usefixtures("impatient")
async def test_a_call_in_doubt_whose_tool_is_gone_is_unknown_and_can_be_settled(tmp_path: Path) -> None:
    run_id = await cut_off(tmp_path, Script([[call("book_call")]]), "book_call")
    async with open_company(tmp_path, Script([[]]), NO_BOOKING) as company:
        run = await company.ended(run_id)
        assert (run["status"], run["effects"][0]["state"]) == ("waiting", "unknown")
        assert "no tool 'book_call' any more" in run["effects"][0]["error"]
        key = run["effects"][0]["key"]
        await company.segue.settle("default", key, state="done", result=None, reason=None, by="ann")
        assert (await ended_at_last(company, run_id))["status"] == "done"


@pytest.mark.usefixtures("impatient")
async def test_a_run_whose_event_type_is_gone_finishes_its_call_and_fails_by_name(tmp_path: Path) -> None:
    run_id = await cut_off(tmp_path, Script([[call("pause_mail")]]), "pause_mail")
    async with open_company(tmp_path, Script([]), OTHER_EVENTS) as company:
        run = await company.ended(run_id)
    assert run["effects"][0]["state"] == "done"
    assert (run["status"], run["end"]["code"]) == ("failed", "unknown_event_type")


async def test_an_approval_of_a_vanished_event_type_cannot_be_given_but_can_be_denied(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pay_back", amount=5)]])) as company:
        run = await company.handle()
    async with open_company(tmp_path, Script([]), OTHER_EVENTS) as company:
        approval = await company.approval()
        with pytest.raises(Refused, match=r"no event type 'customer\.upset'"):
            await company.segue.answer("default", approval["id"], GivenAnswer(approved=True))
        await company.segue.answer("default", approval["id"], GivenAnswer(approved=False))
        run = await ended_at_last(company, run["id"])
    assert (run["status"], run["end"]["code"]) == ("failed", "unknown_event_type")
    assert company.ledger.deliveries == []


@pytest.mark.parametrize(
    ("portfolio", "why"),
    [
        (NO_REPAYING, "not allowed"),
        (PORTFOLIO.replace("bind: {customer: subject}", "bind: {customer: data.message}"), "'customer' must be"),
    ],
)
async def test_a_call_permitted_but_not_sent_before_a_stop_is_refused_if_the_portfolio_permits_it_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, portfolio: str, why: str
) -> None:
    async with open_company(tmp_path, Script([[call("pay_back", amount=5)]])) as company:
        run = await company.handle(message="c-9")
        approval = await company.approval()
        monkeypatch.setattr(dispatcher, "claim", lambda *_: NOTHING)
        await company.segue.answer("default", approval["id"], GivenAnswer(approved=True))
    monkeypatch.undo()
    script = Script([[]])
    async with open_company(tmp_path, script, portfolio) as company:
        run = await ended_at_last(company, run["id"])
    assert run["status"] == "done"
    assert company.ledger.deliveries == []
    assert [result.state for result in script.seen[0].results] == ["refused"]
    assert why in (script.seen[0].results[0].error or "")


async def test_a_call_whose_risk_was_raised_before_it_was_sent_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script([[call("pause_mail")], [call("pause_mail")]])
    async with open_company(tmp_path, script) as company:
        fail_once(monkeypatch, "Ledger.perform", times=99)
        monkeypatch.setattr(dispatcher, "SWEEP_S", 60.0)
        run_id = await company.send()
        while not script.seen:
            await asyncio.sleep(0.01)
    monkeypatch.undo()
    risky = PORTFOLIO.replace("pause_mail: {step: calm,", "pause_mail: {step: calm, risk: high,")
    async with open_company(tmp_path, script, risky) as company:
        run = await company.ended(run_id)
    assert run["status"] == "waiting"
    assert [found["verdict"] for decision in run["decisions"] for found in decision["calls"]] == ["refused", "approval"]


async def test_a_question_answered_with_a_risky_call_needs_no_second_approval_after_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script([Question(text="Pay?", options=(call("pay_back", amount=5),))])
    async with open_company(tmp_path, script) as company:
        run = await company.handle()
        monkeypatch.setattr(dispatcher, "claim", lambda *_: NOTHING)
        approval = await company.approval()
        await company.segue.answer("default", approval["id"], GivenAnswer(approved=True))
    monkeypatch.undo()
    async with open_company(tmp_path, script) as company:
        assert (await ended_at_last(company, run["id"]))["status"] == "done"
        assert company.ledger.of("pay_back") == [{"customer": "c-1", "amount": 5}]


@pytest.mark.usefixtures("impatient")
async def test_time_while_nobody_ran_does_not_count_against_a_runs_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = await cut_off(tmp_path, Script([[call("pause_mail")]]), "pause_mail")
    monkeypatch.setattr(wiring, "_now", lambda: datetime.now(UTC) + timedelta(hours=3))
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        assert (await company.ended(run_id))["status"] == "done"


async def test_a_run_that_fails_takes_its_open_approval_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def settle(connection: Any, run: str, now: datetime) -> decisions.Pending:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(decisions, "settle", settle)
    async with open_company(tmp_path, Script([[call("pay_back", amount=5)]])) as company:
        run = await company.handle()
        assert (run["status"], run["end"]["code"]) == ("failed", "internal_error")
        (approval,) = run["approvals"]
        assert (approval["state"], approval["answered_by"]) == ("rejected", "segue")
        with pytest.raises(Conflict):
            await company.segue.answer("default", approval["id"], GivenAnswer(approved=True))
        page = await company.segue.memories.episodes("default", None, 10)
    assert page.items[0]["declined"] == []


async def test_two_servers_never_work_on_one_data_directory(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        second = wiring.Settings(portfolio=(tmp_path / "portfolio.yaml",), data=tmp_path / "data")
        with pytest.raises(DataDirectoryBusy, match="held by process"):
            async with wiring.open_segue(second, Script([]), embedder()):
                pass
        assert (await company.handle())["status"] == "done"


async def test_what_goes_on_beside_runs_has_threads_while_the_engine_closes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    destroy, destroyed, went_on = DBOS.destroy, threading.Event(), threading.Event()

    def slowly(**given: Any) -> None:
        destroy(**given)
        destroyed.set()
        went_on.wait(10)

    async def learn() -> None:
        while not destroyed.is_set():
            await asyncio.to_thread(int)
        await asyncio.to_thread(went_on.set)

    monkeypatch.setattr(DBOS, "destroy", slowly)
    async with open_company(tmp_path, Script([])) as company:
        # The first workflow is what gives the loop the engine's threads.
        await company.handle()
        learning = asyncio.create_task(learn())
    await learning
    assert went_on.is_set()
