"""Churn in the shop and downtime in the plant, with memory and without. Start with `PART`.

Seasons are played as in `segue eval season`: real worlds, real Segues, both arms of a seed on the same events and luck.
Compared are the second halves; the intervals are over seeds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from evals.bench.marks import Mark
from evals.intervals import as_json, mean_spread
from evals.learning.parts import Asked, Figures, LearningError, Part, Progress, Section
from evals.workers import open_workers

NAME = "worlds"
SHOP_EVENTS = 100
"""Failed conversations of a season: it takes more of them than alarms, as a customer either leaves or stays."""
PLANT_EVENTS = 60


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


def summed_up(
    played: Mapping[tuple[str, int, bool], Sequence[Affair]], seeds: Sequence[int], worlds: Sequence[World]
) -> Section:
    """The differences over seeds, and the marks."""
    found: dict[str, Any] = {}
    tables, marks = [], []
    for world in worlds:
        differences = {measure: _difference(played, seeds, world.name, measure) for measure in world.measures}
        found[world.name] = {"seeds": list(seeds), "events": world.events, **differences}
        tables.append(_table(world, len(seeds), differences))
        marks.append(_mark(world, differences[world.falls]))
    return Section(name=NAME, found=found, figures=tables, marks=marks)


def _difference(
    played: Mapping[tuple[str, int, bool], Sequence[Affair]], seeds: Sequence[int], world: str, measure: str
) -> dict[str, float | None]:
    without = [_second_half(played[world, seed, False], measure) for seed in seeds]
    with_memory = [_second_half(played[world, seed, True], measure) for seed in seeds]
    for seed in seeds:
        if [one.id for one in played[world, seed, False]] != [one.id for one in played[world, seed, True]]:
            raise LearningError(f"The two arms of seed {seed} did not play the same season of {world}.")
    gains = [new - old for old, new in zip(without, with_memory, strict=True)]
    half = mean_spread(gains)
    return {
        "no_memory": round(fmean(without), 3),
        "memory": round(fmean(with_memory), 3),
        "difference": round(fmean(gains), 3),
        "low": as_json(fmean(gains) - half, 3),
        "high": as_json(fmean(gains) + half, 3),
    }


def _second_half(affairs: Sequence[Affair], measure: str) -> float:
    return fmean(one.figures[measure] for one in affairs[len(affairs) // 2 :])


def _mark(world: World, found: Mapping[str, float | None]) -> Mark:
    name, wanted = f"{world.measures[world.falls]}, upper bound of the difference", "below 0"
    high = found["high"]
    if high is None:
        return Mark(name=name, wanted=wanted, state="skipped", why="one seed has no interval")
    return Mark(name=name, wanted=wanted, state="passed" if high < 0 else "failed", measured=high)


def _table(world: World, seeds: int, differences: Mapping[str, Mapping[str, float | None]]) -> Figures:
    rows = [
        (
            world.measures[measure],
            f"{one['no_memory']:.1f}",
            f"{one['memory']:.1f}",
            f"{one['difference']:+.1f}" + ("" if one["low"] is None else f" ({one['low']:+.1f} to {one['high']:+.1f})"),
        )
        for measure, one in differences.items()
    ]
    title = f"{world.name}: {seeds} seeds, {world.events} {world.what} each; the second halves"
    return Figures(title=title, columns=("", "no memory", "memory", "difference (95 %)"), rows=rows)
