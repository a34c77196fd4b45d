"""Faults in the statements of this process, whichever engine sends them. Start with `cut`."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, event

from agent.store import prepared

PLAIN = ("PRAGMA", "BEGIN")


@dataclass
class Cuts:
    """Which statements fail, and how many have."""

    dice: random.Random
    share: float
    most: int
    failed: list[str] = field(default_factory=list)

    def strike(self, statement: str) -> bool:
        """Whether this one fails."""
        if len(self.failed) >= self.most or statement.startswith(PLAIN) or self.dice.random() > self.share:
            return False
        self.failed.append(statement.split(maxsplit=3)[0])
        return True


@contextmanager
def cut(seed: int, *, share: float, most: int) -> Iterator[Cuts]:
    """A share of all statements fails until `most` have: as on a bad disk, or on PostgreSQL by a closed connection."""
    cuts = Cuts(dice=random.Random(seed), share=share, most=most)

    def before(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if cuts.strike(statement):
            if connection.dialect.name == "sqlite":
                raise connection.dialect.dbapi.OperationalError("disk I/O error")
            connection.connection.dbapi_connection.close()

    with _before_each(before):
        yield cuts


@contextmanager
def full_disk(pages: int = 1) -> Iterator[None]:
    """No SQLite file of this process may grow until the end of the block."""
    limited: list[sqlite3.Connection] = []

    def before(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        raw = connection.connection.dbapi_connection
        if raw not in limited and not statement.startswith("PRAGMA"):
            # A limit below the file's size is taken as its size.
            raw.execute(f"PRAGMA max_page_count={pages}")
            limited.append(raw)

    try:
        with _before_each(before):
            yield
    finally:
        for raw in limited:
            raw.execute("PRAGMA max_page_count=1073741823")


@contextmanager
def _before_each(before: Callable[..., None]) -> Iterator[None]:
    """Call it before every statement: those of SQLAlchemy's connections, and those that are prepared."""
    send = prepared.send

    def sending(connection: Connection, sql: str, bound: Any, *, many: bool = False) -> Any:
        before(connection, None, sql)
        return send(connection, sql, bound, many=many)

    event.listen(Engine, "before_cursor_execute", before)
    prepared.send = sending
    try:
        yield
    finally:
        prepared.send = send
        event.remove(Engine, "before_cursor_execute", before)
