"""What memory calls harmful, and when an episode has faded."""

from __future__ import annotations

import pytest

from memory.settings import Settings
from memory.tidying import Credit, TidySettings, faded_before, harmful
from tests.memory.episodes import NOW

SETTINGS = TidySettings()


def judge(hurt: int, helped: int, usual: float = 0.3, others: int = 0) -> float | None:
    """The chance by which an episode is harmful, among others that are not; None where it is not."""
    credits = {f"other-{number}": Credit(helped=10, hurt=10) for number in range(others)}
    return harmful({"one": Credit(helped=helped, hurt=hurt), **credits}, usual, SETTINGS).get("one")


def test_an_episode_that_hurt_significantly_more_than_it_helped_is_harmful() -> None:
    # The table of the binomial distribution: 16 or more of 20 at 1/2.
    assert judge(16, 4) == pytest.approx(0.005909, abs=1e-6)
    assert judge(20, 0) == pytest.approx(0.5**20)
    assert judge(12, 8) is None
    assert judge(4, 16) is None


def test_few_runs_say_nothing_and_neither_does_what_is_usual_of_the_type() -> None:
    assert judge(19, 0) is None
    assert judge(19, 1, usual=0.9) is None
    assert judge(60, 0, usual=0.9) is not None
    assert judge(60, 0, usual=1.0) is None


def test_the_more_are_looked_at_the_more_it_takes() -> None:
    assert judge(16, 4, others=5) is not None
    assert judge(16, 4, others=50) is None
    assert judge(40, 10, others=50) is not None


def test_an_episode_has_faded_after_so_many_half_lives() -> None:
    assert (NOW - faded_before(NOW, SETTINGS, Settings())).days == 597
    assert (NOW - faded_before(NOW, TidySettings(faded=0.25), Settings(half_life_days=10))).days == 20
