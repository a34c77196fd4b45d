"""Where a case keeps its data: a copy of a fresh store, on SQLite or PostgreSQL. Start with `SqliteStores`.

Stores are read as the crash left them: SQLite's files are copied first, since a reader that closes them would tidy
them up for the next life.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

Rows: TypeAlias = Mapping[str, list[dict[str, Any]]]
"""Table -> its rows."""

READ = {
    "runs": "SELECT id, event_type, status, end_code, end_detail FROM runs",
    "decisions": "SELECT run, number FROM decisions ORDER BY number",
    "effects": "SELECT key, run, tool, state, settled_by FROM effects ORDER BY key",
    "approvals": "SELECT kind, state FROM approvals ORDER BY kind",
    "episodes": "SELECT id, event_type FROM episodes",
    "outcomes": "SELECT id, state, run, detail FROM outcomes",
    "rewards": "SELECT goal, run, reward FROM rewards",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a life of the case is given."""

    folder: Path
    database_url: str | None


class Stores(Protocol):
    """Makes places for cases."""

    def empty(self) -> Place:
        """A place with nothing in it, where a life makes the tables that all others begin with."""

    def place(self, name: str) -> Place:
        """A copy of what that life made."""

    def rows(self, place: Place) -> Rows:
        """What is committed, without touching it."""

    def drop(self, place: Place) -> None:
        """Forget the place."""


class SqliteStores:
    """Places are folders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def empty(self) -> Place:
        """A new folder."""
        return Place(folder=_new(self._folder / "fresh"), database_url=None)

    def place(self, name: str) -> Place:
        """A copy of the fresh folder."""
        return Place(folder=_copied(self._folder, name), database_url=None)

    def rows(self, place: Place) -> Rows:
        """Read from a copy."""
        look = _new(place.folder / "look")
        for file in (place.folder / "data").glob("segue.sqlite*"):
            shutil.copy(file, look)
        return _read(f"sqlite:///{look / 'segue.sqlite'}")

    def drop(self, place: Place) -> None:
        """Remove the folder."""
        shutil.rmtree(place.folder, ignore_errors=True)


class PostgresStores:
    """Places are folders and databases of one server, made from a template."""

    def __init__(self, folder: Path, server: str) -> None:
        self._folder = folder
        self._server = make_url(server)

    def empty(self) -> Place:
        """A new folder and an empty database."""
        self._command('DROP DATABASE IF EXISTS "fresh" WITH (FORCE)', 'CREATE DATABASE "fresh"')
        return Place(folder=_new(self._folder / "fresh"), database_url=self._url("fresh"))

    def place(self, name: str) -> Place:
        """A copy of both."""
        self._command(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}" TEMPLATE "fresh"')
        return Place(folder=_copied(self._folder, name), database_url=self._url(name))

    def rows(self, place: Place) -> Rows:
        """Read from the database itself."""
        return _read(place.database_url or "")

    def drop(self, place: Place) -> None:
        """Remove both."""
        self._command(f'DROP DATABASE IF EXISTS "{place.folder.name}" WITH (FORCE)')
        shutil.rmtree(place.folder, ignore_errors=True)

    def _url(self, database: str) -> str:
        return self._server.set(database=database).render_as_string(hide_password=False)

    def _command(self, *statements: str) -> None:
        engine = create_engine(self._server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))


def _new(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _copied(folder: Path, name: str) -> Path:
    shutil.rmtree(folder / name, ignore_errors=True)
    shutil.copytree(folder / "fresh", folder / name)
    return folder / name


def _read(url: str) -> Rows:
    # No connection outlives this, so that none is shared with lives forked later.
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return {
            table: [dict(row) for row in connection.execute(text(query)).mappings()] for table, query in READ.items()
        }
