"""The hidden preference's stream: fair, late, and telling nothing but by outcomes."""

from __future__ import annotations

import numpy as np
import pytest

from evals.learning.preference import MEAN_DELAY, RIGHT, WRONG, Preference

SEEDS = range(12)


def test_the_same_seed_is_the_same_stream_and_luck() -> None:
    one, other = Preference(3, 80), Preference(3, 80)
    assert one.events == other.events
    assert [one.grade(number, one.tools[0]) for number in range(80)] == [
        other.grade(number, other.tools[0]) for number in range(80)
    ]
    assert Preference(4, 80).events != one.events


def test_two_and_three_tools_and_several_numbers_of_regions_are_played() -> None:
    streams = [Preference(seed, 60) for seed in SEEDS]
    assert {len(one.tools) for one in streams} == {2, 3}
    assert len({len({met.region for met in one.events}) for one in streams}) > 2


@pytest.mark.parametrize("seed", SEEDS)
def test_every_tool_is_right_somewhere_so_that_none_can_be_taken_blindly(seed: int) -> None:
    stream = Preference(seed, 400)
    assert {stream.right(met.number) for met in stream.events} == set(stream.tools)


def test_the_text_tells_nothing_of_the_region() -> None:
    stream = Preference(1, 200)
    assert not any(met.region in met.text.lower() for met in stream.events)


def test_the_right_tool_works_mostly_and_any_other_seldom() -> None:
    stream, again = Preference(5, 4_000), Preference(5, 4_000)
    right = [stream.grade(met.number, stream.right(met.number)) for met in stream.events]
    wrong = [
        again.grade(met.number, next(tool for tool in again.tools if tool != again.right(met.number)))
        for met in again.events
    ]
    assert abs(np.mean(right) - RIGHT) < 0.02
    assert abs(np.mean(wrong) - WRONG) < 0.02
    # All arms meet the same luck: where the wrong one works, the right one would have.
    assert all(good >= bad for good, bad in zip(right, wrong, strict=True))


def test_choosing_at_random_earns_chance() -> None:
    stream, luck = Preference(1, 4_000), np.random.default_rng(0)
    earned = [stream.grade(met.number, str(luck.choice(stream.tools))) for met in stream.events]
    assert abs(np.mean(earned) - stream.chance) < 0.03


def test_every_outcome_comes_once_and_late() -> None:
    stream = Preference(2, 2_000)
    waits = []
    for number in range(2_000 + 200):
        waits += [number - told.number for told in stream.told(number)]
        if number < 2_000:
            stream.grade(number, stream.tools[0])
    assert len(waits) == 2_000
    assert min(waits) == 1
    assert abs(np.mean(waits) - MEAN_DELAY) < 0.4
