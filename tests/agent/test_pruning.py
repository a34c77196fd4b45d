"""Pruning removes finished runs that are old enough, and nothing that is still needed or was learned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, create_engine, select, text, update

from agent.accepting import BatchError
from agent.acts import Thing
from agent.directory import DataDirectory, DataDirectoryBusy
from agent.doors import Doer
from agent.errors import NotFound
from agent.events import RawEvent
from agent.pruning import Pruned, prune
from agent.store import activity as lines
from agent.store import past, sources
from agent.store.database import Database
from agent.store.large import Stored, pack, read
from agent.store.queries import RunFilter
from agent.store.sizes import stored_bytes
from agent.store.sources import Change
from agent.store.tables import (
    activity,
    approvals,
    calls,
    dead_letters,
    decisions,
    effects,
    episodes,
    inbox,
    large_results,
    outcomes,
    rewards,
    runs,
)
from tests.agent.company import Script, call, dies, open_company, raw
from tests.agent.old_runs import NOW, QUARTER, write_run
from tests.agent.test_outcomes import joined

OF_RUNS = (runs, decisions, calls, approvals, effects, dead_letters)
MEMORY = (episodes, outcomes, rewards)


async def test_finished_runs_that_are_old_enough_go_with_all_that_is_theirs(tmp_path: Path) -> None:
    def write(connection: Connection) -> None:
        for status in ("done", "stopped", "failed", "cancelled"):
            write_run(connection, f"old-{status}", status=status)
        for status in ("queued", "running", "waiting"):
            write_run(connection, f"open-{status}", status=status)
        write_run(connection, "young", days_ago=89)
        write_run(connection, "doubtful", status="stopped", effect="unknown")

    await written(tmp_path, write)
    before = contents(tmp_path, MEMORY)
    done = await pruned(tmp_path)
    assert (done.runs, done.kept_in_doubt, done.kept_for_habits) == (4, 1, 0)
    left = {"open-queued", "open-running", "open-waiting", "young", "doubtful"}
    for table in OF_RUNS:
        key = "id" if table is runs else "run"
        assert {row[key] for row in contents(tmp_path, [table])[0]} == left, table.name
    assert contents(tmp_path, MEMORY) == before
    assert (await pruned(tmp_path)).runs == 0


async def test_lines_of_activity_go_with_the_runs_of_their_time(tmp_path: Path) -> None:
    def write(connection: Connection) -> None:
        for days in (91, 89):
            one = Doer(tenant="default", name="ann", door="api", at=NOW - timedelta(days=days))
            lines.write(connection, one, "paused", Thing(kind="everything"))

    await written(tmp_path, write)
    assert [(await pruned(tmp_path, dry_run=dry)).activity for dry in (True, False, False)] == [1, 1, 0]
    assert [row["id"] for row in contents(tmp_path, [activity])[0]] == [2]


async def test_the_inbox_forgets_only_the_data_of_a_pruned_runs_events(tmp_path: Path) -> None:
    def write(connection: Connection) -> None:
        write_run(connection, "old", events=3, graded=True)
        write_run(connection, "young", days_ago=1)

    await written(tmp_path, write)
    (before,) = contents(tmp_path, [inbox])
    await pruned(tmp_path, looked_at=0)
    (after,) = contents(tmp_path, [inbox])
    assert [{**row, "data": None} for row in after] == [{**row, "data": None} for row in before]
    emptied = {row["id"] for row in after if row["data"] == {}}
    assert emptied == {"old-0", "old-1", "old-2"}


async def test_large_results_stay_as_long_as_a_run_refers_to_them(tmp_path: Path) -> None:
    shared, own = [await pack({"text": letter * 50_000}) for letter in "ab"]

    def write(connection: Connection) -> None:
        write_run(connection, "old-1", result=shared)
        write_run(connection, "old-2", result=own)
        write_run(connection, "young", days_ago=3, result=shared)

    await written(tmp_path, write)
    assert (await pruned(tmp_path)).large_results == 1
    (left,) = contents(tmp_path, [large_results])
    assert [row["digest"] for row in left] == [shared.digest]
    assert await answered(tmp_path, lambda connection: read(connection, "default", [shared.digest or ""]))
    assert (await pruned(tmp_path, before=NOW)).runs == 1
    assert contents(tmp_path, [large_results]) == [[]]


async def test_runs_that_habits_are_read_from_stay(tmp_path: Path) -> None:
    def write(connection: Connection) -> None:
        for number in range(5):
            write_run(connection, f"graded-{number}", days_ago=200 - number, graded=True)
        write_run(connection, "ungraded", days_ago=100)

    def habits(connection: Connection) -> Any:
        found = past.graded(connection, "default", "customer.upset", 3)
        return found, past.lived(connection, list(found))

    # An operator's word speaks as well, and these have none.
    await written(tmp_path, write)
    await written(tmp_path, lambda connection: connection.execute(update(approvals).values(answered_by=None)))
    before = await answered(tmp_path, habits)
    done = await pruned(tmp_path, looked_at=3)
    assert (done.runs, done.kept_for_habits) == (3, 3)
    assert await answered(tmp_path, habits) == before
    assert list(before[0]) == ["graded-4", "graded-3", "graded-2"]


async def test_runs_that_a_revocation_silences_take_no_places_and_keep_their_own(tmp_path: Path) -> None:
    def write(connection: Connection) -> None:
        for number in range(8):
            write_run(connection, f"graded-{number}", days_ago=200 - number, graded=True)
        connection.execute(update(approvals).values(answered_by=None))
        connection.execute(update(episodes).where(episodes.c.id > "graded-3").values(source="/liar"))
        connection.execute(update(outcomes).where(outcomes.c.run == "graded-3").values(source="/liar"))
        sources.revoke(connection, Change(tenant="default", source="/liar", by="ann", reason=None, at=NOW))

    def habits(connection: Connection) -> list[str]:
        return list(past.graded(connection, "default", "customer.upset", 2))

    await written(tmp_path, write)
    assert await answered(tmp_path, habits) == ["graded-2", "graded-1"]
    done = await pruned(tmp_path, looked_at=2)
    assert {row["id"] for row in contents(tmp_path, [runs])[0]} == {f"graded-{one}" for one in (1, 2, 3, 6, 7)}
    assert (done.runs, done.kept_for_habits) == (3, 5)
    back = Change(tenant="default", source="/liar", by="ann", reason=None, at=NOW)
    await written(tmp_path, lambda connection: sources.restore(connection, back))
    assert await answered(tmp_path, habits) == ["graded-7", "graded-6"]


async def test_a_dry_run_says_what_would_go_and_changes_nothing(tmp_path: Path) -> None:
    def write(connection: Connection) -> None:
        for number in range(3):
            write_run(connection, f"old-{number}", result=Stored(value={"text": "b" * 1_000}))

    await written(tmp_path, write)
    before = contents(tmp_path, [*OF_RUNS, *MEMORY, inbox, large_results])
    size = await answered(tmp_path, lambda connection: stored_bytes(connection, [f"old-{n}" for n in range(3)]))
    done = await pruned(tmp_path, dry_run=True)
    assert (done.runs, done.bytes, done.freed_bytes, done.large_results) == (3, size, 0, 0)
    assert 3_000 < size < 6_000
    assert contents(tmp_path, [*OF_RUNS, *MEMORY, inbox, large_results]) == before


async def test_many_runs_go_in_batches_and_the_file_shrinks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(connection: Connection) -> None:
        for number in range(70):
            write_run(connection, f"old-{number:03}", result=Stored(value={"text": "b" * 15_000}))

    monkeypatch.setattr("agent.pruning.BATCH", 30)
    await written(tmp_path, write)
    seen: list[tuple[int, int]] = []
    size = (tmp_path / "segue.sqlite").stat().st_size
    done = await pruned(tmp_path, progress=lambda number, total: seen.append((number, total)))
    assert done.runs == 70
    assert seen == [(30, 70), (60, 70), (70, 70)]
    assert done.freed_bytes is not None
    assert done.freed_bytes > 900_000
    assert (tmp_path / "segue.sqlite").stat().st_size < size - 900_000


async def test_a_data_directory_in_use_is_left_alone(tmp_path: Path) -> None:
    await written(tmp_path, lambda connection: write_run(connection, "old"))
    with DataDirectory.hold(tmp_path), pytest.raises(DataDirectoryBusy, match="is held by process"):
        await pruned(tmp_path)
    assert (await pruned(tmp_path)).runs == 1


async def test_segue_goes_on_after_its_runs_were_pruned(tmp_path: Path) -> None:
    await lives_through_pruning(tmp_path, None)


async def lives_through_pruning(tmp_path: Path, database_url: str | None) -> None:
    """A Segue handles events, is pruned, and goes on with redeliveries, a late outcome and its memory.

    On PostgreSQL it is pruned while a Segue works on it.
    """
    script = Script([[call("pause_mail"), call("book_call")]])
    event = raw("p-done", id="e-done", message="my order never came")
    async with open_company(tmp_path, script, database_url=database_url) as company:
        done = await company.ended((await company.segue.accept("default", [event]))[0].run or "")
        company.ledger.faults["book_call"] = [dies]
        doubtful = await company.handle("p-doubt", id="e-doubt", message="it broke")
    async with AsyncExitStack() as stack:
        if database_url is not None:
            await stack.enter_async_context(open_company(tmp_path, script, database_url=database_url))
        before = NOW.replace(year=2100)
        gone = await prune(tmp_path / "data", database_url, before=before, dry_run=False, progress=lambda *_: None)
    assert gone.runs == 1
    assert workflows(tmp_path, database_url, [done["id"], doubtful["id"]]) == {doubtful["id"]}
    async with open_company(tmp_path, script, database_url=database_url) as company:
        with pytest.raises(NotFound):
            await company.segue.run("default", done["id"])
        (again,) = await company.segue.accept("default", [event])
        assert (again.duplicate, again.run) == (True, done["id"])
        other = RawEvent(**{**vars(event), "data": {"message": "something else"}})
        with pytest.raises(BatchError, match="already accepted with another content"):
            await company.segue.accept("default", [other])
        await company.send("p-done", id="o-done", type="customer.stayed", loyalty=1)
        await joined(company.segue)
        (late,) = (await company.segue.memories.outcomes("default", None, None, 5)).items
        assert (late["state"], late["run"]) == ("unmatched", None)
        assert (await company.handle("p-done", id="e-new", message="and now"))["status"] == "done"
        near = await company.segue.memories.search("default", "customer.upset", "my order never came", 5)
        assert done["id"] in {episode["id"] for episode in near}
        open_runs = (await company.segue.runs("default", RunFilter(status="waiting"), None, 5)).items
        assert [run["id"] for run in open_runs] == [doubtful["id"]]


async def test_a_result_stored_again_while_unused_ones_are_removed_stays(tmp_path: Path) -> None:
    """As on PostgreSQL, where a worker's effect may be seen only after the removal began."""
    result = await pack({"text": "a" * 50_000})
    await written(tmp_path, lambda connection: write_run(connection, "old", result=result))
    young = NOW - timedelta(days=1)
    await written(tmp_path, lambda connection: connection.execute(update(large_results).values(created_at=young)))
    assert (await pruned(tmp_path)).runs == 1
    assert len(contents(tmp_path, [large_results])[0]) == 1


