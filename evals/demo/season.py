"""What memory is worth: one season, played twice on equal worlds, and by what both are compared. See `Season`.

Both arms see the same events and the same luck; one Segue decides with memory, the other without. Compared is the
second half, when the first outcomes have come back. The seasons: `season_retail`, `season_plant`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

from evals.check import Check
from evals.intervals import as_json, mean_spread, share_difference

Arm = Literal["without memory", "with memory"]
ARMS: tuple[Arm, Arm] = ("without memory", "with memory")
Unit = Literal["", "h", "€", "share"]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A figure of an affair."""

    key: str
    name: str
    unit: Unit
    """Of a share, each affair's figure is 0 or 1."""


@dataclass(frozen=True, kw_only=True)
class Affair:
    """How one event ended for the business."""

    id: str
    figures: Mapping[str, float]
    """By a measure's key; one that does not apply is missing."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A season as one arm played it."""

    affairs: Sequence[Affair]
    checks: Sequence[Check] = ()
    """What was tried on its memory afterwards."""


PlayArm = Callable[[Arm, int, int, Callable[[int], object]], Ended]
"""Called with the seed, the number of events, and what is to be told how many more are done. Blocks."""


@dataclass(frozen=True, kw_only=True)
class Played:
    """A season as both arms played it."""

    without: Sequence[Affair]
    with_memory: Sequence[Affair]
    checks: Sequence[Check] = ()
    """What any seed shows, however short the season."""


@dataclass(frozen=True, kw_only=True)
class Learned:
    """A figure without memory, with it, and the 95 % interval of the difference over the season's events."""

    world: str
    measure: Measure
    before: float
    after: float
    low: float
    high: float
    events: int

    def as_json(self) -> dict[str, Any]:
        """As `segue demo --json` prints it."""
        return {
            "world": self.world,
            "measure": self.measure.key,
            "before": round(self.before, 4),
            "after": round(self.after, 4),
            "low": as_json(self.low, 4),
            "high": as_json(self.high, 4),
            "events": self.events,
        }

    def told(self, value: float, *, signed: bool = False) -> str:
        """A value of this measure."""
        unit = self.measure.unit
        return f"{self._number(value, signed)}{' ' if unit in ('h', '€') else ''}{'' if unit == 'share' else unit}"

    @property
    def interval(self) -> str:
        """Of the difference, in words."""
        return f"{self._number(self.low, True)} to {self.told(self.high, signed=True)}"

    def _number(self, value: float, signed: bool) -> str:
        form = {"share": ".0%", "€": ".0f"}.get(self.measure.unit, ".1f")
        return f"{value:{'+' if signed else ''}{form}}"


def nothing_to_judge(_: Sequence[Affair], __: Sequence[Affair]) -> Sequence[Check]:
    """Of a season whose differences take more events than it has."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Season:
    """What is played in a world and what is measured."""

    world: str
    title: str
    """What its events are, in words."""
    about: str
    """What there is to learn."""
    events: int
    """How many, unless asked otherwise."""
    further: int = 0
    """How many are added afterwards in the arm with memory."""
    measures: Sequence[Measure]
    play_arm: PlayArm
    """Called in a process of its own."""
    judge: Callable[[Sequence[Affair], Sequence[Affair]], Sequence[Check]] = nothing_to_judge
    """What any seed shows of the affairs without memory and with it."""


def compare(season: Season, played: Played) -> list[Learned]:
    """Every measure over the second half, paired by affair; one that applies to no pair is left out."""
    half = len(played.without) // 2
    pairs = list(zip(played.without[half:], played.with_memory[half:], strict=True))
    if any(before.id != after.id for before, after in pairs):
        raise ValueError("the two arms did not play the same season")
    learned: list[Learned] = []
    for measure in season.measures:
        key = measure.key
        both = [(b.figures[key], a.figures[key]) for b, a in pairs if key in b.figures and key in a.figures]
        if both:
            learned.append(_learned(season.world, measure, both))
    return learned


def _learned(world: str, measure: Measure, pairs: Sequence[tuple[float, float]]) -> Learned:
    before, after = [one for one, _ in pairs], [one for _, one in pairs]
    if measure.unit == "share":
        low, high = share_difference(round(sum(before)), round(sum(after)), len(pairs))
    else:
        differences = [new - old for old, new in pairs]
        spread = mean_spread(differences)
        low, high = fmean(differences) - spread, fmean(differences) + spread
    return Learned(
        world=world,
        measure=measure,
        before=fmean(before),
        after=fmean(after),
        low=low,
        high=high,
        events=len(pairs),
    )
