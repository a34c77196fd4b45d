"""95 % intervals of shares and means. Start with `share_interval` and `Spread.of`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from memory.lesson_tables import wilson
from memory.student import t_95


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A mean over seeds and its interval; unbounded where there is one seed."""

    mean: float
    low: float
    high: float

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        """At least one value, one a seed."""
        mean, half = fmean(values), mean_spread(values)
        return Spread(mean=mean, low=mean - half, high=mean + half)

    def as_json(self, digits: int = 3) -> dict[str, float | None]:
        """Bounds are null where there are none."""
        return {
            "mean": round(self.mean, digits),
            "low": as_json(self.low, digits),
            "high": as_json(self.high, digits),
        }


def share_interval(successes: int, trials: int) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927); from 0 to 1 where nothing was tried."""
    return wilson(successes, trials, 0.05)


def share_difference(before: int, after: int, trials: int) -> tuple[float, float]:
    """Of two shares of as many trials each, the second less the first, from their score intervals (Newcombe 1998)."""
    was, now = before / trials, after / trials
    (was_low, was_high), (now_low, now_high) = share_interval(before, trials), share_interval(after, trials)
    fall, rise = math.hypot(now - now_low, was_high - was), math.hypot(now_high - now, was - was_low)
    return now - was - fall, now - was + rise


def mean_spread(values: Sequence[float]) -> float:
    """Half of the mean's interval (Student 1908); infinite for one value, which tells nothing of others."""
    if len(values) < 2:
        return math.inf
    return t_95(len(values) - 1) * stdev(values) / math.sqrt(len(values))


def as_json(bound: float, digits: int) -> float | None:
    """A bound for a report; null where nothing bounds it, since JSON has no infinity."""
    return round(bound, digits) if math.isfinite(bound) else None
