"""Churn in the shop and downtime in the plant, with memory and without. Start with `PART`.

Seasons are played as in `segue eval season`: real worlds, real Segues, both arms of a seed on the same events and luck.
Compared are the second halves; the intervals are over seeds.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from statistics import fmean
from typing import Any, TypeAlias

import numpy as np

from evals.bench.marks import Mark, MarkState
from evals.intervals import Spread, as_json
from evals.learning.parts import Asked, Curves, Figures, LearningError, Part, Progress, Section
from evals.options import told_seeds
from evals.workers import open_workers

NAME = "worlds"
SHOP_EVENTS = 100
"""Failed conversations of a season: it takes more of them than alarms, as a customer either leaves or stays."""
PLANT_EVENTS = 60
QUARTERS = 4
"""Points of a season's curve."""
ARMS: Mapping[str, bool] = {"no_memory": False, "memory": True}


@dataclass(frozen=True, kw_only=True)
class Affair:
    """How one event of a season ended for the business."""

    id: str
    figures: Mapping[str, float]


PlaySeason = Callable[[int, bool, int], Sequence[Affair]]
"""Seed, with memory or without, events. Called in a process of its own; blocks."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What is played in a world, and what must fall."""

    name: str
    what: str
    """Its events, in words."""
    events: int
    falls: str
    measures: Mapping[str, str]
    """Figure -> what it is, in words."""
    play: PlaySeason
    most: float | None = None
    """No figure is larger; None: any may be."""


def play_shop(seed: int, memory: bool, events: int) -> Sequence[Affair]:
    """Failed conversations: who left in the end, by the world's own account."""
    # Only where it is played: this opens a Segue, which takes seconds to load.
    from evals.seasons import retail

    wanted = retail.Season(seed=seed, memory=memory, events=events, environment=dict(os.environ))
    return [
        Affair(id=one.id, figures={"churn": 100.0 * one.churned, "satisfaction": one.satisfaction})
        for one in retail.play(wanted)
    ]


def play_plant(seed: int, memory: bool, events: int) -> Sequence[Affair]:
    """Predicted failures: how long machines stood still."""
    from evals.seasons import plant

    arm: plant.Arm = "memory" if memory else "no_memory"
    wanted = plant.Season(seed=seed, arm=arm, events=events, environment=dict(os.environ), further=0)
    return [
        Affair(id=one.id, figures={"downtime_hours": one.downtime_hours, "cost_euro": one.cost_euro})
        for one in plant.play(wanted).repairs
    ]


WORLDS = (
    World(
        name="retail_care",
        what="failed conversations",
        events=SHOP_EVENTS,
        falls="churn",
        measures={"churn": "customers who left, of 100", "satisfaction": "satisfaction, of 100"},
        play=play_shop,
        most=100.0,
    ),
    World(
        name="plant_maintenance",
        what="predicted failures",
        events=PLANT_EVENTS,
        falls="downtime_hours",
        measures={"downtime_hours": "downtime per alarm, hours", "cost_euro": "cost per alarm, euro"},
        play=play_plant,
    ),
)


def play(asked: Asked, progress: Progress) -> Section:
    """Every world on every seed in both arms, on all cores."""
    wanted = [(world, seed, memory) for world in WORLDS for seed in asked.seeds for memory in (False, True)]
    played: dict[tuple[str, int, bool], Sequence[Affair]] = {}
    try:
        with open_workers(len(wanted)) as pool:
            waiting: dict[Future[Sequence[Affair]], tuple[World, int, bool]] = {
                pool.submit(world.play, seed, memory, world.events): (world, seed, memory)
                for world, seed, memory in wanted
            }
            for future in as_completed(waiting):
                world, seed, memory = waiting[future]
                played[world.name, seed, memory] = future.result()
                progress(len(played), len(wanted), f"season of {world.name}")
    except BrokenProcessPool as error:
        raise LearningError("A process that played a season was killed; nothing can be said.") from error
    return summed_up(played, asked.seeds, WORLDS)


PART = Part(name=NAME, play=play)


