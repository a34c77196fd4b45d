"""PostgreSQL: a thread that writes for running work, one for what is urgent, some that read. See `PostgresStore`."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError

from agent.storable import json_text
from agent.store.kept import IDLE_S, KeptConnection
from agent.store.lane import Lane, transaction

T = TypeVar("T")

READERS = 4

MOST_CONNECTIONS = 6
"""For the two that write, for works that are done again by themselves, and for what holds the database."""

HOLDING = 7031205
"""Key of the advisory lock that the one Segue on a database holds, or those that share it."""

MIGRATING = 7031203
"""Key of the advisory lock under which the schema changes."""


class PostgresStore:
    """The store on a server, which several processes may share.

    On threads: psycopg on the event loop was not faster (docs/performance.md).
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine(url, MOST_CONNECTIONS)
        # A reader sees each statement's own moment in any case, so it is spared the begin and the end.
        self._read_engine = _engine(url, READERS, isolation_level="AUTOCOMMIT")
        self._of_thread = threading.local()
        self._kept: list[KeptConnection] = []
        self._usual, self._urgent = Lane(self._engine, "store-lane"), Lane(self._engine, "store-door")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._holding: Connection | None = None
        self._way = ""
        """How it is held: PostgreSQL's function for it."""

    async def write(self, work: Callable[[Connection], T], *, urgent: bool, long: bool, crowded: bool) -> T:
        """Run `work` in a transaction that is on disk when this returns; urgent ones do not wait for others.

        All are on threads, `long` ones and others, however many there are.
        """
        result: T = await (self._urgent if urgent else self._usual).submit(work, urgent=urgent)
        return result

    async def read(self, work: Callable[[Connection], T], *, brief: bool) -> T:
        """Run `work` on what has been committed, each statement at its own moment."""
        return await self._on_a_thread(lambda: self._read(work))

    async def migrate(self, work: Callable[[Connection], None]) -> None:
        """Run `work` while nobody else does."""

        def alone(connection: Connection) -> None:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATING})")
            work(connection)

        await self._on_a_thread(lambda: transaction(self._engine, alone))

    async def hold(self, *, shared: bool, patience_s: float) -> bool:
        """Be the only one until closed, or one of those that share it; False if others are."""
        self._way = "pg_try_advisory_lock_shared" if shared else "pg_try_advisory_lock"
        deadline = asyncio.get_running_loop().time() + patience_s
        while not await self._on_a_thread(self._try_hold):
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.1)
        return True

    async def still_holds(self) -> bool:
        """Whether nobody took the database meanwhile; a hold lost with its connection is taken again if it can be."""
        return await self._on_a_thread(self._hold_on)

    async def aclose(self) -> None:
        """Finish what was handed in, then close."""
        await self._urgent.aclose()
        await self._usual.aclose()
        await asyncio.to_thread(self._readers.shutdown)
        for kept in self._kept:
            kept.close()
        self._let_go()
        self._engine.dispose()
        self._read_engine.dispose()

    async def _on_a_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    def _read(self, work: Callable[[Connection], T]) -> T:
        kept: KeptConnection | None = getattr(self._of_thread, "kept", None)
        if kept is None:
            kept = self._of_thread.kept = KeptConnection(self._read_engine)
            self._kept.append(kept)
        with kept.use() as connection:
            return work(connection)

    def _hold_on(self) -> bool:
        if self._holding is not None:
            try:
                self._holding.exec_driver_sql("SELECT 1")
                self._holding.commit()
            except DBAPIError:
                self._let_go()
            else:
                return True
        return self._try_hold()

    def _try_hold(self) -> bool:
        connection = self._engine.connect()
        held: bool = connection.exec_driver_sql(f"SELECT {self._way}({HOLDING})").scalar_one()
        if not held:
            connection.close()
            return False
        connection.commit()
        self._holding = connection
        return True

    def _let_go(self) -> None:
        if self._holding is not None:
            self._holding.invalidate()
            self._holding.close()
            self._holding = None


def _engine(url: str, connections: int, **options: Any) -> Engine:
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        json_serializer=json_text,
        # Else times near the year 9999 come back in the server's zone as ones Python cannot hold.
        connect_args={"options": "-c timezone=UTC"},
        **options,
    )

    @event.listens_for(engine, "checkin")
    def rests(_connection: Any, record: Any) -> None:
        record.info["since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ask(connection: Any, record: Any, _proxy: object) -> None:
        if time.monotonic() - record.info.get("since", math.inf) < IDLE_S:
            return
        try:
            connection.cursor().execute("SELECT 1")
            connection.rollback()
        except Exception as error:
            raise DisconnectionError from error

    return engine
