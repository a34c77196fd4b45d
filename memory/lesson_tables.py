"""Two-by-two tables of good and bad runs, and the statistics of them. Start with `counted`, `fisher`, `discoveries`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from memory.conditions import Mask
from memory.types import Rule

_ROUNDING = 1e-7
"""Two tables as likely as that, relatively, are equally likely."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """A rule, and which of some episodes it is about."""

    rule: Rule
    where: Mask
    """Where its conditions hold."""
    inside: Mask
    """Its own runs."""
    rest: Mask
    """What they are held against."""


@dataclass(frozen=True, kw_only=True)
class Table:
    good: int
    total: int
    rest_good: int
    rest_total: int

    @property
    def difference(self) -> float:
        """Of the two shares of good runs; both sides must have some."""
        return self.good / self.total - self.rest_good / self.rest_total

    @property
    def better(self) -> bool:
        return self.good * self.rest_total >= self.rest_good * self.total


def counted(split: Split, good: Mask) -> Table:
    """The table of a split."""
    return Table(
        good=int((split.inside & good).sum()),
        total=int(split.inside.sum()),
        rest_good=int((split.rest & good).sum()),
        rest_total=int(split.rest.sum()),
    )


def fisher(table: Table, gap: float) -> float:
    """p of Fisher's exact test, two-sided: all tables with the same margins that are no likelier than this one.

    1 where a side is empty or the shares differ by less than `gap`: such a table is no discovery whatever its p, and
    counting it as a sure nothing only makes the others' test stricter.
    """
    if not table.total or not table.rest_total or abs(table.difference) < gap:
        return 1.0
    drawn, goods, everything = table.total, table.good + table.rest_good, table.total + table.rest_total
    lowest, highest = max(0, drawn - (everything - goods)), min(drawn, goods)
    k = np.arange(lowest, highest + 1)
    ways = _log_ways(goods, k) + _log_ways(everything - goods, drawn - k)
    odds = ways - _log_ways(everything, np.array(drawn))
    return min(1.0, float(np.exp(odds[odds <= odds[table.good - lowest] + _ROUNDING]).sum()))


def discoveries(ps: Sequence[float], rate: float) -> list[int]:
    """Rows that Benjamini and Hochberg's step-up procedure lets through at this rate, smallest p first."""
    ordered = sorted(range(len(ps)), key=lambda row: (ps[row], row))
    passed = [place for place, row in enumerate(ordered, start=1) if ps[row] <= rate * place / len(ps)]
    return ordered[: max(passed, default=0)]


def wilson(good: float, total: int, level: float) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927) at confidence 1 - level."""
    if not total:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(1.0 - min(max(level, 1e-12), 0.999) / 2)
    share = good / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, middle - half), min(1.0, middle + half)


def _log_ways(n: int, k: NDArray[np.int64]) -> NDArray[np.float64]:
    """Logarithm of the number of ways to choose k of n."""
    logs = _log_factorials(1 << max(n, 1).bit_length())
    return np.asarray(logs[n] - logs[k] - logs[n - k])


@cache
def _log_factorials(n: int) -> NDArray[np.float64]:
    """Of 0 to n."""
    return np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, n + 1)))))
