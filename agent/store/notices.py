"""PostgreSQL tells every worker that something waits in the queue. Start with `Notices.listen`.

A notice that is lost costs a second: the sweep looks by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

import psycopg
from sqlalchemy import Connection, func, select
from sqlalchemy.engine import make_url

from agent.store.prepared import Prepared

log = logging.getLogger(__name__)

CHANNEL = "segue_queue"
RETRY_S = 1.0

NOTIFY = Prepared(select(func.pg_notify(CHANNEL, "")))


def notify(connection: Connection) -> None:
    """Tell the others with this commit; on SQLite there are none."""
    if connection.dialect.name == "postgresql":
        NOTIFY.on(connection)


class Notices:
    """Listens until closed, over a connection of its own that is made again when it breaks."""

    def __init__(self, url: str, told: Callable[[], None]) -> None:
        self._address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._told = told
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def listen(cls, url: str, told: Callable[[], None]) -> Notices:
        """Call `told` on this loop for every notice."""
        notices = cls(url, told)
        notices._task = asyncio.create_task(notices._for_ever())
        return notices

    async def aclose(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _for_ever(self) -> None:
        while True:
            try:
                await self._hear()
            except (psycopg.Error, OSError) as error:
                log.warning("notices of the queue are not heard for a moment: %s", error)
                await asyncio.sleep(RETRY_S)

    async def _hear(self) -> None:
        async with await psycopg.AsyncConnection.connect(self._address, autocommit=True) as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            # Whatever was told while nobody listened.
            self._told()
            async for _ in connection.notifies():
                self._told()
