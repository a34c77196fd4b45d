"""How many bytes runs take in the database, as it stores them. Start with `stored_bytes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, LargeBinary, Table, cast, func, select

from agent.store.tables import approvals, calls, decisions, effects, large_results

TABLES = (decisions, calls, effects, approvals)


def stored_bytes(connection: Connection, runs: Sequence[str]) -> int:
    """Bytes of the runs' decisions, calls, effects and approvals, and of the large results they refer to.

    PostgreSQL compresses long values: there it is what is left of them. Indexes and page headers are not counted, and
    a large result that several of the runs share counts once.
    """
    total = 0
    for table in TABLES:
        rows = select(func.coalesce(func.sum(_row_bytes(connection, table)), 0)).where(table.c.run.in_(runs))
        total += int(connection.execute(rows).scalar_one())
    return total + _large_bytes(connection, runs)


def _row_bytes(connection: Connection, table: Table) -> ColumnElement[int]:
    sizes = [func.coalesce(_bytes(connection, column), 0) for column in table.c]
    return sum(sizes[1:], start=sizes[0])


def _bytes(connection: Connection, column: Column[Any]) -> ColumnElement[int]:
    if connection.dialect.name == "postgresql":
        return func.pg_column_size(column)
    return func.length(cast(column, LargeBinary))


def _large_bytes(connection: Connection, runs: Sequence[str]) -> int:
    referred = select(effects.c.tenant, effects.c.large_result).where(
        effects.c.run.in_(runs), effects.c.large_result.is_not(None)
    )
    kept = referred.distinct().subquery()
    # Of a blob as it stands SQLite reads the length without reading the blob.
    size = func.pg_column_size if connection.dialect.name == "postgresql" else func.length
    found = select(func.coalesce(func.sum(size(large_results.c.body)), 0)).join(
        kept, (kept.c.tenant == large_results.c.tenant) & (kept.c.large_result == large_results.c.digest)
    )
    return int(connection.execute(found).scalar_one())