async def pruned(
    folder: Path,
    *,
    before: Any = QUARTER,
    dry_run: bool = False,
    looked_at: int | None = 0,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Pruned:
    """Prune a data directory; habits look at so many runs of an event type."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agent.pruning.MOST_RUNS", looked_at)
        return await prune(folder, None, before=before, dry_run=dry_run, progress=progress)


async def written(folder: Path, work: Callable[[Connection], Any]) -> None:
    """Change the store of a data directory."""
    database = Database(f"sqlite:///{folder / 'segue.sqlite'}")
    await database.open()
    await database.write(work)
    await database.aclose()


async def answered(folder: Path, work: Callable[[Connection], Any]) -> Any:
    """Ask the store of a data directory."""
    database = Database(f"sqlite:///{folder / 'segue.sqlite'}")
    try:
        return await database.read(work)
    finally:
        await database.aclose()


def contents(folder: Path, tables: Sequence[Table]) -> list[list[dict[str, Any]]]:
    """Every row of the tables."""
    with create_engine(f"sqlite:///{folder / 'segue.sqlite'}").connect() as connection:
        return [
            [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()]
            for table in tables
        ]


def workflows(folder: Path, database_url: str | None, ids: Sequence[str]) -> set[str]:
    """Which of these runs' workflows DBOS still knows anything of."""
    schema = "dbos." if database_url else ""
    found: set[str] = set()
    with create_engine(database_url or f"sqlite:///{folder / 'data' / 'engine.sqlite'}").connect() as connection:
        for table in ("workflow_status", "workflow_input", "workflow_output", "operation_outputs"):
            named = connection.execute(text(f"SELECT workflow_uuid FROM {schema}{table}")).scalars()
            found |= set(named) & set(ids)
    return found
