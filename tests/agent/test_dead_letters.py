"""Runs that failed for good: what is kept of them, and what a replay and a discard change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from agent.dead_letters import DeadLetters
from agent.errors import Conflict, NotFound
from agent.ids import new_id
from agent.store import dead, episodes
from agent.store.closing import close_run
from agent.store.database import Database
from agent.store.episodes import EpisodeReader
from agent.store.queries import Shown
from agent.store.queue import wake
from agent.store.tables import runs
from agent.types import DeciderError
from agent.usual import UsualRuns
from tests.agent.company import Company, Script, call, open_company
from tests.agent.letters import NOW, TYPE, accepted, dead_letter, fail, row_of, store, tried


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A store of either kind; tests use tenants of their own."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'segue.sqlite'}" if sqlite else request.getfixturevalue("postgres_url")
    async with store(url) as opened:
        yield opened


@pytest.fixture
def tenant() -> str:
    return new_id()


@pytest.fixture
def letters(database: Database) -> DeadLetters:
    return DeadLetters(database, lambda: NOW + timedelta(hours=1), lambda: None)


async def history(letters: DeadLetters, tenant: str, run: str) -> list[Any]:
    """Tries by number, what operators did by its state."""
    shown = await letters.show(tenant, run)
    return [entry.get("attempt", entry.get("state")) for entry in shown["history"]]


def about(run: str, tenant: str) -> dict[str, Any]:
    """What every try says."""
    return {"run": run, "tenant": tenant, "code": "broken", "now": NOW}


async def states(letters: DeadLetters, tenant: str) -> dict[str, str]:
    """Every letter's state by its run."""
    return {one["run"]: one["state"] for one in (await letters.list(tenant, None, None, 50)).items}


async def test_every_try_is_kept_and_the_last_one_opens_the_letter(
    database: Database, letters: DeadLetters, tenant: str
) -> None:
    run = await accepted(database, tenant)
    await database.write(
        lambda connection: dead.note_attempt(connection, run, tenant, 1, "broken", "first\x00\ud800", NOW)
    )
    assert await states(letters, tenant) == {run: "retrying"}
    later = NOW + timedelta(minutes=1)
    await database.write(lambda connection: fail(connection, run, tenant, 3, later))
    shown = await letters.show(tenant, run)
    assert (shown["state"], shown["attempts"], shown["since"]) == ("open", 3, "2026-11-02T00:01:00Z")
    assert [entry["attempt"] for entry in shown["history"]] == [1, 2, 3]
    assert shown["history"][0]["detail"] == "first\ufffd\ufffd"
    assert shown["record"]["end"] == {"code": "broken", "detail": "told to fail"}


async def test_a_burial_that_is_repeated_adds_nothing(database: Database, letters: DeadLetters, tenant: str) -> None:
    run = await dead_letter(database, tenant, tries=2)
    before = await letters.show(tenant, run)
    for _ in range(2):
        await database.write(
            lambda connection: dead.bury(connection, run, tenant, "x", "y", [tried(1), tried(2), tried(3)], NOW)
        )
    assert await letters.show(tenant, run) == before


async def test_a_replayed_run_waits_in_the_queue_with_all_its_limits_before_it(
    database: Database, letters: DeadLetters, tenant: str
) -> None:
    run = await accepted(database, tenant)
    used = {"attempts": 4, "spent_s": 500.0, "segment": 7, "expires_at": NOW, "due_at": NOW, "owner": "w"}
    await database.write(lambda connection: connection.execute(update(runs).where(runs.c.id == run).values(**used)))
    await database.write(lambda connection: fail(connection, run, tenant))
    shown = await letters.replay(tenant, run, by="ann")
    assert (shown["state"], shown["replays"], shown["changed_by"]) == ("replayed", 1, "ann")
    row = await row_of(database, run)
    cleared = ("end_code", "end_detail", "closed_at", "expires_at", "due_at", "owner")
    assert {name: row[name] for name in cleared} == dict.fromkeys(cleared)
    assert (row["status"], row["segment"], row["attempts"], row["spent_s"]) == ("queued", 8, 0, 0.0)
    assert row["in_line"]


