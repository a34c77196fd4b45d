"""How many bytes runs take in the database, as it stores them. Start with `stored_bytes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, LargeBinary, Select, Table, bindparam, cast, func, select

from agent.store.prepared import Prepared
from agent.store.tables import approvals, calls, decisions, effects, large_results

TABLES = (decisions, calls, effects, approvals)
DIALECTS = ("sqlite", "postgresql")


def stored_bytes(connection: Connection, runs: Sequence[str]) -> int:
    """Bytes of the runs' decisions, calls, effects and approvals, and of the large results they refer to.

    PostgreSQL compresses long values: there it is what is left of them. Indexes and page headers are not counted, and
    a large result that several of the runs share counts once.
    """
    total = 0
    large: dict[tuple[str, str], int] = {}
    for run in runs:
        total += int(_ROWS.on(connection, {"of": run}).one().bytes)
        large.update({(row.tenant, row.digest): row.bytes for row in _LARGE.on(connection, {"of": run})})
    return total + sum(large.values())


def _rows(dialect: str) -> Select[Any]:
    """Bytes of all rows of one run."""
    sizes = [_of_table(table, dialect) for table in TABLES]
    return select(sum(sizes[1:], start=sizes[0]).label("bytes"))


def _of_table(table: Table, dialect: str) -> ColumnElement[int]:
    columns = [func.coalesce(_bytes(column, dialect), 0) for column in table.c]
    row: ColumnElement[int] = sum(columns[1:], start=columns[0])
    return select(func.coalesce(func.sum(row), 0)).where(table.c.run == bindparam("of")).scalar_subquery()


def _bytes(column: Column[Any], dialect: str) -> ColumnElement[int]:
    if dialect == "postgresql":
        return func.pg_column_size(column)
    return func.length(cast(column, LargeBinary))


def _large(dialect: str) -> Select[Any]:
    """The large results that one run refers to: a row for each effect that does."""
    # Of a blob as it stands SQLite reads the length without reading the blob.
    size = func.pg_column_size if dialect == "postgresql" else func.length
    kept = large_results.c
    return (
        select(kept.tenant, kept.digest, size(kept.body).label("bytes"))
        .join(effects, (effects.c.tenant == kept.tenant) & (effects.c.large_result == kept.digest))
        .where(effects.c.run == bindparam("of"))
    )


_ROWS = Prepared({dialect: _rows(dialect) for dialect in DIALECTS})
_LARGE = Prepared({dialect: _large(dialect) for dialect in DIALECTS})
