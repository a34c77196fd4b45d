"""What memory is worth: one season of failed conversations, played twice on equal worlds. Start with `play_season`.

Both arms see the same customers, the same conversations and the same luck; one Segue decides with memory, the
other without. Compared is the second half, when the first outcomes have come back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from evals.processes import Stage

EVENT_TYPE = "support.conversation.failed"
WEEK = 20
"""Events sent before the world's clock moves on."""
HOURS_A_WEEK = 96
SEASON_SEED = 1_000


@dataclass(frozen=True, kw_only=True)
class Affair:
    """How one failed conversation ended for the business."""

    id: str
    satisfaction: float
    churned: bool


@dataclass(frozen=True, kw_only=True)
class Learned:
    """A figure without memory, with it, and the 95 % interval of the difference."""

    measure: str
    before: float
    after: float
    low: float
    high: float
    events: int

    def as_json(self) -> dict[str, Any]:
        """As `segue demo --json` prints it."""
        return {
            "measure": self.measure,
            "before": round(self.before, 4),
            "after": round(self.after, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "events": self.events,
        }


async def play_season(stage: Stage, events: int, progress: Callable[[int], None]) -> list[Affair]:
    """Send `events` failed conversations week by week; the affairs in the order they were sent."""
    sent: list[str] = []
    for week, first in enumerate(range(0, events, WEEK)):
        batch = await stage.world(
            "/_world/events", type=EVENT_TYPE, n=min(WEEK, events - first), seed=SEASON_SEED + week
        )
        await stage.send(batch)
        sent += [event["id"] for event in batch]
        await stage.until_idle()
        await stage.tell_world("/_world/advance", hours=HOURS_A_WEEK)
        await stage.until_idle()
        progress(len(batch))
    await stage.tell_world("/_world/advance", hours=2 * HOURS_A_WEEK)
    found = {affair["id"]: affair for affair in (await stage.world("/_world/state"))["affairs"]}
    return [
        Affair(id=name, satisfaction=found[name]["satisfaction"], churned=found[name]["result"] == "churned")
        for name in sent
    ]


def compare(without: Sequence[Affair], with_memory: Sequence[Affair]) -> list[Learned]:
    """Satisfaction and churn of the second half, paired by affair."""
    half = len(without) // 2
    before, after = without[half:], with_memory[half:]
    if [affair.id for affair in before] != [affair.id for affair in after]:
        raise ValueError("the two arms did not play the same season")
    return [
        _learned("satisfaction", [a.satisfaction for a in before], [a.satisfaction for a in after]),
        _learned("churn", [float(a.churned) for a in before], [float(a.churned) for a in after]),
    ]


def _learned(measure: str, before: Sequence[float], after: Sequence[float]) -> Learned:
    differences = [new - old for old, new in zip(before, after, strict=True)]
    spread = 1.96 * stdev(differences) / math.sqrt(len(differences)) if len(differences) > 1 else math.inf
    gain = fmean(differences)
    return Learned(
        measure=measure,
        before=fmean(before),
        after=fmean(after),
        low=gain - spread,
        high=gain + spread,
        events=len(differences),
    )