async def test_a_replay_that_is_repeated_or_raced_queues_the_run_once(
    database: Database, letters: DeadLetters, tenant: str
) -> None:
    run = await dead_letter(database, tenant)
    told = await asyncio.gather(*(letters.replay(tenant, run, by=f"operator {number}") for number in range(6)))
    assert {one["replays"] for one in told} == {1}
    assert len({one["changed_by"] for one in told}) == 1
    assert (await row_of(database, run))["segment"] == 1
    assert await history(letters, tenant, run) == [1, "replayed"]


async def test_a_replayed_run_that_fails_again_is_open_again_with_all_that_came_before(
    database: Database, letters: DeadLetters, tenant: str
) -> None:
    run = await dead_letter(database, tenant, tries=2)
    await letters.replay(tenant, run, by="ann")
    await database.write(lambda connection: fail(connection, run, tenant, 2))
    assert await states(letters, tenant) == {run: "open"}
    assert await history(letters, tenant, run) == [1, 2, "replayed", 1, 2]
    again = await letters.replay(tenant, run, by="ben")
    assert (again["replays"], again["attempts"]) == (2, 4)


async def test_a_run_that_goes_well_at_a_later_try_leaves_no_letter_and_a_replayed_one_stays_replayed(
    database: Database, letters: DeadLetters, tenant: str
) -> None:
    fresh, replayed = await accepted(database, tenant, "c-1"), await dead_letter(database, tenant, "c-2")
    await letters.replay(tenant, replayed, by="ann")
    for run in (fresh, replayed):
        await database.write(partial(dead.note_attempt, **about(run, tenant), attempt=1, detail="again"))
    assert await states(letters, tenant) == {fresh: "retrying", replayed: "retrying"}
    assert (await letters.replay(tenant, replayed, by="ben"))["replays"] == 1
    for run in (fresh, replayed):
        await database.write(partial(close_run, run=run, status="done", code="finished", detail="", now=NOW))
    assert await states(letters, tenant) == {replayed: "replayed"}
    assert [one["run"] for one in (await letters.list(tenant, "replayed", None, 9)).items] == [replayed]
    assert (await letters.list(tenant, "retrying", None, 9)).items == []
    with pytest.raises(NotFound):
        await letters.show(tenant, fresh)


async def test_a_discarded_letter_stays_discarded_and_keeps_why(
    database: Database, letters: DeadLetters, tenant: str
) -> None:
    run = await dead_letter(database, tenant)
    first = await letters.discard(tenant, run, by="ann", reason="a test order")
    assert await letters.discard(tenant, run, by="ben", reason="other") == first
    with pytest.raises(Conflict, match="was discarded"):
        await letters.replay(tenant, run, by="ben")
    entry = (await letters.show(tenant, run))["history"][-1]
    assert (entry["state"], entry["by"], entry["reason"]) == ("discarded", "ann", "a test order")
    assert (await row_of(database, run))["status"] == "failed"


async def test_only_an_open_letter_can_be_discarded(database: Database, letters: DeadLetters, tenant: str) -> None:
    run = await dead_letter(database, tenant)
    await letters.replay(tenant, run, by="ann")
    with pytest.raises(Conflict, match="is replayed"):
        await letters.discard(tenant, run, by="ann", reason=None)
    assert await history(letters, tenant, run) == [1, "replayed"]


async def test_the_letters_of_others_are_not_there(database: Database, letters: DeadLetters, tenant: str) -> None:
    run = await dead_letter(database, tenant)
    for asked in (
        letters.show("other", run),
        letters.replay("other", run, by="eve"),
        letters.discard("other", run, by="eve", reason=None),
        letters.show(tenant, "none"),
    ):
        with pytest.raises(NotFound):
            await asked
    assert (await letters.list("other", None, None, 9)).items == []
    assert await states(letters, tenant) == {run: "open"}


