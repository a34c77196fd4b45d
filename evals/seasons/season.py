"""What memory is worth over seasons: every seed in both arms, on all cores. Start with `run_seasons`.

Compared is the second half, when outcomes have come back. Both arms of a seed see the same failures and the same luck;
the intervals are over seeds, never over events.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from evals.intervals import as_json, mean_spread
from evals.seasons.plant import ARMS, Played, Repair, Season, play
from evals.workers import open_workers
from evals.worlds.plant_maintenance.truth import LATE_FAMILIES, LATE_SUPPLIER

WORLDS = ("plant_maintenance",)
FALLS_BELOW, STAYS_ABOVE = 0.10, 0.40
"""The marks: the late supplier's share of the orders for parts it is late with, and for the others."""


class SeasonError(Exception):
    """A season cannot be played; says why."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A figure per affair without memory and with it, and the 95 % interval of the difference over seeds."""

    measure: str
    no_memory: float
    memory: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """With memory less without."""
        return self.memory - self.no_memory

    def as_json(self) -> dict[str, Any]:
        """As the report shows it."""
        return {
            "measure": self.measure,
            "no_memory": round(self.no_memory, 2),
            "memory": round(self.memory, 2),
            "difference": round(self.difference, 2),
            "low": as_json(self.low, 2),
            "high": as_json(self.high, 2),
        }


@dataclass(frozen=True, kw_only=True)
class Share:
    """How much of the orders for a group of parts went to the late supplier."""

    group: str
    no_memory: float | None
    memory: float | None
    reversed: float | None
    """With the weights of uptime and cost exchanged, from the same outcomes; None: nothing was ordered."""

    def as_json(self) -> dict[str, Any]:
        """As the report shows it."""
        shown = {"no_memory": self.no_memory, "memory": self.memory, "reversed": self.reversed}
        return {"parts": self.group} | {name: None if v is None else round(v, 4) for name, v in shown.items()}


@dataclass(frozen=True, kw_only=True)
class SeasonReport:
    """Seasons of a world, summed up."""

    world: str
    seeds: tuple[int, ...]
    events: int
    late: Share
    others: Share
    differences: tuple[Difference, ...]
    runs: int
    undone: int
    """Runs that did not end by themselves."""

    @property
    def marks(self) -> Mapping[str, bool]:
        """What must be true of memory."""
        downtime = next(one for one in self.differences if one.measure == "downtime_hours")
        return {
            "late_supplier_dropped_where_it_is_late": self.late.memory is not None and self.late.memory < FALLS_BELOW,
            "late_supplier_kept_where_it_is_not": self.others.memory is not None and self.others.memory > STAYS_ABOVE,
            "downtime_lower_with_memory": downtime.high < 0,
            "reversed_weights_reverse_the_choice": self.late.reversed is not None and self.late.reversed > 0.5,
        }

    @property
    def held(self) -> bool:
        """Whether every mark is met."""
        return all(self.marks.values())

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "segue_eval": "season",
            "version": 1,
            "world": self.world,
            "seeds": list(self.seeds),
            "events": self.events,
            "late_supplier": LATE_SUPPLIER,
            "late_families": sorted(LATE_FAMILIES),
            "share_of_late_supplier": [self.late.as_json(), self.others.as_json()],
            "reversed_share": self.late.as_json()["reversed"],
            "differences": [one.as_json() for one in self.differences],
            "runs": self.runs,
            "undone": self.undone,
            "marks": dict(self.marks),
            "held": self.held,
        }


def run_seasons(world: str, seeds: Sequence[int], events: int, progress: Callable[[int], None]) -> SeasonReport:
    """Play every seed in both arms; `progress` gets 1 for each season that ended. Raises `SeasonError`."""
    if world not in WORLDS:
        raise SeasonError(f"There are no seasons of {world!r}. Known: {', '.join(WORLDS)}.")
    if not seeds or len(set(seeds)) != len(seeds):
        raise SeasonError("Give at least one seed, and each only once.")
    if events < 2:
        raise SeasonError(f"{events} events are no season. Give at least 2.")
    wanted = [Season(seed=seed, arm=arm, events=events, environment=dict(os.environ)) for seed in seeds for arm in ARMS]
    played: list[Played] = []
    try:
        with open_workers(len(wanted)) as pool:
            for done in as_completed([pool.submit(play, season) for season in wanted]):
                played.append(done.result())
                progress(1)
    except BrokenProcessPool as error:
        raise SeasonError("A process that played a season was killed; nothing can be said.") from error
    return summed_up(world, seeds, events, played)


def summed_up(world: str, seeds: Sequence[int], events: int, played: Sequence[Played]) -> SeasonReport:
    """The report of seasons that were played, both arms of every seed."""
    by_arm = {arm: {one.seed: one for one in played if one.arm == arm} for arm in ARMS}
    halves = {arm: [by_arm[arm][seed].repairs[len(by_arm[arm][seed].repairs) // 2 :] for seed in seeds] for arm in ARMS}
    for without, with_memory in zip(halves["no_memory"], halves["memory"], strict=True):
        if [one.id for one in without] != [one.id for one in with_memory]:
            raise SeasonError("The two arms did not play the same season.")
    after = [by_arm["memory"][seed].reversed for seed in seeds]
    return SeasonReport(
        world=world,
        seeds=tuple(seeds),
        events=events,
        late=_share("late", halves, after, late=True),
        others=_share("others", halves, after, late=False),
        differences=(
            _difference("downtime_hours", halves, lambda one: one.downtime_hours),
            _difference("cost_euro", halves, lambda one: one.cost_euro),
            _difference("late_deliveries", halves, lambda one: float(one.late)),
        ),
        runs=sum(one.runs for one in played),
        undone=sum(one.undone for one in played),
    )


Halves = Mapping[Any, Sequence[Sequence[Repair]]]


def _share(group: str, halves: Halves, after: Sequence[Sequence[Repair]], *, late: bool) -> Share:
    return Share(
        group=group,
        no_memory=_from_late(halves["no_memory"], late=late),
        memory=_from_late(halves["memory"], late=late),
        reversed=_from_late(after, late=late),
    )


def _from_late(seasons: Sequence[Sequence[Repair]], *, late: bool) -> float | None:
    ordered = [one for season in seasons for one in season if one.supplier and one.in_late_family == late]
    return fmean(float(one.from_late) for one in ordered) if ordered else None


def _difference(measure: str, halves: Halves, figure: Callable[[Repair], float]) -> Difference:
    without = [fmean(figure(one) for one in season) for season in halves["no_memory"]]
    with_memory = [fmean(figure(one) for one in season) for season in halves["memory"]]
    gains = [new - old for old, new in zip(without, with_memory, strict=True)]
    spread = mean_spread(gains)
    return Difference(
        measure=measure,
        no_memory=fmean(without),
        memory=fmean(with_memory),
        low=fmean(gains) - spread,
        high=fmean(gains) + spread,
    )
