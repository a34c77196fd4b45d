"""Our tables, and the one place where SQL meets the event loop. Start with `Database`.

`Database.write` and `Database.read` run a plain function of a connection inside one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from agent.store.postgres_store import PostgresStore
from agent.store.right_of_way import RightOfWay
from agent.store.sqlite_store import SqliteStore

T = TypeVar("T")


class SchemaError(Exception):
    """The store was written by a newer Segue."""


class Database:
    """Our tables on SQLite (a file) or PostgreSQL (a URL)."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.dialect = make_url(url).get_backend_name()
        self._store = SqliteStore(url) if self.dialect == "sqlite" else PostgresStore(url)
        self._told: list[Callable[[], None]] = []
        """Called on the caller's loop after each write."""
        self.way = RightOfWay()
        """Running work gives way to events at the door."""

    def after_commit(self, tell: Callable[[], None]) -> None:
        """Call it on the writer's loop after each write from now on; it must take next to no time."""
        self._told.append(tell)

    async def open(self) -> None:
        """Bring the schema up to date. Raises `SchemaError` for a store of a newer Segue."""
        await self._store.migrate(self._migrate)

    async def hold(self, *, shared: bool = False, patience_s: float = 5.0) -> bool:
        """Be the only Segue on a PostgreSQL database until closed, or one of those that share it; False if it is held.

        A predecessor that was killed lets go when its server notices, hence the patience. On SQLite the lock of the
        data directory does the same.
        """
        return await self._store.hold(shared=shared, patience_s=patience_s)

    async def still_holds(self) -> bool:
        """Whether nobody took the database meanwhile; a hold lost with its connection is taken again if it can be."""
        return await self._store.still_holds()

    async def write(
        self, work: Callable[[Connection], T], *, urgent: bool = False, at_once: bool = False, long: bool = False
    ) -> T:
        """Run `work` in one transaction that is on disk when this returns.

        It may share the transaction with other works, and is run again if one of those fails. `urgent` ones, such as
        accepting an event, go first. Others give way to events at the door before they return, but for those whose
        caller must go on `at_once`. A `long` one, of more than some 20 ms, keeps the event loop free.
        """
        result = await self._store.write(work, urgent=urgent, long=long, crowded=self.way.crowded)
        for tell in self._told:
            tell()
        if not (urgent or at_once):
            await self.way.give()
        return result

    async def read(self, work: Callable[[Connection], T], *, brief: bool = False) -> T:
        """Run `work` on what has been committed: on SQLite one view of it, on PostgreSQL one for each statement.

        `brief` ones look at a few rows by their keys.
        """
        return await self._store.read(work, brief=brief)

    async def aclose(self) -> None:
        """Finish what was handed in, then close."""
        await self._store.aclose()

    def _migrate(self, connection: Connection) -> None:
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current == _newest():
            return
        config = _config()
        script = ScriptDirectory.from_config(config)
        known = {revision.revision for revision in script.walk_revisions()}
        if current is not None and current not in known:
            store = make_url(self.url).render_as_string(hide_password=True)
            raise SchemaError(
                f"The store {store!r} has schema {current!r}, which this Segue does not know (its newest is "
                f"{script.get_current_head()!r}). Use the Segue that wrote it, or a newer one."
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@cache
def _newest() -> str | None:
    """The schema of this Segue; every migration is read for it."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
