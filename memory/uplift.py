"""What memory does to rewards, measured against runs that decided without it. Start with `Tally`, then `uplift`.

Which of the two arms a run is in is drawn at random, so the arms differ by memory alone. Where memory would not have
changed what is decided (`swayed` is False) they do not differ at all: such runs only scale the effect (triggered
analysis: Deng and Hu, "Diluted treatment effect estimation for trigger analysis in online controlled experiments",
2015), and their noise is left out of it:

    effect = q * (mean of swayed runs with memory - mean of swayed runs without)      q = share of swayed runs

A run of which nobody can say whether it was swayed counts as one that was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from memory.student import t_95
from memory.types import Arm

Verdict: TypeAlias = Literal["harm", "help", "unknown"]

LEAST = 30
"""Graded runs of each arm before there is any verdict."""
ALPHA = 0.05
"""Chance that the anytime-valid interval ever misses the effect."""
TIGHTEST = 100.0
"""Where the anytime-valid interval is tightest, in runs as `_pairs` counts them: with a tenth of runs in the control
arm at 1,100 swayed ones."""
PSEUDO = 2
"""Rewards of 0, and as many of 1, that each arm's variance is taken with, as Agresti and Coull, 1998, do for a
proportion: of thirty equal rewards it would be 0. Without them one stream in three was a false alarm where rewards of
0 are rare."""
_FEW = 2
"""Swayed runs of an arm that have a variance."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Rewards, as far as mean and variance need them."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, reward: float) -> Moments:
        """With one more."""
        return Moments(self.count + 1, self.total + reward, self.squares + reward * reward)

    @property
    def mean(self) -> float | None:
        """None of none."""
        return self.total / self.count if self.count else None

    def variance(self, pseudo: int = 0) -> float:
        """Sample variance, with `pseudo` more rewards of 0 and as many of 1. Of at least two."""
        count, total = self.count + 2 * pseudo, self.total + pseudo
        return max(0.0, (self.squares + pseudo - total * total / count) / (count - 1))


@dataclass(frozen=True, kw_only=True, slots=True)
class ArmTally:
    """Graded runs of one arm."""

    graded: Moments = field(default_factory=Moments)
    swayed: Moments = field(default_factory=Moments)
    """Those of them that memory sways, or would have swayed, or may have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Graded runs of both arms, one added at a time."""

    memory: ArmTally = field(default_factory=ArmTally)
    control: ArmTally = field(default_factory=ArmTally)

    def add(self, arm: Arm, reward: float, swayed: bool | None) -> Tally:
        """With one more run. `swayed`: whether memory changes what is decided in it; None where nobody can say."""
        if not 0 <= reward <= 1:
            raise ValueError(f"reward is {reward!r}. Use a number from 0 to 1.")
        mine = self.memory if arm == "memory" else self.control
        grown = ArmTally(
            graded=mine.graded.add(reward), swayed=mine.swayed if swayed is False else mine.swayed.add(reward)
        )
        return replace(self, memory=grown) if arm == "memory" else replace(self, control=grown)

    @property
    def share_swayed(self) -> float | None:
        """Share of graded runs that memory sways, or may have; None of none."""
        graded = self.memory.graded.count + self.control.graded.count
        return (self.memory.swayed.count + self.control.swayed.count) / graded if graded else None


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Of a difference of rewards, so within -1 to 1."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Uplift:
    """What memory does to the mean reward of all runs."""

    difference: float | None
    """Reward with memory less reward without; None while an arm has no run that tells."""
    interval: Interval | None
    """Ordinary 95 % interval (Welch): right if it is looked at once."""
    anytime: Interval | None
    """95 % interval that is right however often it is looked at, and whenever one stops."""
    verdict: Verdict


def uplift(tally: Tally) -> Uplift:
    """All that the graded runs tell."""
    return Uplift(
        difference=_difference(tally),
        interval=_welch(tally),
        anytime=anytime(tally),
        verdict=verdict(tally),
    )


def verdict(tally: Tally) -> Verdict:
    """Whether memory harms or helps, by the interval that may be looked at after every run. O(1)."""
    if min(tally.memory.graded.count, tally.control.graded.count) < LEAST:
        return "unknown"
    known = anytime(tally)
    if known is None or known.low <= 0 <= known.high:
        return "unknown"
    return "harm" if known.high < 0 else "help"


def anytime(tally: Tally) -> Interval | None:
    """An asymptotic confidence sequence for the effect; None while an arm has too few swayed runs.

    Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic confidence
    sequences" (2021, arXiv:2103.06476), theorem 2.2: estimate +- s * sqrt(2 (t r^2 + 1) / (t^2 r^2) *
    log(sqrt(t r^2 + 1) / alpha)), with s / sqrt(t) the standard error here, and t the runs by `_pairs`, to which the
    number of runs is proportional. r is such that it is tightest at `TIGHTEST`.
    """
    known = _standard_error(tally, PSEUDO)
    if known is None:
        return None
    effect, error = known
    x = _pairs(tally) * _TUNED / TIGHTEST
    return _around(effect, error * math.sqrt(2.0 * (1.0 + 1.0 / x) * math.log(math.sqrt(1.0 + x) / ALPHA)))


_TUNED = -2.0 * math.log(ALPHA) + math.log(-2.0 * math.log(ALPHA)) + 1.0
"""t r^2 where the sequence is tightest, nearly (the same paper, on choosing r)."""


def _pairs(tally: Tally) -> float:
    """n m / (n + m) of the swayed runs of the two arms: the standard error falls with its root."""
    memory, control = tally.memory.swayed.count, tally.control.swayed.count
    return memory * control / (memory + control)


def _difference(tally: Tally) -> float | None:
    share, memory, control = tally.share_swayed, tally.memory.swayed.mean, tally.control.swayed.mean
    if share == 0:
        return 0.0
    return None if share is None or memory is None or control is None else share * (memory - control)


def _standard_error(tally: Tally, pseudo: int) -> tuple[float, float] | None:
    """The effect and its standard error, that of the share of swayed runs included; None where it has none."""
    memory, control = tally.memory.swayed, tally.control.swayed
    share, effect = tally.share_swayed, _difference(tally)
    if share is None or effect is None or min(memory.count, control.count) < _FEW:
        return None
    graded = tally.memory.graded.count + tally.control.graded.count
    of_means = memory.variance(pseudo) / memory.count + control.variance(pseudo) / control.count
    of_share = share * (1.0 - share) / graded
    among = effect / share
    return effect, math.sqrt(share * share * of_means + among * among * of_share)


def _welch(tally: Tally) -> Interval | None:
    known = _standard_error(tally, 0)
    if known is None:
        return None
    effect, error = known
    parts = [(one.variance() / one.count, one.count) for one in (tally.memory.swayed, tally.control.swayed)]
    squares = sum(part * part / (count - 1) for part, count in parts)
    freedom = sum(part for part, _ in parts) ** 2 / squares if squares else math.inf
    return _around(effect, error * t_95(freedom))


def _around(effect: float, margin: float) -> Interval:
    return Interval(low=max(-1.0, effect - margin), high=min(1.0, effect + margin))
