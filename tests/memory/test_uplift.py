"""What memory does to rewards is told with intervals that keep what they promise."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import ttest_ind

from memory.types import Arm
from memory.uplift import LEAST, Moments, Tally, anytime, uplift, verdict


@dataclass(frozen=True, kw_only=True)
class Runs:
    """Runs that succeed or fail, drawn one after the other."""

    control: float
    swayed: float = 1.0
    memory: float = 0.5
    """Chance of success where memory sways the run and it has memory."""
    without: float = 0.5
    """The same where it has none."""
    otherwise: float = 0.5

    def drawn(self, seed: int, count: int) -> Iterator[tuple[Arm, float, bool]]:
        """Arm, reward, and whether memory sways it."""
        chance = random.Random(seed)
        for _ in range(count):
            arm: Arm = "control" if chance.random() < self.control else "memory"
            is_swayed = chance.random() < self.swayed
            swayed = self.memory if arm == "memory" else self.without
            yield arm, float(chance.random() < (swayed if is_swayed else self.otherwise)), is_swayed


def first_verdict(runs: Runs, seed: int, count: int, *, triggered: bool = True) -> str:
    """The verdict of whoever looks after every run and stops at the first one that is not `unknown`."""
    tally = Tally()
    for arm, reward, swayed in runs.drawn(seed, count):
        tally = tally.add(arm, reward, swayed if triggered else None)
        found = verdict(tally)
        if found != "unknown":
            return found
    return "unknown"


@pytest.mark.parametrize("level", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("swayed", [0.4, 1.0])
def test_looking_after_every_run_raises_few_false_alarms(level: float, swayed: float) -> None:
    runs = Runs(control=0.1, swayed=swayed, memory=level, without=level, otherwise=level)
    found = [first_verdict(runs, seed, 800) for seed in range(200)]
    assert sum(one != "unknown" for one in found) <= 10


def test_an_ordinary_interval_looked_at_after_every_run_would_raise_many() -> None:
    def is_alarmed(seed: int) -> bool:
        tally = Tally()
        for number, run in enumerate(Runs(control=0.3).drawn(seed, 800)):
            tally = tally.add(*run)
            ordinary = uplift(tally).interval if number % 20 == 0 and tally.control.graded.count >= LEAST else None
            if ordinary is not None and not ordinary.low <= 0 <= ordinary.high:
                return True
        return False

    assert sum(is_alarmed(seed) for seed in range(100)) > 10


def test_harm_is_noticed_more_often_by_the_runs_that_memory_sways() -> None:
    # Nine points overall: 22.5 in the 40 % of runs that are swayed.
    runs = Runs(control=0.1, swayed=0.4, memory=0.3775, without=0.6025, otherwise=0.6)
    triggered = Counter(first_verdict(runs, seed, 3_200) for seed in range(60))
    plain = Counter(first_verdict(runs, seed, 3_200, triggered=False) for seed in range(60))
    assert triggered["harm"] >= 54
    assert plain["harm"] <= 48
    assert triggered["help"] == plain["help"] == 0


def test_both_ways_of_counting_agree_on_the_effect() -> None:
    triggered = plain = Tally()
    runs = Runs(control=0.5, swayed=0.3, memory=0.7, without=0.4, otherwise=0.9)
    for arm, reward, swayed in runs.drawn(3, 20_000):
        triggered, plain = triggered.add(arm, reward, swayed), plain.add(arm, reward, None)
    for found in (uplift(triggered), uplift(plain)):
        assert found.difference == pytest.approx(0.09, abs=0.015)
        assert found.verdict == "help"
        assert found.interval is not None
        assert found.anytime is not None
        assert found.anytime.low < found.interval.low < 0.09 < found.interval.high < found.anytime.high
    narrow, wide = uplift(triggered).interval, uplift(plain).interval
    assert narrow is not None
    assert wide is not None
    assert narrow.high - narrow.low < wide.high - wide.low
    assert triggered.share_swayed == pytest.approx(0.3, abs=0.02)


def test_the_ordinary_interval_is_welchs() -> None:
    memory, control = [0.1, 0.5, 0.9, 0.4, 0.7], [0.8, 0.2, 0.9]
    tally = Tally()
    for reward in memory:
        tally = tally.add("memory", reward, None)
    for reward in control:
        tally = tally.add("control", reward, None)
    known = ttest_ind(memory, control, equal_var=False).confidence_interval(0.95)
    found = uplift(tally).interval
    assert found is not None
    assert (found.low, found.high) == pytest.approx((known.low, known.high))


def test_there_is_no_verdict_before_thirty_graded_runs_of_each_arm() -> None:
    tally = Tally()
    for _ in range(500):
        tally = tally.add("memory", 0.0, True)
    for number in range(1, LEAST + 1):
        assert verdict(tally) == "unknown"
        tally = tally.add("control", 1.0, True)
        assert tally.control.graded.count == number
    assert verdict(tally) == "harm"


def test_memory_that_sways_nothing_adds_nothing() -> None:
    tally = Tally()
    for number in range(200):
        tally = tally.add("control" if number % 2 else "memory", float(number % 2), False)
    found = uplift(tally)
    assert (found.difference, found.interval, found.anytime, found.verdict) == (0.0, None, None, "unknown")
    assert tally.share_swayed == 0


def test_nothing_is_told_of_nothing_nor_of_one_arm() -> None:
    tally = Tally()
    for told in (uplift(tally), uplift(tally.add("memory", 1.0, None))):
        assert (told.difference, told.interval, told.anytime, told.verdict) == (None, None, None, "unknown")
    # Equal rewards leave no variance to divide by.
    for _ in range(3):
        tally = tally.add("memory", 0.5, None).add("control", 0.5, None)
    found = uplift(tally)
    assert found.interval is not None
    assert (found.difference, found.interval.low, found.interval.high) == (0.0, 0.0, 0.0)
    wide = anytime(tally)
    assert wide is not None
    assert wide.low < 0 < wide.high


@pytest.mark.parametrize("reward", [-0.1, 1.1, float("nan")])
def test_a_reward_out_of_range_is_refused(reward: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        Tally().add("memory", reward, None)


def test_variance_is_that_of_all_rewards_added_one_by_one() -> None:
    rewards = [random.Random(7).random() for _ in range(50)]
    moments = Moments()
    for reward in rewards:
        moments = moments.add(reward)
    assert moments.mean == pytest.approx(np.mean(rewards))
    assert moments.variance() == pytest.approx(np.var(rewards, ddof=1))
    assert moments.variance(2) == pytest.approx(np.var([*rewards, 0, 0, 1, 1], ddof=1))
