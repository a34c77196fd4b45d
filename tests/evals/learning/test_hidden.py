"""The arms of the hidden preference, played by the product itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from evals.learning.hidden import ARMS, Arm, Played, play_arm, summed_up
from evals.learning.parts import Asked
from tests.memory.conftest import embedder_dir  # noqa: F401

EVENTS = 90


@pytest.fixture(scope="module")
def asked(embedder_dir: Path) -> Asked:  # noqa: F811
    return Asked(seeds=(1000,), events=EVENTS, explore=0.1, wrong=0.1, cache=embedder_dir)


def test_memory_finds_the_preference_and_no_memory_does_not(asked: Asked) -> None:
    product, blind, oracle = (play_arm(arm, 1000, asked) for arm in ("product", "no_memory", "oracle"))
    assert oracle.regret.sum() == 0
    late = slice(EVENTS // 2, None)
    assert product.regret[late].mean() < 0.5 * blind.regret[late].mean()
    assert product.regret[late].mean() < product.regret[:20].mean()
    assert abs(blind.regret[late].mean() - blind.regret[:20].mean()) < 0.25


def played(arm: Arm, seed: int, late: Sequence[float], chance: float = 0.5) -> Played:
    rewards = np.array([0.0] * 10 + list(late) * 10)
    return Played(arm=arm, seed=seed, rewards=rewards, regret=0.8 * (1 - rewards), chance=chance)


GOOD: Mapping[Arm, Sequence[float]] = {
    "no_memory": (1.0, 0, 1, 0, 1),
    "unexplored": (1, 1, 1, 1, 0),
    "product": (1, 1, 1, 1, 0),
    "oracle": (1,) * 5,
}
"""A reward in each of five late events, again and again."""


def states(given: Mapping[Arm, Sequence[float]], seeds: Sequence[int] = (0, 1, 2)) -> list[str]:
    few = Asked(seeds=seeds, events=60, explore=0.05, wrong=0.1, cache=Path())
    # Seeds differ, so that there is an interval.
    made = [played(arm, seed, given[arm], 0.5 + 0.2 * seed) for arm in ARMS for seed in seeds]
    return [mark.state for mark in summed_up(made, few).marks]


def test_the_marks_are_the_share_of_the_oracle_and_chance_without_memory() -> None:
    best = {**GOOD, "product": (1, 1, 1, 1, 1)}
    assert states(best) == ["passed", "passed"]
    assert states(GOOD)[0] == "failed"
    assert states({**best, "no_memory": (1,) * 5}, seeds=(0, 1))[1] == "passed"


def test_one_seed_has_no_interval() -> None:
    few = Asked(seeds=(0,), events=60, explore=0.05, wrong=0.1, cache=Path())
    section = summed_up([played(arm, 0, GOOD[arm]) for arm in ARMS], few)
    assert [mark.state for mark in section.marks] == ["failed", "skipped"]
    product = section.found["arms"]["product"]
    assert product["late"] == {"mean": 0.8, "low": None, "high": None}
    assert product["share_of_oracle"] == 0.8
    assert product["regret"] == pytest.approx(0.8 * (10 + 10))
    assert math.isclose(product["regret_curve"][-1], product["regret"])
