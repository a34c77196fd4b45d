"""Pruning: finished runs are removed, what was learned from them stays. Start with `prune`.

On SQLite this is done under the data directory's lock, and the files shrink. On PostgreSQL it goes on beside Segues
that work, in short transactions; the server gives the room to new rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from dbos import DBOSClient
from sqlalchemy import inspect

from agent.directory import DataDirectory
from agent.store import activity, past, pruning, sizes
from agent.store.database import Database
from agent.usual import MOST_RUNS

BATCH = 300
"""Runs removed in one transaction."""


class ShrinkError(Exception):
    """The runs are removed, but a file could not be made smaller."""


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What pruning did, or would do."""

    runs: int
    bytes: int
    """What those runs had stored, as `stored_bytes` of a run counts."""
    kept_for_habits: int
    """Runs old enough that stay, because decisions without a playbook look at them."""
    kept_in_doubt: int
    """Runs old enough that stay, because an operator has not said what became of an effect."""
    large_results: int
    """Large results removed because nothing refers to them any more; 0 of a dry run."""
    activity: int
    """Lines of who did what that are as old."""
    freed_bytes: int | None
    """By how much the files shrank; None on PostgreSQL."""


async def prune(
    data: Path,
    database_url: str | None,
    *,
    before: datetime,
    dry_run: bool,
    progress: Callable[[int, int], None],
) -> Pruned:
    """Remove runs that ended before a time; `progress` gets (looked at, total).

    Raises `DataDirectoryBusy`, `SchemaError`, `ShrinkError`. Broken off, it leaves whole runs, and goes on next time.
    """
    if database_url is not None:
        async with _opened(database_url, database_url) as (database, client):
            return await _prune(database, client, before, dry_run, progress)
    with DataDirectory.hold(data) as held:
        files = [Path(url.removeprefix("sqlite:///")) for url in (held.store_url, held.engine_url)]
        size = _size(files)
        async with _opened(held.store_url, held.engine_url) as (database, client):
            done = await _prune(database, client, before, dry_run, progress)
        if not dry_run:
            for file in files:
                _shrink(file)
        return replace(done, freed_bytes=max(0, size - _size(files)))


@asynccontextmanager
async def _opened(store_url: str, engine_url: str) -> AsyncIterator[tuple[Database, DBOSClient | None]]:
    async with AsyncExitStack() as stack:
        database = Database(store_url)
        stack.push_async_callback(database.aclose)
        await database.open()
        client: DBOSClient | None = None
        if await _has_workflows(database, engine_url):
            client = DBOSClient(system_database_url=engine_url, retry_connection_errors=False)
            stack.callback(client.destroy)
        yield database, client


async def _has_workflows(database: Database, engine_url: str) -> bool:
    """Whether a Segue ever ran there: DBOS's tables are made by it."""
    if database.dialect == "sqlite":
        return Path(engine_url.removeprefix("sqlite:///")).exists()
    return await database.read(lambda connection: inspect(connection).has_table("workflow_status", schema="dbos"))


async def _prune(
    database: Database,
    client: DBOSClient | None,
    before: datetime,
    dry_run: bool,
    progress: Callable[[int, int], None],
) -> Pruned:
    total, in_doubt = await database.read(lambda connection: pruning.counts(connection, before))
    kept = await database.read(lambda connection: past.looked_at(connection, MOST_RUNS))
    seen = removed = stored = for_habits = 0
    last = ""
    while found := await _page(database, before, last):
        last = found[-1].id
        old = [one for one in found if one.id not in kept]
        stored += await _stored(database, old)
        removed += len(old) if dry_run else await _remove(database, client, old, before)
        seen += len(found)
        for_habits += len(found) - len(old)
        progress(seen, max(seen, total))
    return Pruned(
        runs=removed,
        bytes=stored,
        kept_for_habits=for_habits,
        kept_in_doubt=in_doubt,
        large_results=0 if dry_run else await _remove_unused(database, before),
        activity=await _remove_activity(database, before, dry_run),
        freed_bytes=None,
    )


async def _page(database: Database, before: datetime, last: str) -> Sequence[pruning.OldRun]:
    return await database.read(lambda connection: pruning.page(connection, before, last, BATCH))


async def _stored(database: Database, old: Sequence[pruning.OldRun]) -> int:
    return await database.read(lambda connection: sizes.stored_bytes(connection, [one.id for one in old]))


async def _remove(
    database: Database, client: DBOSClient | None, old: Sequence[pruning.OldRun], before: datetime
) -> int:
    # Workflows first: once its run is gone, nothing would name a workflow that was left.
    if client is not None and old:
        await client.delete_workflows_async([workflow for one in old for workflow in one.workflows])
    return await database.write(lambda connection: pruning.remove(connection, [one.id for one in old], before))


async def _remove_unused(database: Database, before: datetime) -> int:
    names = await database.read(lambda connection: pruning.unused(connection, before))
    removed = 0
    for start in range(0, len(names), BATCH):
        removed += await _remove_some(database, names[start : start + BATCH], before)
    return removed


async def _remove_some(database: Database, names: Sequence[tuple[str, str]], before: datetime) -> int:
    return await database.write(lambda connection: pruning.remove_unused(connection, names, before))


async def _remove_activity(database: Database, before: datetime, dry_run: bool) -> int:
    if dry_run:
        return await database.read(lambda connection: activity.count(connection, before))
    return await database.write(lambda connection: activity.remove(connection, before), long=True)


def _size(files: Sequence[Path]) -> int:
    """Bytes on disk, write-ahead logs too."""
    parts = [Path(f"{file}{suffix}") for file in files for suffix in ("", "-wal")]
    return sum(part.stat().st_size for part in parts if part.exists())


def _shrink(file: Path) -> None:
    """Give a file's unused pages back. Raises `ShrinkError`, mostly for want of room: the file is written anew."""
    if not file.exists():
        return
    try:
        with closing(sqlite3.connect(file, isolation_level=None, timeout=30.0)) as connection:
            if connection.execute("PRAGMA freelist_count").fetchone()[0]:
                connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise ShrinkError(
            f"The runs are removed, but {str(file)!r} could not be made smaller: {error}. It needs as much free disk "
            "space as the file has bytes; run the command again."
        ) from error
