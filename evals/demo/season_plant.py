"""The plant's season: predicted failures, and afterwards the weights of two goals exchanged. Start with `SEASON`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

from evals.check import Check
from evals.demo.season import Affair, Arm, Ended, Measure, Season
from evals.worlds.plant_maintenance.truth import LATE_FAMILIES, LATE_SUPPLIER

LATE_PARTS, OTHER_PARTS = "late_supplier_share_of_its_late_parts", "late_supplier_share_of_other_parts"
FURTHER = 10
"""Failures after the season, enough for some of parts that the late supplier is late with."""
WEAK_PARTS = ", ".join(sorted(LATE_FAMILIES))


def play_arm(arm: Arm, seed: int, events: int, progress: Callable[[int], object]) -> Ended:
    """Blocks."""
    # Only where it is played: this opens a Segue, which takes seconds to load.
    from evals.demo import plant_arm

    return plant_arm.play_arm(arm, seed, events, progress)


def judge(without: Sequence[Affair], with_memory: Sequence[Affair]) -> Sequence[Check]:
    """Whether memory turns orders away from the late supplier where it is late; any seed shows as much."""
    was, now = _late_orders(without), _late_orders(with_memory)
    check = Check(
        name="with memory the late supplier gets less of what it is late with",
        passed=bool(was and now) and fmean(now) < fmean(was),
        detail=f"of the orders of {WEAK_PARTS}, {LATE_SUPPLIER} got {sum(was):.0f} of {len(was)} without memory, "
        f"{sum(now):.0f} of {len(now)} with it",
    )
    return (check,)


def _late_orders(affairs: Sequence[Affair]) -> list[float]:
    return [one.figures[LATE_PARTS] for one in affairs[len(affairs) // 2 :] if LATE_PARTS in one.figures]


SEASON = Season(
    world="plant_maintenance",
    title="predicted failures",
    about=f"What Segue is not told: {LATE_SUPPLIER}, the cheap supplier, is days late with {WEAK_PARTS} (its late "
    "parts), and in time with every other part.",
    events=46,
    further=FURTHER,
    measures=(
        Measure(key="downtime_per_failure", name="standstill per failure", unit="h"),
        Measure(key="cost_per_failure", name="cost per failure", unit="€"),
        Measure(key=LATE_PARTS, name=f"{LATE_SUPPLIER}'s share, late parts", unit="share"),
        Measure(key=OTHER_PARTS, name=f"{LATE_SUPPLIER}'s share, other parts", unit="share"),
    ),
    play_arm=play_arm,
    judge=judge,
)
