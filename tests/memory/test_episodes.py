"""Episodes with values that would become wrong weights are refused."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from typing import cast

import pytest

from memory.episodes import EpisodeError, check_episode, check_rewards
from memory.types import Episode
from tests.memory.episodes import episode

GOOD = episode("e1", "call", rewards={"satisfaction": 0.5})


def test_a_sound_episode_is_taken() -> None:
    check_episode(GOOD)
    check_rewards({"satisfaction": 0, "cost": 1})


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (replace(GOOD, trust=1.5), "trust is 1.5"),
        (replace(GOOD, trust=-0.1), "trust is -0.1"),
        (replace(GOOD, trust=math.nan), "trust is nan"),
        (replace(GOOD, rewards={"cost": math.inf}), "goal 'cost' is inf"),
        (replace(GOOD, rewards={"cost": -1}), "goal 'cost' is -1"),
        (replace(GOOD, rewards=cast("dict[str, float]", {"cost": "1"})), "goal 'cost' is '1'"),
        (replace(GOOD, actions=(replace(GOOD.actions[0], propensity=0.0),)), "propensity of 'call' is 0.0"),
        (replace(GOOD, closed_at=datetime(2026, 1, 1)), "no time zone"),
        (replace(GOOD, tenant=""), "tenant is empty"),
    ],
)
def test_a_value_out_of_range_is_an_error_that_names_it(bad: Episode, message: str) -> None:
    with pytest.raises(EpisodeError, match=message):
        check_episode(bad)
