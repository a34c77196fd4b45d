"""The same code on PostgreSQL: what the store promises on SQLite, it promises there."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent import dispatcher
from agent.directory import DataDirectoryBusy
from agent.errors import Conflict, NotFound
from agent.events import RawEvent
from agent.service import GivenAnswer
from agent.store.database import Database
from agent.store.postgres_store import HOLDING
from agent.store.queries import RunFilter
from agent.types import Question
from agent.wiring import Settings, open_segue
from tests.agent.company import Script, call, dies, embedder, open_company, raw
from tests.agent.conftest import empty_database, new_database
from tests.agent.test_habits import BARE, live_through
from tests.agent.test_large_results import PORTFOLIO as LARGE
from tests.agent.test_large_results import archive
from tests.agent.test_pruning import lives_through_pruning
from tools.errors import ToolError


async def test_a_story_with_an_approval_a_doubt_and_an_outcome_goes_the_same_way(
    tmp_path: Path, postgres_url: str
) -> None:
    """Twice on one database: the second time the schema is there and the first one's rows are not in the way."""
    url = empty_database(postgres_url, "story")
    for times in (1, 2):
        await story(tmp_path / str(times), url, times)


async def story(tmp_path: Path, postgres_url: str, times: int) -> None:
    tmp_path.mkdir()
    subject = f"c-{times}"
    script = Script([[call("pay_back", amount=5), call("pause_mail"), call("book_call")]])
    async with open_company(tmp_path, script, database_url=postgres_url) as company:
        company.ledger.faults["book_call"] = [dies]
        event = raw(subject, id=f"e-{times}", message="nul and ünïcode")
        accepted = await asyncio.gather(*(company.segue.accept("default", [event]) for _ in range(5)))
        (run_id,) = {one.run for (one,) in accepted}
        run = await company.ended(run_id or "")
        assert run["status"] == "waiting"
        approval = await company.approval()
        answers = await asyncio.gather(
            *(company.segue.answer("default", approval["id"], GivenAnswer(approved=True)) for _ in range(3)),
            return_exceptions=True,
        )
        assert sum(isinstance(answer, Conflict) for answer in answers) == 2
        unknown = (await company.segue.effects("default", "unknown", None, 9)).items
        key = unknown[0]["key"]
        await company.segue.settle("default", key, state="done", result=None, reason=None, by="ann")
        run = await company.ended(run["id"])
        while run["status"] != "done":
            run = await company.ended(run["id"])
            await asyncio.sleep(0.02)
        await company.send(subject, id=f"o-{times}", type="customer.stayed", loyalty=1)
        while not run["outcomes"]:
            await asyncio.sleep(0.02)
            run = await company.segue.run("default", run["id"])
    assert {effect["state"] for effect in run["effects"]} == {"done"}
    assert len(company.ledger.of("pay_back")) == 1
    assert run["outcomes"][0]["rewards"] == {"loyalty": 1.0}


async def test_graded_runs_take_the_place_of_a_playbook(tmp_path: Path, postgres_url: str) -> None:
    async with open_company(tmp_path, None, database_url=postgres_url) as company:
        await live_through(company, 20, graded=20, name="habit")
    async with open_company(tmp_path, None, BARE, database_url=postgres_url) as company:
        run = await company.handle("habit-new", id="e-habit-new", message="my order never came")
        assert run["status"] == "done"
        assert company.ledger.of("pause_mail") == [{"customer": "habit-new", "days": 7}]


async def test_two_servers_never_work_on_one_database(tmp_path: Path, postgres_url: str) -> None:
    script = Script([[call("pause_mail")]])
    async with open_company(tmp_path, script, database_url=postgres_url) as company:
        second = Settings(portfolio=(tmp_path / "portfolio.yaml",), data=tmp_path / "other", database_url=postgres_url)
        with pytest.raises(DataDirectoryBusy, match="Another Segue works on this database"):
            async with open_segue(second, Script([]), embedder()):
                pass
        assert (await company.handle("c-two", id="e-two"))["status"] == "done"


