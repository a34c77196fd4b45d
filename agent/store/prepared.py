"""Statements of the path of every run, compiled once and handed to the driver. Start with `Prepared`.

SQLAlchemy does more anew for each execution than the driver and the server together: contexts, cache keys, results that
could be streamed. These statements need none of it: their values are bound by name and their rows are read at once.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from sqlalchemy import Connection, Dialect, Select, UpdateBase
from sqlalchemy.exc import DBAPIError

Statement: TypeAlias = Select[Any] | UpdateBase
Values: TypeAlias = Mapping[str, Any]
Change: TypeAlias = Callable[[Any], Any]


class Rows(list[Any]):
    """All rows of one execution: tuples whose columns have names."""

    rowcount = -1
    """Rows that were changed, where the driver says so."""
    names: tuple[str, ...] = ()

    def first(self) -> Any:
        """The first one; None if there is none."""
        return self[0] if self else None

    def one(self) -> Any:
        """The only one. Raises LookupError if there is none, or more."""
        if len(self) != 1:
            raise LookupError(f"{len(self)} rows instead of one")
        return self[0]

    def one_or_none(self) -> Any:
        """The only one, or None. Raises LookupError if there are more."""
        return self.one() if self else None

    def scalars(self) -> list[Any]:
        """The first column."""
        return [row[0] for row in self]

    def mappings(self) -> list[dict[str, Any]]:
        """Each row as values by the columns' names."""
        return [dict(zip(self.names, row, strict=True)) for row in self]


class Prepared:
    """A statement, or one for each dialect by its name, whose values are all bound by name.

    Errors are SQLAlchemy's, as if its connection had executed it. Nothing is filled in: columns with a default of ours
    must be given.
    """

    def __init__(self, statement: Statement | Mapping[str, Statement]) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}
        """By the dialect's name: all stores of a process are configured alike."""

    def on(self, connection: Connection, values: Values | None = None) -> Rows:
        """Execute it; values that it does not know are left alone."""
        compiled = self._for(connection.dialect)
        return compiled.execute(connection, compiled.bind(values or {}))

    def many(self, connection: Connection, values: Sequence[Values]) -> int:
        """Execute it for each of the values; how many rows were changed."""
        compiled = self._for(connection.dialect)
        if len(values) == 1:
            return compiled.execute(connection, compiled.bind(values[0])).rowcount
        return compiled.execute_many(connection, [compiled.bind(one) for one in values])

    def _for(self, dialect: Dialect) -> _Compiled:
        known = self._compiled.get(dialect.name)
        if known is None:
            one = self._statement[dialect.name] if isinstance(self._statement, Mapping) else self._statement
            known = self._compiled[dialect.name] = _compile(one, dialect)
        return known


@dataclass(frozen=True, kw_only=True)
class _Bound:
    """A value of a statement."""

    name: str
    given: bool
    """Each time anew; else it is `value`, which is bound as it is."""
    value: Any = None
    change: Change | None = None


class _Compiled:
    """What the driver gets."""

    def __init__(self, sql: str, bound: Sequence[_Bound], by_name: bool, columns: Sequence[tuple[str, Any]]) -> None:
        self._sql = sql
        self._bound = tuple((one.name, one.given, one.value, one.change) for one in bound)
        self._by_name = by_name
        self._columns = tuple(columns)
        self._names = tuple(name for name, _ in columns)
        self._row: Any = namedtuple("Row", self._names, rename=True) if columns else None
        self._changes: tuple[tuple[int, Change], ...] | None = None
        """By the position of the column; known after the first answer."""

    def bind(self, values: Values) -> Any:
        """The values as the driver takes them."""
        bound = [
            (value if not given else values[name] if change is None else change(values[name]))
            for name, given, value, change in self._bound
        ]
        return {one[0]: value for one, value in zip(self._bound, bound, strict=True)} if self._by_name else bound

    def execute(self, connection: Connection, bound: Any) -> Rows:
        """Once, with all its rows."""
        try:
            cursor = send(connection, self._sql, bound)
            rows = Rows(self._read(connection.dialect, cursor) if self._columns else ())
        except connection.dialect.loaded_dbapi.Error as error:
            raise _wrapped(connection, self._sql, bound, error) from error
        rows.rowcount, rows.names = cursor.rowcount, self._names
        return rows

    def execute_many(self, connection: Connection, bound: Sequence[Any]) -> int:
        """For each of the values."""
        try:
            cursor = send(connection, self._sql, bound, many=True)
        except connection.dialect.loaded_dbapi.Error as error:
            raise _wrapped(connection, self._sql, bound, error) from error
        return int(cursor.rowcount)

    def _read(self, dialect: Dialect, cursor: Any) -> list[Any]:
        found = cursor.fetchall()
        if self._changes is None:
            self._changes = tuple(_changes(self._columns, dialect, cursor.description))
        if not self._changes:
            return [self._row._make(row) for row in found]
        rows = []
        for row in found:
            values = list(row)
            for position, change in self._changes:
                values[position] = change(values[position])
            rows.append(self._row._make(values))
        return rows


def send(connection: Connection, sql: str, bound: Any, *, many: bool = False) -> Any:
    """Here every prepared statement passes; the cursor with its answer."""
    cursor = _cursor(connection)
    if many:
        cursor.executemany(sql, bound)
    else:
        cursor.execute(sql, bound)
    return cursor


def _cursor(connection: Connection) -> Any:
    """The one cursor of a driver's connection: all its rows are read before the next statement."""
    kept = connection.info.get("cursor")
    if kept is None:
        kept = connection.info["cursor"] = connection.connection.cursor()
    return kept


def _compile(statement: Statement, dialect: Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect)
    given = {name for name, bind in compiled.binds.items() if bind.required}
    if compiled.prefetch:
        raise TypeError(f"a prepared statement leaves columns to defaults: {compiled.string}")
    state = compiled.construct_expanded_state(dict.fromkeys(given))
    changes = {
        name: bind.type.dialect_impl(dialect).bind_processor(dialect) for bind, name in compiled.bind_names.items()
    }
    bound = []
    for name in state.positiontup or state.parameters:
        change = cast("Change | None", state.processors.get(name, changes.get(name)))
        value = state.parameters[name]
        if name not in given and change is not None:
            value, change = change(value), None
        bound.append(_Bound(name=name, given=name in given, value=value, change=change))
    columns = [(str(name), column.type) for name, column in statement.exported_columns.items()]
    return _Compiled(state.statement, bound, state.positiontup is None, columns)


def _changes(columns: Sequence[tuple[str, Any]], dialect: Dialect, description: Any) -> list[tuple[int, Change]]:
    changes = []
    for position, ((_, kind), told) in enumerate(zip(columns, description, strict=True)):
        change = kind.dialect_impl(dialect).result_processor(dialect, told[1])
        if change is not None:
            changes.append((position, change))
    return changes


def _wrapped(connection: Connection, sql: str, bound: Any, error: Any) -> BaseException:
    """As SQLAlchemy tells it; a connection that is lost is used no more, nor are those beside it."""
    dialect = connection.dialect
    lost = dialect.is_disconnect(error, connection.connection.driver_connection, None)
    if lost:
        connection.invalidate(error)
        connection.engine.dispose()
    kind = dialect.loaded_dbapi.Error
    return cast(
        "BaseException", DBAPIError.instance(sql, bound, error, kind, connection_invalidated=lost, dialect=dialect)
    )