async def test_pages_of_letters_follow_each_other_newest_first(
    database: Database, letters: DeadLetters, tenant: str
) -> None:
    made = [await dead_letter(database, tenant, f"c-{number}") for number in range(5)]
    await letters.discard(tenant, made[2], by="ann", reason=None)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await letters.list(tenant, "open", cursor, 2)
        seen += [one["run"] for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == sorted(set(made) - {made[2]}, reverse=True)


async def replayed(company: Company, run: str) -> Shown:
    """Replay, and wait for the end."""
    await company.segue.dead.replay("default", run, by="ann")
    return await company.ended(run)


async def test_a_replay_hands_out_no_effect_that_is_done(tmp_path: Path) -> None:
    script = Script([[call("book_call")], DeciderError("broken", "told to fail")])
    async with open_company(tmp_path, script) as company:
        run = await company.handle()
        assert run["status"] == "failed"
        async with store(f"sqlite:///{tmp_path / 'data' / 'segue.sqlite'}") as database:
            await database.write(
                lambda connection: dead.bury(connection, run["id"], "default", "broken", "x", [tried(1)], NOW)
            )
            script.entries = script.entries[:1]
            assert (await replayed(company, run["id"]))["status"] == "done"
            assert (await row_of(database, run["id"]))["after_decision"] == 1
    assert len(company.ledger.of("book_call")) == 1


async def test_after_a_replay_memory_knows_what_was_really_done_and_keeps_the_rewards(tmp_path: Path) -> None:
    async with (
        open_company(tmp_path, Script([[call("pause_mail")]])) as company,
        store(f"sqlite:///{tmp_path / 'data' / 'segue.sqlite'}") as database,
    ):
        run = await dead_letter(database)
        await company.send("c-1", id="o-1", type="customer.stayed", loyalty=1)
        while (await company.segue.memories.outcomes("default", "new", None, 9)).items:
            await asyncio.sleep(0.02)
        reader, usual = EpisodeReader(), UsualRuns(database, {}, {"loyalty": 1.0})
        assert await told(database, reader, run) == ([], {"loyalty": 1.0})
        assert [len(past.results) for past in await usual.of("before", "default", TYPE)] == [0]
        assert (await replayed(company, run))["status"] == "done"
        assert await told(database, reader, run) == (["pause_mail"], {"loyalty": 1.0})
        assert [len(past.results) for past in await usual.of("after", "default", TYPE)] == [1]
        while await database.read(lambda connection: episodes.unindexed(connection, 1)):
            await asyncio.sleep(0.02)
        (found,) = await company.segue.memories.search("default", TYPE, "pause please", 5)
        assert [action["tool"] for action in found["actions"]] == ["pause_mail"]


async def told(database: Database, reader: EpisodeReader, run: str) -> tuple[list[str], dict[str, float]]:
    """Tools and rewards of the run's episode, as recall reads it."""
    (episode,) = await database.read(lambda connection: reader.fetch(connection, "default", [run]))
    return [action.tool for action in episode.actions], dict(episode.rewards)


async def test_an_episode_is_not_replaced_by_a_run_that_was_not_replayed(tmp_path: Path) -> None:
    async with store(f"sqlite:///{tmp_path / 'segue.sqlite'}") as database:
        run = await dead_letter(database)
        (first,) = await database.read(lambda connection: episodes.fetch(connection, "default", [run]))
        other = replace(first, closed_at=NOW, declined=("b",), text="another")
        await database.write(lambda connection: episodes.write(connection, other))
        assert await database.read(lambda connection: episodes.fetch(connection, "default", [run])) == (first,)


async def test_a_letter_is_counted_while_it_is_open(tmp_path: Path) -> None:
    async with (
        open_company(tmp_path, Script([])) as company,
        store(f"sqlite:///{tmp_path / 'data' / 'segue.sqlite'}") as database,
    ):
        run = await dead_letter(database)
        assert (await company.segue.counts("default"))["dead_letters_open"] == 1
        await replayed(company, run)
        assert (await company.segue.counts("default"))["dead_letters_open"] == 0


async def test_waking_is_for_parked_runs_and_leaves_a_dead_letter_alone(database: Database, tenant: str) -> None:
    run = await dead_letter(database, tenant)
    await database.write(lambda connection: wake(connection, run, NOW))
    assert (await row_of(database, run))["status"] == "failed"
