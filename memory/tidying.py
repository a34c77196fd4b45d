"""What memory forgets, and when. Start with `TidySettings`; `harmful` finds episodes whose advice goes wrong.

An episode did harm where runs that followed it went badly significantly more often than runs of the type do, and than
not: the exact binomial test, one-sided (Clopper and Pearson 1934 have the interval that belongs to it), with the level
shared among all that are looked at (Bonferroni). That one run followed several episodes is not corrected for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from memory.settings import Settings


@dataclass(frozen=True, kw_only=True)
class TidySettings:
    """When episodes are gathered and forgotten. Our choices, not measured."""

    least: int = 8
    """Like episodes from which one speaks for all."""
    settled_s: float = 86_400.0
    """Younger ones are left alone: most outcomes are still to come, and each would have the crowd reckoned anew."""
    faded: float = 0.01
    """Share of its weight that age leaves of an episode when it is forgotten."""
    followed: int = 20
    """Graded runs that followed an episode, at least, before it can be called harmful."""
    level: float = 0.05
    """Chance of calling any episode of a type harmful in one look though none is."""
    looked_at: int = 5_000
    """Latest runs of a type whose evidence is looked through."""
    most_indexed: int = 100_000
    """Episodes of a type in the index beyond which the oldest that nothing used are forgotten."""


@dataclass(frozen=True, kw_only=True)
class Credit:
    """What became of runs that followed an episode."""

    helped: int
    hurt: int

    @property
    def followed(self) -> int:
        return self.helped + self.hurt


def faded_before(now: datetime, settings: TidySettings, memory: Settings) -> datetime:
    """What was closed before has faded: H * log2(1 / faded) days, 598 with both settings as they are."""
    return now - timedelta(days=memory.half_life_days * math.log2(1 / settings.faded))


def harmful(credits: Mapping[str, Credit], usual: float, settings: TidySettings) -> Mapping[str, float]:
    """Episodes that did harm, each with the chance of so many bad runs if following it made no difference.

    `usual` is the share of the type's graded runs that went badly.
    """
    tried = {name: one for name, one in credits.items() if one.followed >= settings.followed}
    expected = max(0.5, usual)
    chances = {name: _at_least(one.hurt, one.followed, expected) for name, one in tried.items()}
    return {name: chance for name, chance in chances.items() if chance < settings.level / len(tried)}


def _at_least(hits: int, total: int, chance: float) -> float:
    """P(X >= hits) of a binomial distribution."""
    if chance >= 1.0:
        return 1.0
    ways = math.lgamma(total + 1)
    return min(
        1.0,
        math.fsum(
            math.exp(
                ways
                - math.lgamma(k + 1)
                - math.lgamma(total - k + 1)
                + k * math.log(chance)
                + (total - k) * math.log1p(-chance)
            )
            for k in range(hits, total + 1)
        ),
    )
