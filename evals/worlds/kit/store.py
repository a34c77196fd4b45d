"""The state of a world: one SQLite file, one connection, short transactions. Start with `Store`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

KIT_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS ledger(
  id INTEGER PRIMARY KEY, key TEXT, tool TEXT NOT NULL, arguments TEXT NOT NULL,
  delivered_at REAL NOT NULL, applied INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS answers(
  tool TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY(tool, key));
CREATE TABLE IF NOT EXISTS schedule(
  id INTEGER PRIMARY KEY, at_h REAL NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS schedule_at ON schedule(at_h, id);
CREATE TABLE IF NOT EXISTS outbox(
  id INTEGER PRIMARY KEY, event TEXT NOT NULL, state TEXT NOT NULL, error TEXT);
CREATE INDEX IF NOT EXISTS outbox_state ON outbox(state, id);
CREATE TABLE IF NOT EXISTS made(
  type TEXT NOT NULL, seed INTEGER NOT NULL, number INTEGER NOT NULL, event TEXT NOT NULL,
  PRIMARY KEY(type, seed, number));
"""


class Store:
    """One writer connection in WAL mode: what was committed survives `kill -9`."""

    def __init__(self, path: Path, *, schema: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute("PRAGMA busy_timeout=5000")
        self._connection.executescript(KIT_SCHEMA + schema)

    @property
    def connection(self) -> sqlite3.Connection:
        """The one connection, for code that runs inside somebody's transaction."""
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. Not to be nested; callers take turns."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Fold the log into the file and release it."""
        self._connection.close()


@contextmanager
def savepoint(db: sqlite3.Connection) -> Iterator[None]:
    """Undo only the inner part when it raises; the transaction around it goes on."""
    db.execute("SAVEPOINT inner_part")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK TO inner_part")
        db.execute("RELEASE inner_part")
        raise
    db.execute("RELEASE inner_part")


def wipe(db: sqlite3.Connection) -> None:
    """Empty every table."""
    names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall()
    for row in names:
        db.execute(f'DELETE FROM "{row["name"]}"')  # noqa: S608 (names come from the schema)


def get_meta(db: sqlite3.Connection, name: str) -> str | None:
    """A setting of the world (`seed`, `now_h`), or None."""
    row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row["value"])


def set_meta(db: sqlite3.Connection, name: str, value: str) -> None:
    """Store a setting of the world."""
    db.execute("INSERT INTO meta VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value", (name, value))


def life(db: sqlite3.Connection) -> str:
    """Differs after every reset, so that events of one life are never taken for those of another."""
    return get_meta(db, "life") or ""


def rows(db: sqlite3.Connection, query: str, values: Sequence[object] = ()) -> list[dict[str, Any]]:
    """Rows as observers see them."""
    return [dict(row) for row in db.execute(query, values)]


def as_json(value: object) -> str:
    """Canonical JSON: equal values give equal text. Raises `ValueError` for what JSON cannot say."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
