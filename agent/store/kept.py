"""A connection that one thread keeps from one work to the next. Start with `KeptConnection`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

IDLE_S = 2.0
"""A connection that rested longer is asked whether it is still there before it is used."""


class KeptConnection:
    """Taken from the pool when it is first used, and again when it broke; of one thread alone.

    Taking one out of the pool for each work costs as much as one of its statements.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._used_at = 0.0

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """The connection, in no transaction; what is left of one is undone afterwards."""
        if self._connection is not None and time.monotonic() - self._used_at > IDLE_S:
            self._ask(self._connection)
        if self._connection is None:
            self._connection = self._engine.connect()
        connection = self._connection
        try:
            yield connection
        except BaseException:
            self.close()
            raise
        if connection.in_transaction():
            connection.rollback()
        self._used_at = time.monotonic()

    def close(self) -> None:
        """Give it back to the pool; the next use takes another."""
        if self._connection is not None:
            with suppress(DBAPIError):
                self._connection.close()
            self._connection = None

    def _ask(self, connection: Connection) -> None:
        try:
            connection.exec_driver_sql("SELECT 1")
            connection.rollback()
        except DBAPIError:
            connection.invalidate()
            self.close()
