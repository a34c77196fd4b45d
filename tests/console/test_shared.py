"""What many pages show is read once for all of them, and never older than what they were told of."""

from __future__ import annotations

import asyncio

import pytest

from api.console.pulse import Pulse
from api.console.shared import Shared

TENANT = "default"


async def test_fifty_pages_read_once_a_beat_and_all_see_what_it_was_for() -> None:
    pulse = Pulse(soonest_s=0.001, slowest_s=60)
    shared, truth, asked = Shared(pulse), 0, 0
    seen = [-1] * 50

    async def read() -> int:
        nonlocal asked
        asked += 1
        found = truth
        await asyncio.sleep(0.001)
        return found

    async def look(index: int) -> None:
        async for _ in pulse.beats():
            seen[index] = await shared.read(TENANT, "it", read)

    looking = [asyncio.create_task(look(index)) for index in range(50)]
    async with asyncio.timeout(20):
        for truth in range(1, 11):
            pulse.beat()
            while set(seen) != {truth}:
                await asyncio.sleep(0)
    for one in looking:
        one.cancel()
    await asyncio.gather(*looking, return_exceptions=True)
    assert asked <= 11


async def test_tenants_and_different_things_are_read_apart() -> None:
    shared, asked = Shared(Pulse()), []

    async def read() -> int:
        asked.append(1)
        return len(asked)

    found = [await shared.read(tenant, what, read) for tenant, what in ("ax", "ay", "bx", "ax")]
    assert found == [1, 2, 3, 1]


async def test_an_error_is_told_to_all_who_wait_and_the_next_one_reads_again() -> None:
    shared, down = Shared(Pulse()), True

    async def read() -> str:
        await asyncio.sleep(0)
        if down:
            raise ConnectionError("the store is away")
        return "found"

    both = await asyncio.gather(*(shared.read(TENANT, "it", read) for _ in range(2)), return_exceptions=True)
    assert [str(one) for one in both] == ["the store is away"] * 2
    down = False
    assert await shared.read(TENANT, "it", read) == "found"


async def test_who_goes_away_takes_the_reading_from_nobody() -> None:
    shared, go_on = Shared(Pulse()), asyncio.Event()

    async def read() -> str:
        await go_on.wait()
        return "found"

    first = asyncio.create_task(shared.read(TENANT, "it", read))
    await asyncio.sleep(0)
    second = asyncio.create_task(shared.read(TENANT, "it", read))
    await asyncio.sleep(0)
    first.cancel()
    go_on.set()
    assert await second == "found"
    with pytest.raises(asyncio.CancelledError):
        await first
