"""`column IN (a list)` with the list as one bound value, so that the statement is compiled once. See `among`."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Connection, Text, bindparam, cast, func, select


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
