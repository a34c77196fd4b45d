"""What is written differently for SQLite and PostgreSQL. Statements made with it are kept by the dialect's name.

Start with `unless_there`; `among` is `column IN (a list)` with the list as one bound value, so that the statement is
compiled once.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Connection, Table, Text, bindparam, cast, func, select
from sqlalchemy.dialects import postgresql, sqlite

INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""The dialect's own INSERT, which knows what to do on a conflict."""


def unless_there(table: Table) -> Mapping[str, Any]:
    """Insert rows but those that are there already; `rowcount` says how many were inserted."""
    return {
        name: insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
        for name, insert in INSERT.items()
    }


def among(column: Any, name: str, dialect: str) -> ColumnElement[bool]:
    """Whether a column of texts has one of the values that `listed` gives for the bound `name`."""
    if dialect == "postgresql":
        wanted: ColumnElement[bool] = column == func.any(cast(bindparam(name), ARRAY(Text)))
        return wanted
    there: ColumnElement[bool] = column.in_(select(func.json_each(bindparam(name)).table_valued("value").c.value))
    return there


def listed(connection: Connection, values: Collection[str]) -> Any:
    """The values as `among` takes them."""
    return list(values) if connection.dialect.name == "postgresql" else json.dumps(list(values))
