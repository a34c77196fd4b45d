"""What is made of seasons, whoever played them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evals.learning.parts import LearningError
from evals.learning.worlds import WORLDS, Affair, summed_up

SHOP = replace(WORLDS[0], events=4)


def season(*churned: float, seed: int = 0) -> list[Affair]:
    return [
        Affair(id=f"{seed}-{number}", figures={"churn": one, "satisfaction": 100.0 - one})
        for number, one in enumerate(churned)
    ]


def both(seed: int, without: tuple[float, ...], memory: tuple[float, ...]) -> dict[tuple[str, int, bool], list[Affair]]:
    return {
        (SHOP.name, seed, False): season(*without, seed=seed),
        (SHOP.name, seed, True): season(*memory, seed=seed),
    }


def test_the_second_halves_are_compared_by_seed() -> None:
    played = both(0, (0, 0, 100, 100), (100, 100, 0, 0)) | both(1, (0, 0, 100, 100), (0, 0, 0, 10))
    section = summed_up(played, (0, 1), (SHOP,))
    churn = section.found["retail_care"]["churn"]
    assert (churn["no_memory"], churn["memory"], churn["difference"]) == (100.0, 2.5, -97.5)
    assert churn["low"] < -97.5 < churn["high"] < 0
    assert [mark.state for mark in section.marks] == ["passed"]


def test_an_interval_with_zero_in_it_is_no_proof() -> None:
    played = both(0, (0, 0, 100, 0), (0, 0, 0, 0)) | both(1, (0, 0, 0, 0), (0, 0, 100, 0))
    assert [mark.state for mark in summed_up(played, (0, 1), (SHOP,)).marks] == ["failed"]


def test_one_season_proves_nothing() -> None:
    section = summed_up(both(0, (0, 0, 100, 100), (0, 0, 0, 0)), (0,), (SHOP,))
    assert [mark.state for mark in section.marks] == ["skipped"]
    assert section.found["retail_care"]["churn"]["low"] is None


def test_arms_that_played_different_seasons_are_not_compared() -> None:
    played = both(0, (0, 0, 100, 100), (0, 0, 0, 0))
    played[SHOP.name, 0, True] = season(0, 0, 0, 0, seed=9)
    with pytest.raises(LearningError, match="did not play the same season"):
        summed_up(played, (0,), (SHOP,))
