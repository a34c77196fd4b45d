"""The worlds in which a reflex is measured: what happens in half a stream, and what it earns. Start with `STAGES`."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.seasons import plant, retail
from evals.seasons.company import Company
from evals.worlds.plant_maintenance.events import PREDICTED
from evals.worlds.plant_maintenance.truth import WEEK_H
from evals.worlds.retail_care.events import FAILED

BATCH, BATCH_H, STEP_H = 10, 96.0, 12.0
"""Conversations that fail at once; hours until their outcomes are in; hours in which nobody looks."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A world, and a stream of events in it."""

    world: str
    what: str
    """Its events, in words."""
    portfolio: Path
    batch: int
    """Halves are made of whole batches."""
    happen: Callable[[Company, int, int], Awaitable[frozenset[str]]]
    """Let the events from one number to before another happen, with time for all that follows; their ids."""
    earned: Callable[[Mapping[str, Any]], float | None]
    """What the world says of an affair, by the goals' weights, in [0, 1]; None: it ended without outcomes."""


async def _fail(shop: Company, start: int, stop: int) -> frozenset[str]:
    """Conversations, a batch at a time."""
    sent: set[str] = set()
    for number in range(start, stop, BATCH):
        made = (await shop.make(FAILED, number + BATCH, retail.EVENTS_SEED))[number:]
        sent.update(event["id"] for event in made)
        await shop.send(made)
        await shop.pass_time(BATCH_H, STEP_H)
    return frozenset(sent)


def _kept(affair: Mapping[str, Any]) -> float | None:
    if affair["result"] is None:
        return None
    return float((affair["satisfaction"] / 100.0 + 2.0 * (affair["result"] == "repurchased")) / 3.0)


async def _predict(company: Company, start: int, stop: int) -> frozenset[str]:
    """Failures, one after another, and the week after the last."""
    sent: set[str] = set()
    for number in range(start, stop):
        made = (await company.make(PREDICTED, number + 1, plant.EVENTS_SEED))[-1:]
        sent.update(event["id"] for event in made)
        await company.send(made)
        await company.pass_time(plant.EVERY_H, plant.EVERY_H)
    await company.pass_time(WEEK_H, plant.EVERY_H)
    return frozenset(sent)


def _ran(affair: Mapping[str, Any]) -> float | None:
    """As the portfolio grades uptime (3), delivery (1) and cost (1)."""
    if affair["late"] is None:
        return None
    uptime = max(0.0, 1.0 - affair["downtime_h"] / 40.0)
    cost = min(1.0, max(0.0, 3.0 - 2.0 * affair["cost_euro"] / affair["budget_euro"]))
    shipments = len(json.loads(affair["shipments"]))
    delivery = 1.0 - affair["late"] / shipments if shipments else 1.0
    return float((3.0 * uptime + delivery + cost) / 5.0)


STAGES: Mapping[str, Stage] = {
    one.world: one
    for one in (
        Stage(
            world=retail.WORLD,
            what="failed conversations",
            portfolio=retail.PORTFOLIO,
            batch=BATCH,
            happen=_fail,
            earned=_kept,
        ),
        Stage(
            world=plant.WORLD,
            what="predicted failures",
            portfolio=plant.PORTFOLIO,
            batch=1,
            happen=_predict,
            earned=_ran,
        ),
    )
}
