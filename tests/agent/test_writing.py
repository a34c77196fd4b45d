"""How works reach SQLite from the event loop, and who goes first there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from agent.store.database import Database
from agent.store.right_of_way import RightOfWay
from tests.agent.letters import store
from tests.durability.faults.holder import hold

FILE = "store.sqlite"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """With a table of numbers, none twice."""
    create = "CREATE TABLE numbers (n INTEGER PRIMARY KEY)"
    async with store(f"sqlite:///{tmp_path / FILE}") as opened:
        await opened.write(lambda connection: connection.exec_driver_sql(create))
        yield opened


async def put(database: Database, number: int) -> None:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql(f"INSERT INTO numbers VALUES ({number})")

    await database.write(work)


async def numbers(database: Database, *, brief: bool = False) -> list[int]:
    def work(connection: Connection) -> list[int]:
        return list(connection.exec_driver_sql("SELECT n FROM numbers ORDER BY n").scalars())

    return await database.read(work, brief=brief)


async def test_a_work_that_fails_takes_none_with_it(database: Database) -> None:
    ended = await asyncio.gather(*(put(database, number) for number in (1, 2, 2, 3)), return_exceptions=True)
    assert await numbers(database) == [1, 2, 3]
    assert [type(one) for one in ended if one is not None] == [IntegrityError]


async def test_a_work_that_failed_leaves_nothing_of_itself(database: Database) -> None:
    def half(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO numbers VALUES (7)")
        raise ZeroDivisionError

    ended = await asyncio.gather(put(database, 1), database.write(half), return_exceptions=True)
    assert isinstance(ended[1], ZeroDivisionError)
    assert await numbers(database) == [1]


async def test_a_cancelled_caller_takes_no_work_with_it(database: Database) -> None:
    cancelled = asyncio.create_task(put(database, 1))
    other = asyncio.create_task(put(database, 2))
    await asyncio.sleep(0)
    cancelled.cancel()
    await other
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert await numbers(database) == [1, 2]


async def test_closing_finishes_what_was_handed_in(tmp_path: Path) -> None:
    first = Database(f"sqlite:///{tmp_path / FILE}")
    await first.open()
    await first.write(lambda connection: connection.exec_driver_sql("CREATE TABLE numbers (n INTEGER)"))
    writing = [asyncio.create_task(put(first, number)) for number in range(5)]
    await asyncio.sleep(0)
    await first.aclose()
    await asyncio.gather(*writing)
    with pytest.raises(RuntimeError, match="closed"):
        await put(first, 9)
    second = Database(f"sqlite:///{tmp_path / FILE}")
    assert await numbers(second) == [0, 1, 2, 3, 4]
    await second.aclose()


async def test_while_another_program_writes_the_loop_goes_on_and_nothing_is_lost(
    database: Database, tmp_path: Path
) -> None:
    with hold(tmp_path / FILE):
        writing = [asyncio.create_task(put(database, number)) for number in (1, 2)]
        # Each of these is a round of the loop; a begin that waited there would let none of them end.
        seen = [await numbers(database, brief=brief) for brief in (True, False, True)]
        assert seen == [[], [], []]
        assert not any(one.done() for one in writing)
    await asyncio.gather(*writing)
    assert await numbers(database) == [1, 2]


async def test_a_long_work_leaves_the_loop_free_and_others_follow_it(database: Database) -> None:
    may_end = threading.Event()

    def long(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO numbers VALUES (1)")
        assert may_end.wait(30)

    # On the loop the first would wait for what only the loop can do.
    writing = [asyncio.create_task(database.write(long, long=True)), asyncio.create_task(put(database, 2))]
    assert await numbers(database, brief=True) == []
    may_end.set()
    await asyncio.gather(*writing)
    assert await numbers(database) == [1, 2]


async def test_short_and_long_works_take_turns(database: Database) -> None:
    order: list[str] = []
    works = [database.write(lambda _, name=f"long {n}": order.append(name), long=True) for n in range(3)]  # type: ignore[misc]
    works += [database.write(lambda _, name=f"short {n}": order.append(name)) for n in range(3)]  # type: ignore[misc]
    await asyncio.gather(*works)
    assert sorted(order) == ["long 0", "long 1", "long 2", "short 0", "short 1", "short 2"]
    assert order.index("short 0") < order.index("long 1")


async def test_a_long_work_that_fails_says_so_and_holds_nobody_up(database: Database) -> None:
    def fails(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO numbers VALUES (7)")
        raise ZeroDivisionError

    ended = await asyncio.gather(database.write(fails, long=True), put(database, 1), return_exceptions=True)
    assert isinstance(ended[0], ZeroDivisionError)
    assert await numbers(database) == [1]


async def rounds(number: int) -> None:
    """Let the loop go round so often."""
    for _ in range(number):
        await asyncio.sleep(0)


async def test_running_work_stands_still_while_an_event_is_accepted() -> None:
    way = RightOfWay(longest_s=3600)
    with way.arriving():
        steps = [asyncio.create_task(way.give()) for _ in range(10)]
        await rounds(50)
        assert not any(step.done() for step in steps)
    await asyncio.gather(*steps)


async def test_work_creeps_on_when_events_come_without_a_pause() -> None:
    way = RightOfWay(longest_s=0.0)
    with way.arriving():
        await asyncio.gather(*(way.give() for _ in range(10)))


async def test_works_that_wait_go_on_in_their_order_and_not_all_in_one_round() -> None:
    way = RightOfWay()
    went: list[tuple[int, int]] = []
    turn = 0

    async def work(number: int) -> None:
        await way.give()
        went.append((turn, number))

    steps = [asyncio.create_task(work(number)) for number in range(40)]
    while len(went) < len(steps):
        await asyncio.sleep(0)
        turn += 1
    assert [number for _, number in went] == list(range(40))
    assert max(sum(one == turn for one, _ in went) for turn, _ in went) <= 16


async def test_one_that_gave_up_in_the_line_holds_nobody_up() -> None:
    way = RightOfWay(longest_s=3600)
    with way.arriving():
        steps = [asyncio.create_task(way.give()) for _ in range(3)]
        await rounds(3)
        steps[0].cancel()
        await rounds(3)
    await asyncio.gather(*steps[1:])
    assert steps[0].cancelled()


async def test_a_claim_goes_on_to_its_call_while_other_work_stands_still(database: Database) -> None:
    database.way = RightOfWay(longest_s=3600)
    with database.way.arriving():
        usual = asyncio.create_task(put(database, 1))
        await database.write(lambda connection: connection.exec_driver_sql("SELECT 1").scalar(), at_once=True)
        # Both were committed together.
        assert await numbers(database) == [1]
        assert not usual.done()
    await usual


async def test_many_events_lately_set_the_steps_of_running_work_apart_and_few_do_not() -> None:
    for events, done in ((1, 10), (10, 1)):
        way = RightOfWay(space_s=3600)
        for _ in range(events):
            with way.arriving():
                pass
        steps = [asyncio.create_task(way.give()) for _ in range(10)]
        await rounds(50)
        assert sum(step.done() for step in steps) == done
        for step in steps:
            step.cancel()


async def warm(database: Database) -> None:
    """The first commit is made by the thread, as nobody knows yet how fast the disk is."""
    await database.write(lambda connection: connection.exec_driver_sql("SELECT 1").scalar())


async def test_an_event_is_stored_before_the_loop_goes_on_to_anything_else(database: Database) -> None:
    await warm(database)
    usual = asyncio.create_task(put(database, 1))
    urgent = database.write(lambda connection: _insert(connection, 2), urgent=True)
    with pytest.raises(StopIteration):
        urgent.send(None)
    assert await numbers(database, brief=True) == [2]
    await usual
    assert await numbers(database) == [1, 2]


async def test_one_that_is_stored_at_once_overtakes_no_other_event(database: Database) -> None:
    await warm(database)
    order: list[int] = []
    database.way = RightOfWay()
    for _ in range(100):
        with database.way.arriving():
            pass
    # In a crowd they wait for each other, to be committed together.
    first = asyncio.create_task(database.write(lambda _: order.append(1), urgent=True))
    await asyncio.sleep(0)
    database.way = RightOfWay()
    await database.write(lambda _: order.append(2), urgent=True)
    await first
    assert order == [1, 2]


async def test_an_event_that_cannot_be_stored_at_once_leaves_nothing_and_the_store_goes_on(database: Database) -> None:
    await warm(database)

    def half(connection: Connection) -> None:
        _insert(connection, 7)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(half, urgent=True)
    await database.write(lambda connection: _insert(connection, 8), urgent=True)
    assert await numbers(database) == [8]


def _insert(connection: Connection, number: int) -> None:
    connection.exec_driver_sql(f"INSERT INTO numbers VALUES ({number})")
