"""The bound of the queue."""

from __future__ import annotations

import pytest

from agent.pressure import FIRST_RETRY_S, LONGEST_RETRY_S, STALE_S, Overloaded, Pressure


class Queue:
    """A queue and a clock that move when a test says so."""

    def __init__(self) -> None:
        self.length = 0
        self.now = 0.0
        self.counts = 0

    async def count(self, most: int) -> int:
        """How many are queued."""
        self.counts += 1
        return min(self.length, most)

    def pressure(self, most: int) -> Pressure:
        """The bound on it."""
        return Pressure(self.count, lambda: self.now, most=most)

    async def later(self, pressure: Pressure, seconds: float = STALE_S) -> int:
        """The length as it is known once the count is old and was taken anew."""
        self.now += seconds
        await pressure.queued()
        await pressure.aclose()
        return await pressure.queued()

    def put(self, pressure: Pressure, number: int) -> None:
        """Admit and commit."""
        with pressure.admit(number):
            self.length += number


async def test_no_more_than_the_bound_is_admitted_without_counting_for_each() -> None:
    queue = Queue()
    pressure = queue.pressure(10)
    for _ in range(10):
        assert await pressure.queued() < 10
        queue.put(pressure, 1)
    with pytest.raises(Overloaded):
        queue.put(pressure, 1)
    assert (queue.length, queue.counts) == (10, 1)
    with pressure.admit(0):
        pass


async def test_runs_that_were_started_make_room_once_they_are_counted() -> None:
    queue = Queue()
    pressure = queue.pressure(10)
    await pressure.queued()
    queue.put(pressure, 10)
    queue.length = 4
    assert await queue.later(pressure) == 4
    queue.put(pressure, 6)
    with pytest.raises(Overloaded):
        queue.put(pressure, 1)


async def test_what_could_not_be_committed_takes_no_room() -> None:
    queue = Queue()
    pressure = queue.pressure(3)
    await pressure.queued()
    with pytest.raises(ValueError, match="disk"), pressure.admit(3):
        raise ValueError("disk")
    queue.put(pressure, 3)
    assert await queue.later(pressure) == 3


async def test_what_is_being_committed_while_the_queue_is_counted_is_not_forgotten() -> None:
    queue = Queue()
    pressure = queue.pressure(5)
    await pressure.queued()
    with pressure.admit(5):
        assert await queue.later(pressure) == 5
        with pytest.raises(Overloaded):
            queue.put(pressure, 1)
        queue.length += 5
    assert await queue.later(pressure) == 5


async def test_senders_are_told_to_come_back_when_there_should_be_room() -> None:
    queue = Queue()
    pressure = queue.pressure(1_000)
    await pressure.queued()
    assert pressure.retry_after_s() == FIRST_RETRY_S
    queue.put(pressure, 1_000)
    queue.length = 995
    await queue.later(pressure, 1)
    queue.put(pressure, 5)
    assert pressure.retry_after_s(50) == 10
    for _ in range(20):
        await queue.later(pressure, 10)
    assert pressure.retry_after_s(50) == LONGEST_RETRY_S
