"""Prepared statements answer, and fail, as SQLAlchemy's own connection would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, bindparam, insert, literal_column, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from agent.store.database import Database
from agent.store.dialects import among, inserting, listed, unless_there
from agent.store.prepared import Prepared
from agent.store.tables import episodes, inbox
from tests.agent.conftest import new_database
from tests.agent.letters import store

WHEN = datetime(2026, 3, 1, 12, 30, 15, 250, tzinfo=UTC)
EVENT: dict[str, Any] = {
    "tenant": "t",
    "source": "/shop",
    "id": "e1",
    "type": "customer.upset",
    "subject": "c-1",
    "time": WHEN.astimezone(timezone(timedelta(hours=2))),
    "data": {"text": "später, \u2713", "list": [1, 2.5, None, True]},
    "body_hash": "0" * 64,
    "received_at": WHEN,
    "run": None,
    "outcome": None,
}
STORE = Prepared(inserting(inbox, "seq").returning(inbox.c.seq))
ALL = Prepared(select(inbox).where(inbox.c.tenant == bindparam("of")).order_by(inbox.c.seq))


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A new one of either kind."""
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"), f"prepared_{uuid4().hex}")
    async with store(url) as opened:
        yield opened


async def test_values_come_back_as_they_do_from_sqlalchemy(database: Database) -> None:
    await database.write(lambda connection: STORE.on(connection, EVENT).one())

    def both(connection: Connection) -> tuple[Any, Any, Any]:
        theirs = connection.execute(select(inbox)).mappings().one()
        ours = ALL.on(connection, {"of": "t", "unknown": 1})
        return dict(theirs), ours.mappings()[0], ours.one()

    theirs, ours, row = await database.read(both)
    assert ours == theirs
    assert row.data == EVENT["data"]
    assert row.time == WHEN
    assert row.time.tzinfo == UTC
    assert row.id == "e1"


async def test_what_sqlalchemy_stores_is_found_too(database: Database) -> None:
    await database.write(lambda connection: connection.execute(insert(inbox).values(EVENT)))
    assert (await database.read(lambda connection: ALL.on(connection, {"of": "t"}).one())).data == EVENT["data"]


async def test_lists_and_constants_are_bound(database: Database) -> None:
    named = Prepared(
        {
            name: select(inbox.c.id).where(among(inbox.c.id, "ids", name), inbox.c.type.in_(("customer.upset", "x")))
            for name in ("sqlite", "postgresql")
        }
    )
    names = ("e1", "e2", "e'3")

    def store(connection: Connection) -> None:
        for id_ in names:
            STORE.on(connection, {**EVENT, "id": id_})

    def find(connection: Connection) -> list[list[str]]:
        wanted: tuple[list[str], ...] = (["e1", "e'3"], [], ["none"])
        return [sorted(named.on(connection, {"ids": listed(connection, ids)}).scalars()) for ids in wanted]

    await database.write(store)
    assert await database.read(find) == [["e'3", "e1"], [], []]


async def test_changed_rows_are_counted(database: Database) -> None:
    name = Prepared(update(inbox).where(inbox.c.id == bindparam("of")).values(outcome=bindparam("new")))
    once = Prepared(unless_there(inbox, "seq"))

    def work(connection: Connection) -> list[int]:
        rows = [{**EVENT, "id": id_} for id_ in ("e1", "e2", "e1")]
        return [
            once.many(connection, rows),
            once.many(connection, rows[:1]),
            name.on(connection, {"of": "e1", "new": "o"}).rowcount,
            name.on(connection, {"of": "none", "new": "o"}).rowcount,
        ]

    assert await database.write(work) == [2, 0, 1, 0]


async def test_errors_are_sqlalchemys_and_undo_the_transaction(database: Database) -> None:
    def twice(connection: Connection) -> None:
        STORE.on(connection, EVENT)
        STORE.on(connection, EVENT)

    with pytest.raises(IntegrityError) as error:
        await database.write(twice)
    assert isinstance(error.value.orig, Exception)
    assert await database.read(lambda connection: ALL.on(connection, {"of": "t"})) == []
    wrong = Prepared(select(literal_column("no_such_column").label("x")))
    for _ in range(2):
        with pytest.raises(DBAPIError, match="no_such_column"):
            await database.read(lambda connection: wrong.on(connection))
    assert await database.read(lambda connection: ALL.on(connection, {"of": "t"})) == []


async def test_a_value_that_is_missing_is_an_error_and_a_default_that_is_left_is_refused(database: Database) -> None:
    with pytest.raises(KeyError, match="subject"):
        await database.write(
            lambda connection: STORE.on(connection, {name: EVENT[name] for name in EVENT if name != "subject"})
        )
    careless = Prepared(insert(episodes).values(id=bindparam("id")))
    with pytest.raises(TypeError, match="defaults"):
        await database.write(lambda connection: careless.on(connection, {"id": "r"}))


async def test_one_row_is_one_row(database: Database) -> None:
    def work(connection: Connection) -> None:
        assert ALL.on(connection, {"of": "t"}).first() is None
        assert ALL.on(connection, {"of": "t"}).one_or_none() is None
        with pytest.raises(LookupError, match="0 rows"):
            ALL.on(connection, {"of": "t"}).one()
        for id_ in ("e1", "e2"):
            STORE.on(connection, {**EVENT, "id": id_})
        assert ALL.on(connection, {"of": "t"}).first().id == "e1"
        for one in (ALL.on(connection, {"of": "t"}).one, ALL.on(connection, {"of": "t"}).one_or_none):
            with pytest.raises(LookupError, match="2 rows"):
                one()

    await database.write(work)


async def test_a_lost_connection_is_told_as_such_and_the_next_work_has_another(postgres_url: str) -> None:
    database = Database(new_database(postgres_url, f"prepared_{uuid4().hex}"))
    await database.open()

    def cut(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver.close()
        ALL.on(connection, {"of": "t"})

    for work in (database.read, database.write):
        with pytest.raises(OperationalError) as error:
            await work(cut)
        assert error.value.connection_invalidated
        assert await work(lambda connection: ALL.on(connection, {"of": "t"})) == []
    await database.aclose()
