"""Rewards of several goals as one number, and what of it is an action's own. Start with `judged`, `credited`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from memory.types import EVERY_GOAL, EpisodeAction


def judged(
    rewards: Mapping[str, float], goals: Mapping[str, float], operator_trust: float
) -> tuple[float, float] | None:
    """Reward by outcomes and an operator's judgement, and its share of an episode's weight; None without either.

    The judgement stands for each goal that no outcome has graded, with `operator_trust` of that goal's weight; alone it
    has that share of the episode's weight. It never lessens the share of an outcome.
    """
    reward, thumb = combined(rewards, goals), rewards.get(EVERY_GOAL)
    if thumb is None:
        return None if reward is None else (reward, 1.0)
    if reward is None:
        return thumb, operator_trust
    graded = math.fsum(weight for goal, weight in goals.items() if goal in rewards)
    rest = operator_trust * math.fsum(weight for goal, weight in goals.items() if goal not in rewards)
    return (graded * reward + rest * thumb) / (graded + rest), 1.0


class Credit(NamedTuple):
    """What of a run is one action's."""

    reward: float
    share: float
    """Of the episode's weight."""
    left: float
    """Of that share, what decisions after it leave; in `share` already."""


def credited(taken: EpisodeAction, found: tuple[float, float] | None, discount: float) -> Credit | None:
    """Its own verified result where there is one, in full, else that of the run (`judged`); None: nobody can say.

    The run's is discounted for each decision that came between the action and the end: an eligibility trace (Sutton
    and Barto), over decisions.
    """
    if taken.verified is not None:
        return Credit(taken.verified, 1.0, 1.0)
    if found is None:
        return None
    reward, share = found
    left = discount**taken.later
    return Credit(reward, share * left, left)


def combined(rewards: Mapping[str, float], goals: Mapping[str, float]) -> float | None:
    """Mean of the outcomes' rewards by the goals' weights; None when no goal that counts has one."""
    if not rewards:
        return None
    counted = [(goals[goal], reward) for goal, reward in rewards.items() if goals.get(goal, 0.0) > 0]
    total = math.fsum(weight for weight, _ in counted)
    return min(1.0, math.fsum(weight * reward for weight, reward in counted) / total) if total else None
