"""One arm of the plant's season, in a process of its own, and what is read from it. Start with `play_arm`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from statistics import fmean

from evals.check import Check
from evals.demo.season import Affair, Arm, Ended
from evals.demo.season_plant import FURTHER, LATE_PARTS, OTHER_PARTS, WEAK_PARTS
from evals.seasons.plant import Repair, Season, play
from evals.worlds.plant_maintenance.truth import LATE_SUPPLIER


def play_arm(arm: Arm, seed: int, events: int, progress: Callable[[int], object]) -> Ended:
    """The affairs, and whether the memory serves other goals as well. Blocks."""
    with_memory = arm == "with memory"
    season = Season(
        seed=seed,
        arm="memory" if with_memory else "no_memory",
        events=events,
        environment=dict(os.environ),
        further=FURTHER,
    )
    played = play(season, progress)
    checks = [exchanged(played.repairs, played.reversed)] if with_memory else []
    return Ended(affairs=[affair(one) for one in played.repairs], checks=checks)


def affair(one: Repair) -> Affair:
    """A repair by its figures; a share of orders only where something was ordered."""
    figures = {"downtime_per_failure": one.downtime_hours, "cost_per_failure": one.cost_euro}
    if one.supplier is not None:
        figures[LATE_PARTS if one.in_late_family else OTHER_PARTS] = float(one.from_late)
    return Affair(id=one.id, figures=figures)


def exchanged(season: Sequence[Repair], further: Sequence[Repair]) -> Check:
    """What the same memory makes of the choice when cost counts as uptime did, and uptime as cost."""
    before = [one.from_late for one in season[len(season) // 2 :] if one.supplier and one.in_late_family]
    after = [one.from_late for one in further if one.supplier and one.in_late_family]
    held = bool(before and after) and fmean(after) > max(0.5, fmean(before))
    return Check(
        name="reversing the goals' weights (cost over uptime) reverses the choice from the same outcomes, at once",
        passed=held,
        detail=f"of the orders of {WEAK_PARTS}, {LATE_SUPPLIER} gets {sum(after)} of {len(after)} in {len(further)} "
        f"further failures, where it got {sum(before)} of {len(before)}",
    )
