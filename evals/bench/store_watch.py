"""Sees in the store when runs are closed, from another process than Segue's. Start with `StoreWatch.closed`.

A look is one query over the runs that are open, so that watching takes nothing from the process that is measured but
what any reader of the database takes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import sqlalchemy as sa

from agent.store.prepared import Prepared
from agent.store.tables import runs, workers

LOOK_S = 0.002
"""Between two looks while few runs are open; one takes 20 us on SQLite."""
MANY = 4
LOOK_AT_MANY_S = 0.1
"""A look takes processor time from what is measured: of 64 runs of seconds it may be late by this."""


OPEN = Prepared(sa.select(runs.c.id).where(runs.c.status.in_(("queued", "running"))))


class StoreWatch:
    """Waits for runs until they are neither queued nor running."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._looking = engine.connect()
        self._awaited: dict[str, asyncio.Future[float]] = {}
        self._asked = asyncio.Event()

    async def closed(self, run: str) -> float:
        """Wait until it is closed or parked; when that was first seen, in seconds since the epoch."""
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._awaited[run] = future
        self._asked.set()
        return await future

    def statuses(self) -> dict[str, int]:
        """How many runs there are in which status."""
        query = sa.select(runs.c.status, sa.func.count()).group_by(runs.c.status)
        with self._engine.connect() as connection:
            return {str(status): int(count) for status, count in connection.execute(query)}

    def workers(self) -> int:
        """How many `segue worker` have said that they are there."""
        query = sa.select(sa.func.count()).select_from(workers).where(workers.c.kind == "worker")
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    async def look(self) -> None:
        """Look for ever."""
        while True:
            if not self._awaited:
                self._asked.clear()
                await self._asked.wait()
            awaited = list(self._awaited)
            still_open = self._open()
            now = time.time()
            for run in awaited:
                if run not in still_open:
                    self._awaited.pop(run).set_result(now)
            await asyncio.sleep(LOOK_S if len(self._awaited) <= MANY else LOOK_AT_MANY_S)

    def _open(self) -> set[str]:
        return set(OPEN.on(self._looking).scalars())

    def close(self) -> None:
        """Look no more."""
        self._looking.close()


@asynccontextmanager
async def watching(url: str) -> AsyncIterator[StoreWatch]:
    """Watch the store at a database's address until the block ends."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    watch = StoreWatch(engine)
    looking = asyncio.create_task(watch.look())
    try:
        yield watch
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        watch.close()
        engine.dispose()