Seasons: TypeAlias = Mapping[tuple[str, int, bool], Sequence[Affair]]
"""By world, seed, and whether it was with memory."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One figure of a world, over seeds."""

    arms: Mapping[str, Spread]
    """In the second halves."""
    difference: Spread
    """With memory less without."""
    curves: Mapping[str, Sequence[Spread]]
    """By arm, in each quarter of the season."""

    def as_json(self) -> dict[str, Any]:
        """As the report shows it."""
        return {
            "no_memory": round(self.arms["no_memory"].mean, 3),
            "memory": round(self.arms["memory"].mean, 3),
            "difference": round(self.difference.mean, 3),
            "low": as_json(self.difference.low, 3),
            "high": as_json(self.difference.high, 3),
            "arms": {arm: spread.as_json() for arm, spread in self.arms.items()},
            "curve": {arm: [part.as_json() for part in curve] for arm, curve in self.curves.items()},
        }


def summed_up(played: Seasons, seeds: Sequence[int], worlds: Sequence[World]) -> Section:
    """The differences over seeds, and the marks."""
    found: dict[str, Any] = {}
    tables, marks, curves = [], [], []
    for world in worlds:
        _check_same(played, seeds, world.name)
        measured = {measure: _measured(played, seeds, world.name, measure) for measure in world.measures}
        shown = {measure: one.as_json() for measure, one in measured.items()}
        found[world.name] = {"seeds": list(seeds), "events": world.events, **shown}
        tables.append(_table(world, len(seeds), measured))
        marks.append(_mark(world, measured[world.falls].difference))
        curves += [_curves(world, measure, one) for measure, one in measured.items()]
    settings = {"seeds": told_seeds(seeds)} | {one.name: f"{one.events} {one.what} a seed" for one in worlds}
    return Section(name=NAME, found=found, figures=tables, marks=marks, settings=settings, curves=curves)


def _check_same(played: Seasons, seeds: Sequence[int], world: str) -> None:
    for seed in seeds:
        if [one.id for one in played[world, seed, False]] != [one.id for one in played[world, seed, True]]:
            raise LearningError(f"The two arms of seed {seed} did not play the same season of {world}.")


def _measured(played: Seasons, seeds: Sequence[int], world: str, measure: str) -> Measured:
    figures = {
        arm: [[one.figures[measure] for one in played[world, seed, memory]] for seed in seeds]
        for arm, memory in ARMS.items()
    }
    halves = {arm: [fmean(season[len(season) // 2 :]) for season in seasons] for arm, seasons in figures.items()}
    gains = [new - old for old, new in zip(halves["no_memory"], halves["memory"], strict=True)]
    return Measured(
        arms={arm: Spread.of(means) for arm, means in halves.items()},
        difference=Spread.of(gains),
        curves={arm: _curve(seasons) for arm, seasons in figures.items()},
    )


def _curve(seasons: Sequence[Sequence[float]]) -> Sequence[Spread]:
    """A mean over seeds for each part of a season; every season has as many affairs."""
    parts = np.array_split(np.array(seasons), min(QUARTERS, len(seasons[0])), axis=1)
    return [Spread.of(part.mean(axis=1).tolist()) for part in parts]


def _curves(world: World, measure: str, measured: Measured) -> Curves:
    return Curves(
        title=f"{world.name}: {world.measures[measure]}",
        measure=world.measures[measure],
        counted=f"{world.what} of the season",
        events=world.events,
        judged_from=world.events // 2,
        arms=measured.curves,
        most=world.most,
    )


def _mark(world: World, difference: Spread) -> Mark:
    name, wanted = f"{world.measures[world.falls]}, upper bound of the difference", "below 0"
    if not math.isfinite(difference.high):
        return Mark(name=name, wanted=wanted, state="skipped", why="one seed has no interval")
    state: MarkState = "passed" if difference.high < 0 else "failed"
    return Mark(name=name, wanted=wanted, state=state, measured=difference.high)


def _table(world: World, seeds: int, measured: Mapping[str, Measured]) -> Figures:
    rows = [
        (world.measures[measure], *(_told(one.arms[arm], "") for arm in ARMS), _told(one.difference, "+"))
        for measure, one in measured.items()
    ]
    title = f"{world.name}: {seeds} seeds, {world.events} {world.what} each; the second halves"
    columns = ("", "no memory (95 %)", "memory (95 %)", "difference (95 %)")
    return Figures(title=title, columns=columns, rows=rows)


def _told(spread: Spread, sign: str) -> str:
    mean, low, high = (f"{value:{sign},.1f}" for value in (spread.mean, spread.low, spread.high))
    return f"{mean} ({low} to {high})" if math.isfinite(spread.low) else mean
