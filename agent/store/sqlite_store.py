"""SQLite in a file: one connection that writes, a few that read. Start with `SqliteStore`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import StaticPool

from agent.storable import json_text
from agent.store.writer import PATIENCE_MS, Writer, begin_patiently, is_busy

T = TypeVar("T")

READERS = 4


class SqliteStore:
    """Who holds the data directory holds it; see `agent.directory`."""

    def __init__(self, url: str) -> None:
        self._write_engine = _engine(url, on_loop=True)
        self._read_engine = _engine(url, on_loop=False)
        self._brief_engine = _engine(url, on_loop=True)
        self._writer = Writer(self._write_engine, self._checkpoint)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")

    async def write(self, work: Callable[[Connection], T], *, urgent: bool, long: bool, crowded: bool) -> T:
        """Run `work` in a transaction that is on disk when this returns; a `long` one on a thread."""
        alone = urgent and not (long or crowded)
        result: T = await self._writer.submit(work, urgent=urgent, long=long, alone=alone)
        return result

    async def read(self, work: Callable[[Connection], T], *, brief: bool) -> T:
        """Run `work` on one view of what has been committed; a `brief` one is done sooner than a thread is asked."""
        if brief:
            try:
                return _look(self._brief_engine, work)
            except OperationalError as error:
                if not is_busy(error):
                    raise
        return await self._on_a_thread(lambda: _look(self._read_engine, work))

    async def migrate(self, work: Callable[[Connection], None]) -> None:
        """Run `work` alone."""
        await self._on_a_thread(lambda: self._migrate(work))

    async def hold(self, *, shared: bool, patience_s: float) -> bool:
        """The data directory's lock has done it."""
        return True

    async def still_holds(self) -> bool:
        """The data directory's lock sees to it."""
        return True

    async def aclose(self) -> None:
        """Finish what was handed in, then close."""
        await self._writer.aclose()
        await asyncio.to_thread(self._readers.shutdown)
        for engine in (self._write_engine, self._read_engine, self._brief_engine):
            engine.dispose()

    async def _on_a_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    def _migrate(self, work: Callable[[Connection], None]) -> None:
        with self._write_engine.begin() as connection:
            begin_patiently(connection)
            work(connection)

    def _checkpoint(self) -> None:
        with suppress(DBAPIError), self._read_engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")


def _look(engine: Engine, work: Callable[[Connection], T]) -> T:
    with engine.connect() as connection:
        # Through the driver: it cannot fail, and stands before each read.
        connection.connection.cursor().execute("BEGIN")
        result = work(connection)
        connection.commit()
    return result


def _engine(url: str, *, on_loop: bool) -> Engine:
    options: dict[str, Any] = {"connect_args": {"check_same_thread": False, "timeout": PATIENCE_MS / 1000}}
    if on_loop:
        options["poolclass"] = StaticPool
    else:
        # One for each thread that reads, and one for checkpoints.
        options |= {"pool_size": READERS + 1, "max_overflow": 0}
    engine = create_engine(url, json_serializer=json_text, **options)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # Checkpoints are the writer's thread's; this is for a log that grows faster.
        cursor.execute("PRAGMA wal_autocheckpoint=8000")
        # The event loop never waits for another program.
        cursor.execute(f"PRAGMA busy_timeout={0 if on_loop else PATIENCE_MS}")
        cursor.close()

    return engine
