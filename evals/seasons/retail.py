"""One season of the shop in one arm: conversations fail, week after week. Start with `play`."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.seasons.company import Company, open_company
from evals.worlds import retail_care
from evals.worlds.retail_care.events import FAILED

WORLD = "retail_care"
PORTFOLIO = Path(str(retail_care.__file__)).with_name("portfolio.yaml")
BATCH = 10
"""Conversations that fail at once, before time goes on."""
BATCH_H = 96.0
"""After this long the customers have shown what they think of it."""
EVENTS_SEED = 1_000


@dataclass(frozen=True, kw_only=True)
class Season:
    """What is to be played."""

    seed: int
    memory: bool
    events: int
    environment: Mapping[str, str]
    """Where the embedding graph is kept."""


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """One affair as it ended."""

    id: str
    satisfaction: float
    """Of 100."""
    churned: bool


def play(season: Season, progress: Callable[[int], object] = lambda _: None) -> list[Recovery]:
    """Play it to the last outcome; `progress` gets how many were handled. Blocks."""
    return asyncio.run(_play(season, progress))


async def _play(season: Season, progress: Callable[[int], object]) -> list[Recovery]:
    with tempfile.TemporaryDirectory(prefix="segue-season-") as name:
        async with (
            open_company(WORLD, Path(name), seed=season.seed, environment=season.environment) as shop,
            shop.opened(PORTFOLIO, memory=season.memory),
        ):
            sent: list[str] = []
            for first in range(0, season.events, BATCH):
                sent += await _fail(shop, first, min(BATCH, season.events - first))
                progress(len(sent) - first)
            await shop.pass_time(BATCH_H, BATCH_H)
            found = {affair["id"]: affair for affair in (await shop.state())["affairs"]}
    return [_recovery(found[one]) for one in sent]


async def _fail(shop: Company, first: int, count: int) -> list[str]:
    """Let the next conversations fail, and time go on; the ids of their events."""
    events = (await shop.make(FAILED, first + count, EVENTS_SEED))[first:]
    await shop.send(events)
    await shop.pass_time(BATCH_H, BATCH_H)
    return [event["id"] for event in events]


def _recovery(affair: Mapping[str, Any]) -> Recovery:
    return Recovery(id=affair["id"], satisfaction=affair["satisfaction"], churned=affair["result"] == "churned")