async def test_one_whose_hold_was_lost_with_its_connection_takes_nothing_on_while_another_works_alone(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "RENEW_S", 0.02)
    url = new_database(postgres_url, "hold")
    async with open_company(tmp_path, Script([[call("pause_mail")]]), database_url=url) as company:
        other = Database(url)
        while not await other.hold(patience_s=0.0):
            await end_holds(url)
        while "works on this database" not in (await company.segue.health()).get("dispatcher", ""):
            await asyncio.sleep(0.01)
        run = await company.send("c-held", id="e-held")
        assert (await company.segue.run("default", run))["status"] == "queued"
        await other.aclose()
        assert (await company.ended(run))["status"] == "done"
        assert not await Database(url).hold(patience_s=0.2)


async def end_holds(url: str) -> None:
    """What a restart of the server does to those who hold the database."""
    database = Database(url)
    ended = f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = {HOLDING}"
    await database.write(lambda connection: connection.exec_driver_sql(ended))
    await database.aclose()


async def test_overlapping_batches_at_once_make_each_run_once_in_their_order(tmp_path: Path, postgres_url: str) -> None:
    async with open_company(tmp_path, Script([[call("book_call")]]), database_url=postgres_url) as company:
        events = [raw(f"p-{number % 3}", id=f"p-{number}", message=str(number)) for number in range(12)]
        answers = await asyncio.gather(
            *(company.segue.accept("default", events[start:] + events[:start]) for start in range(8))
        )
        run_of = {
            one.id: {other.run for answer in answers for other in answer if other.id == one.id} for one in answers[0]
        }
        assert all(len(found) == 1 for found in run_of.values())
        event_of = {run or "": id for id, found in run_of.items() for run in found}
        for run in event_of:
            await company.ended(run)
    handled = [event_of[key.split(":")[0]] for _, _, key in company.ledger.deliveries]
    assert sorted(handled) == sorted(event.id for event in events)
    # Whichever batch came first set the order, a rotation of the same one; the same for every subject.
    first = next(answer for answer in answers if not answer[0].duplicate)
    for subject in ("p-0", "p-1", "p-2"):
        own = {event.id for event in events if event.subject == subject}
        assert [id for id in handled if id in own] == [one.id for one in first if one.id in own]


async def test_what_postgresql_cannot_hold_fails_no_run_and_no_request(tmp_path: Path, postgres_url: str) -> None:
    def answers_oddly() -> dict[str, Any]:
        raise ToolError("no\x00 way")

    long = "\u65e5" * 341
    end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    script = Script([[call("book_call", note="n\x00"), call("pause_mail")], Question(text="what\x00 now \ud800?")])
    async with open_company(tmp_path, script, database_url=postgres_url) as company:
        company.ledger.faults["pause_mail"] = [answers_oddly]
        event = RawEvent(source=long, id=long, type="customer.upset", subject=long, time=end, data={"amount": 1e22})
        (accepted,) = await company.segue.accept("default", [event])
        run = await company.ended(accepted.run or "")
        assert run["status"] == "waiting"
        assert run["event"]["time"] == "9999-12-31T23:59:59Z"
        assert (await company.approval())["question"] == "what\ufffd now \ufffd?"
        for strange in ("a\x00b", "\ud800"):
            with pytest.raises(NotFound):
                await company.segue.run("default", strange)
            assert (await company.segue.runs("default", RunFilter(subject=strange), strange, 5)).items == []
        (again,) = await company.segue.accept("default", [event])
        assert again.duplicate


async def test_runs_are_pruned_while_a_segue_works(tmp_path: Path, postgres_url: str) -> None:
    await lives_through_pruning(tmp_path, new_database(postgres_url, "pruned"))


async def test_large_results_are_kept_once_there_too(tmp_path: Path, postgres_url: str) -> None:
    script = Script([[call("read_archive", page=page, size=100_000)] for page in (1, 1)])
    url = new_database(postgres_url, "large")
    async with open_company(tmp_path, script, LARGE, database_url=url) as company:
        run = await company.handle(message="look")
        whole = await company.segue.effect_result("default", run["effects"][0]["key"])
    assert [result.result for result in script.seen[-1].results] == [archive(1, 100_000)] * 2
    assert whole == archive(1, 100_000)
    assert run["effects"][1]["result"]["large"] is True
    assert 50_000 < run["stored_bytes"] < 150_000
