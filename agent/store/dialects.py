"""What is written differently for SQLite and PostgreSQL. Statements made with it are kept by the dialect's name.

Start with `unless_there` and `inserting`; `among` is `column IN (a list)` with the list as one bound value, so that the
statement is compiled once.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnDefault,
    ColumnElement,
    Connection,
    Table,
    Text,
    bindparam,
    cast,
    func,
    insert,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""The dialect's own INSERT, which knows what to do on a conflict."""


def unless_there(table: Table, *left: str, **worked_out: ColumnElement[Any]) -> Mapping[str, Any]:
    """Insert rows but those that are there already, as `inserting` does; `rowcount` says how many were inserted.

    Columns that are `worked_out` are not bound: the database finds their values.
    """
    values = {**_bound(table, (*left, *worked_out)), **worked_out}
    return {name: insert(table).values(values).on_conflict_do_nothing() for name, insert in INSERT.items()}


def inserting(table: Table, *left: str) -> Any:
    """Insert a row with each column bound by its name; those that are `left` have our default, or the database's."""
    return insert(table).values(_bound(table, left))


def _bound(table: Table, left: Collection[str]) -> Mapping[str, Any]:
    bound: dict[str, Any] = {column.key: bindparam(column.key) for column in table.columns if column.key not in left}
    defaults = {name: table.c[name].default for name in left}
    return bound | {name: one.arg for name, one in defaults.items() if isinstance(one, ColumnDefault)}


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
