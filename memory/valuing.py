"""What another way to choose would have earned, from choices logged with their probabilities. Start with `value`.

With pi(a) the probability that the policy takes action a, p(a) the logged one, r the reward of what was taken, and the
weight w = pi(taken) / p(taken):

    IPS     mean of w * r                                                      (Horvitz and Thompson 1952)
    SNIPS   sum of w * r / sum of w                                            (Swaminathan and Joachims 2015)
    DR      mean of (sum over a of pi(a) * q(a)) + w * (r - q(taken))          (Dudik, Langford and Li 2011)
    ESS     (sum of w)^2 / sum of w^2                                          (Kish 1965)

q(a) is the score that was logged with the choice: known before the reward, so that DR stays unbiased however wrong it
is. Intervals are Student's for the means; for SNIPS by linearising the ratio.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memory.student import t_95

FEWEST = 100
"""Logged choices below which nothing is said."""
FEWEST_EFFECTIVE = 50.0
"""Effective sample size below which nothing is said: as few rewards in [0, 1] leave up to 0.14 to either side."""
_TIE = 1e-9
_SUM = 1e-6

PolicyName: TypeAlias = Literal["greedy", "prior", "uniform"]


class ValuingError(ValueError):
    """Nothing can be said from these choices; says why and what would help."""


@dataclass(frozen=True, kw_only=True)
class Rival:
    """An action that could have been taken."""

    action: str
    propensity: float
    """Probability with which it was taken."""
    prior: float
    score: float
    """What was expected of it, in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One logged choice and what came of it."""

    rivals: tuple[Rival, ...]
    """All that could have been taken, best first."""
    taken: str
    reward: float
    """In [0, 1]."""


Policy: TypeAlias = Callable[[Sequence[Rival]], Mapping[str, float]]
"""Rivals -> probability by action; they sum to 1."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean reward and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Value:
    """What a policy would have earned."""

    choices: int
    effective: float
    """Effective sample size."""
    ips: Estimate
    snips: Estimate
    doubly_robust: Estimate


def value(choices: Sequence[Choice], policy: Policy) -> Value:
    """Raises `ValuingError` for too few choices, effective or at all, and where the log never takes what it would."""
    if len(choices) < FEWEST:
        raise ValuingError(
            f"There are {len(choices)} logged choices with an outcome; below {FEWEST} nothing can be said."
        )
    weights, rewards = np.empty(len(choices)), np.empty(len(choices))
    modelled, expected = np.empty(len(choices)), np.empty(len(choices))
    for row, choice in enumerate(choices):
        wanted = _checked(choice, policy(choice.rivals))
        taken = next(rival for rival in choice.rivals if rival.action == choice.taken)
        weights[row] = wanted.get(taken.action, 0.0) / taken.propensity
        rewards[row], expected[row] = choice.reward, taken.score
        modelled[row] = math.fsum(wanted.get(rival.action, 0.0) * rival.score for rival in choice.rivals)
    effective = _effective(weights)
    if effective < FEWEST_EFFECTIVE:
        raise ValuingError(
            f"The {len(choices)} logged choices count for {effective:.0f}, since they hardly take what the policy "
            f"would; below {FEWEST_EFFECTIVE:g} nothing can be said. Explore more, or wait for more outcomes."
        )
    return Value(
        choices=len(choices),
        effective=effective,
        ips=_mean(weights * rewards),
        snips=_ratio(weights, rewards),
        doubly_robust=_mean(modelled + weights * (rewards - expected)),
    )


def greedy(rivals: Sequence[Rival]) -> Mapping[str, float]:
    """The highest score, the first of equals: what is chosen where nothing is explored."""
    return {max(rivals, key=lambda rival: rival.score).action: 1.0}


def by_prior(rivals: Sequence[Rival]) -> Mapping[str, float]:
    """The highest prior, at random among equals: what is chosen without memory."""
    best = max(rival.prior for rival in rivals)
    equal = [rival.action for rival in rivals if rival.prior >= best - _TIE]
    return dict.fromkeys(equal, 1.0 / len(equal))


def uniform(rivals: Sequence[Rival]) -> Mapping[str, float]:
    """Any, at random."""
    return {rival.action: 1.0 / len(rivals) for rival in rivals}


POLICIES: Mapping[PolicyName, Policy] = {"greedy": greedy, "prior": by_prior, "uniform": uniform}


def _checked(choice: Choice, wanted: Mapping[str, float]) -> Mapping[str, float]:
    known = {rival.action: rival.propensity for rival in choice.rivals}
    if choice.taken not in known:
        raise ValuingError(f"{choice.taken!r} was taken and is none of {', '.join(map(repr, known))}.")
    if not 0 <= choice.reward <= 1:
        raise ValuingError(f"The reward of {choice.taken!r} is {choice.reward!r}. Use a number from 0 to 1.")
    if not abs(math.fsum(known.values()) - 1.0) <= _SUM:
        raise ValuingError(f"The propensities {known} do not sum to 1, so that they are not all there.")
    if known[choice.taken] <= 0:
        raise ValuingError(f"{choice.taken!r} was taken with the propensity 0, which cannot be.")
    never = [action for action, share in wanted.items() if share > 0 and not known.get(action, 0.0) > 0]
    if never:
        raise ValuingError(f"The log never takes {never[0]!r}, which the policy takes: its propensity is 0.")
    return wanted


def _effective(weights: NDArray[np.float64]) -> float:
    squared = float(np.square(weights).sum())
    return float(weights.sum()) ** 2 / squared if squared > 0 else 0.0


def _mean(terms: NDArray[np.float64]) -> Estimate:
    return _around(float(terms.mean()), float(terms.std(ddof=1)), len(terms))


def _ratio(weights: NDArray[np.float64], rewards: NDArray[np.float64]) -> Estimate:
    mean = float((weights * rewards).sum() / weights.sum())
    left = weights * (rewards - mean) / weights.mean()
    return _around(mean, float(np.sqrt(np.square(left).sum() / (len(left) - 1))), len(left))


def _around(mean: float, deviation: float, count: int) -> Estimate:
    half = t_95(count - 1) * deviation / math.sqrt(count)
    return Estimate(value=mean, low=mean - half, high=mean + half)
