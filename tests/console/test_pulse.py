"""When open pages are told that something has happened."""

from __future__ import annotations

import asyncio
import itertools
import time

from api.console.pulse import Pulse


async def test_the_first_beat_comes_at_once() -> None:
    beats = Pulse(soonest_s=60, slowest_s=60).beats()
    async with asyncio.timeout(5):
        await anext(beats)
    await beats.aclose()


async def test_a_commit_is_told_long_before_the_slow_beat() -> None:
    pulse = Pulse(soonest_s=0.01, slowest_s=60)
    beats = pulse.beats()
    await anext(beats)
    pulse.beat()
    async with asyncio.timeout(5):
        await anext(beats)
    await beats.aclose()


async def test_what_happens_while_a_page_is_brought_up_to_date_is_not_missed() -> None:
    pulse = Pulse(soonest_s=0.01, slowest_s=60)
    beats = pulse.beats()
    await anext(beats)
    # The page reads now; what is committed in the middle of it may not be in what it read.
    pulse.beat()
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await anext(beats)
    await beats.aclose()


async def test_a_thousand_commits_are_few_beats() -> None:
    pulse = Pulse(soonest_s=0.05, slowest_s=60)
    came: list[float] = []

    async def look() -> None:
        beats = pulse.beats()
        while True:
            await anext(beats)
            came.append(time.monotonic())

    looking = asyncio.create_task(look())
    until = time.monotonic() + 0.4
    while time.monotonic() < until:
        pulse.beat()
        await asyncio.sleep(0)
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    assert 2 <= len(came) <= 9
    # Beats are so far apart; when within one a page gets its turn differs by a little.
    assert min(later - sooner for sooner, later in itertools.pairwise(came)) >= 0.03


async def test_what_other_processes_did_is_looked_for_now_and_then() -> None:
    beats = Pulse(soonest_s=0.001, slowest_s=0.001).beats()
    async with asyncio.timeout(5):
        for _ in range(3):
            await anext(beats)
    await beats.aclose()


async def test_pages_that_take_long_get_beats_so_seldom_that_half_of_the_time_is_left() -> None:
    pulse = Pulse(soonest_s=0.001, slowest_s=60)
    came = 0

    async def look() -> None:
        nonlocal came
        async for _ in pulse.beats():
            came += 1
            await asyncio.sleep(0.03)

    looking = [asyncio.create_task(look()) for _ in range(5)]
    until = time.monotonic() + 0.6
    while time.monotonic() < until:
        pulse.beat()
        await asyncio.sleep(0.001)
    for one in looking:
        one.cancel()
    await asyncio.gather(*looking, return_exceptions=True)
    assert 5 * 2 <= came <= 5 * (1 + 0.6 / 0.06 + 1)


async def test_a_page_that_hangs_keeps_no_other_from_the_news() -> None:
    pulse = Pulse(soonest_s=0.001, slowest_s=60, longest_s=0.02)
    hangs, beats = pulse.beats(), pulse.beats()
    await anext(hangs)
    await anext(beats)
    async with asyncio.timeout(5):
        pulse.beat()
        await asyncio.gather(anext(hangs), anext(beats))
        for _ in range(3):
            pulse.beat()
            await anext(beats)
        # Once it comes back it is told of what it missed.
        await anext(hangs)
    await hangs.aclose()
    await beats.aclose()


async def test_after_the_last_page_has_gone_a_new_one_is_told_again() -> None:
    pulse = Pulse(soonest_s=0.001, slowest_s=60)
    first = pulse.beats()
    await anext(first)
    number = pulse.number
    await first.aclose()
    second = pulse.beats()
    async with asyncio.timeout(5):
        await anext(second)
        pulse.beat()
        await anext(second)
    assert pulse.number > number
    await second.aclose()
