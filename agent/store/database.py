"""The one engine of Segue's own tables, and the one place where blocking SQL meets the event loop.

`Database.write` and `Database.read` run a plain function of a connection inside one transaction. On SQLite there is
exactly one writing connection, so that writers queue in memory instead of in "database is locked".
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.pool import StaticPool

from agent.storable import json_text
from agent.store.lane import Lane, transaction
from agent.store.right_of_way import RightOfWay
from agent.store.writer import PATIENCE_MS, Writer, begin_patiently, is_busy

T = TypeVar("T")

READERS = 4

IDLE_S = 2.0
"""A connection to PostgreSQL that rested longer is asked whether it is still there before it is used."""

HOLDING = 7031205
"""Key of PostgreSQL's advisory lock that the one Segue on a database holds, or those that share it."""


class SchemaError(Exception):
    """The store was written by a newer Segue."""


class Database:
    """Our tables on SQLite (a file) or PostgreSQL (a URL)."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.dialect = make_url(url).get_backend_name()
        if self.dialect == "sqlite":
            self._write_engine = _sqlite_engine(url, on_loop=True)
            self._read_engine = _sqlite_engine(url, on_loop=False)
            self._brief_engine = _sqlite_engine(url, on_loop=True)
        else:
            self._write_engine = _postgres_engine(url)
            # A reader sees each statement's own moment there in any case, so it is spared the begin and the end.
            self._read_engine = self._write_engine.execution_options(isolation_level="AUTOCOMMIT")
        self._usual: Writer | Lane
        self._urgent: Writer | Lane
        """Where urgent works go: with PostgreSQL, which has many writers, they do not wait for others."""
        if self.dialect == "sqlite":
            self._usual = self._urgent = Writer(self._write_engine, self._checkpoint)
        else:
            self._usual, self._urgent = (Lane(self._write_engine, name) for name in ("store-lane", "store-door"))
        self._holding: Connection | None = None
        self._way = ""
        """How it is held: PostgreSQL's function for it."""
        self.on_commit: Callable[[], None] | None = None
        """Called on the caller's loop after each write."""
        self.way = RightOfWay()
        """Writes that are not urgent give way to events at the door before they return."""
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")

    async def open(self) -> None:
        """Bring the schema up to date. Raises `SchemaError` for a store of a newer Segue."""
        await self._on(self._readers, self._migrate)

    async def hold(self, *, shared: bool = False, patience_s: float = 5.0) -> bool:
        """Be the only Segue on a PostgreSQL database until closed, or one of those that share it; False if it is held.

        A predecessor that was killed lets go when its server notices, hence the patience. On SQLite the lock of the
        data directory does the same.
        """
        self._way = "pg_try_advisory_lock_shared" if shared else "pg_try_advisory_lock"
        if self.dialect == "sqlite":
            return True
        deadline = asyncio.get_running_loop().time() + patience_s
        while not await self._on(self._readers, self._try_hold):
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.1)
        return True

    async def still_holds(self) -> bool:
        """Whether nobody took the database meanwhile; a hold lost with its connection is taken again if it can be."""
        return self.dialect == "sqlite" or await self._on(self._readers, self._hold_on)

    def _hold_on(self) -> bool:
        if self._holding is not None:
            try:
                self._holding.exec_driver_sql("SELECT 1")
                self._holding.commit()
                return True
            except DBAPIError:
                self._holding.invalidate()
                self._holding.close()
                self._holding = None
        return self._try_hold()

    def _try_hold(self) -> bool:
        connection = self._write_engine.connect()
        held: bool = connection.exec_driver_sql(f"SELECT {self._way}({HOLDING})").scalar_one()
        if not held:
            connection.close()
            return False
        connection.commit()
        self._holding = connection
        return True

    async def write(self, work: Callable[[Connection], T], *, urgent: bool = False) -> T:
        """Run `work` in one transaction that is on disk when this returns.

        It may share the transaction with other works, and is run again if one of those fails. `urgent` ones, such as
        accepting an event, go first.
        """
        result: T = await (self._urgent if urgent else self._usual).submit(work, urgent=urgent)
        if self.on_commit is not None:
            self.on_commit()
        if not urgent:
            await self.way.give()
        return result

    async def read(self, work: Callable[[Connection], T], *, brief: bool = False) -> T:
        """Run `work` on what has been committed: on SQLite one view of it, on PostgreSQL one for each statement.

        `brief` ones look at a few rows by their keys: on SQLite that is done sooner than a thread is asked.
        """
        if brief and self.dialect == "sqlite":
            try:
                return _look(self._brief_engine, work)
            except OperationalError as error:
                if not is_busy(error):
                    raise
        return await self._on(self._readers, lambda: self._look(work))

    def _look(self, work: Callable[[Connection], T]) -> T:
        if self.dialect == "sqlite":
            return _look(self._read_engine, work)
        return transaction(self._read_engine, work)

    def _checkpoint(self) -> None:
        with suppress(DBAPIError), self._read_engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")

    async def aclose(self) -> None:
        """Finish what was handed in, then close."""
        await self._urgent.aclose()
        await self._usual.aclose()
        await asyncio.to_thread(self._readers.shutdown)
        if self._holding is not None:
            self._holding.invalidate()
            self._holding.close()
        self._write_engine.dispose()
        self._read_engine.dispose()
        if self.dialect == "sqlite":
            self._brief_engine.dispose()

    async def _on(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        # A cancelled caller must not abandon a commit half-way: the work is finished, only its answer is dropped.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(pool, work))

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        script = ScriptDirectory.from_config(config)
        known = {revision.revision for revision in script.walk_revisions()}
        with self._write_engine.begin() as connection:
            if self.dialect == "postgresql":
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7031203)")
            else:
                begin_patiently(connection)
            current = MigrationContext.configure(connection).get_current_revision()
            if current is not None and current not in known:
                store = make_url(self.url).render_as_string(hide_password=True)
                raise SchemaError(
                    f"The store {store!r} has schema {current!r}, which this Segue does not know (its newest is "
                    f"{script.get_current_head()!r}). Use the Segue that wrote it, or a newer one."
                )
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _look(engine: Engine, work: Callable[[Connection], T]) -> T:
    with engine.connect() as connection:
        # Through the driver: it cannot fail, and stands before each read.
        connection.connection.cursor().execute("BEGIN")
        result = work(connection)
        connection.commit()
    return result


def _postgres_engine(url: str) -> Engine:
    engine = create_engine(
        url,
        pool_size=9,
        max_overflow=0,
        json_serializer=json_text,
        # Else times near the year 9999 come back in the server's zone as ones Python cannot hold.
        connect_args={"options": "-c timezone=UTC"},
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


def _sqlite_engine(url: str, *, on_loop: bool) -> Engine:
    options: dict[str, Any] = {"connect_args": {"check_same_thread": False, "timeout": 30.0}}
    if on_loop:
        options["poolclass"] = StaticPool
    else:
        options |= {"pool_size": READERS, "max_overflow": 0}
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
