"""The mean of rewards with how far it can be trusted. Start with `mean_of`."""

from __future__ import annotations

from dataclasses import dataclass

from memory.lesson_tables import wilson


@dataclass(frozen=True, kw_only=True, slots=True)
class Mean:
    """Of at least one reward in [0, 1]."""

    count: int
    mean: float
    low: float
    high: float
    """95 % interval: Wilson's score interval (1927), which is made for shares and cautious for rewards, as none in
    [0, 1] with mean m varies more than m (1 - m)."""


def mean_of(count: int, total: float) -> Mean | None:
    """Of so many rewards with this sum; None of none."""
    if not count:
        return None
    mean = min(1.0, max(0.0, total / count))
    low, high = wilson(mean * count, count, 0.05)
    return Mean(count=count, mean=mean, low=low, high=high)
