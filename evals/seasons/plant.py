"""One season of the plant in one arm: machines wear out one after another, weeks pass. Start with `play`.

World and Segue are real and run in this process; the tools are called over loopback.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from evals.seasons.company import Company, open_company
from evals.worlds import plant_maintenance
from evals.worlds.plant_maintenance.events import PREDICTED
from evals.worlds.plant_maintenance.truth import LATE_FAMILIES, LATE_SUPPLIER, WEEK_H

Arm = Literal["memory", "no_memory"]
ARMS: tuple[Arm, ...] = ("no_memory", "memory")

WORLD = "plant_maintenance"
EVERY_H = 12
"""Hours between two predicted failures."""
EVENTS_SEED = 1_000
PORTFOLIO = Path(str(plant_maintenance.__file__)).with_name("portfolio.yaml")


@dataclass(frozen=True, kw_only=True)
class Season:
    """What is to be played."""

    seed: int
    arm: Arm
    events: int
    environment: Mapping[str, str]
    """Where the embedding graph is kept."""
    further: int = 12
    """Failures after the season, decided with the weights of uptime and cost exchanged; with memory only."""


@dataclass(frozen=True, kw_only=True)
class Repair:
    """One affair as it ended."""

    id: str
    family: str
    supplier: str | None
    """Who was asked for the part; None: it was on stock, or nobody was."""
    downtime_hours: float
    cost_euro: float
    late: int

    @property
    def in_late_family(self) -> bool:
        """Whether the late supplier is late for this part."""
        return self.family in LATE_FAMILIES

    @property
    def from_late(self) -> bool:
        """Whether it was ordered from the late supplier."""
        return self.supplier == LATE_SUPPLIER


@dataclass(frozen=True, kw_only=True)
class Played:
    """A season as it went."""

    seed: int
    arm: Arm
    repairs: tuple[Repair, ...]
    """In the order in which the failures were predicted."""
    reversed: tuple[Repair, ...]
    """What was chosen afterwards with the weights of uptime and cost exchanged; with memory only."""
    runs: int
    undone: int
    """Runs that did not end by themselves: an operator was asked, a limit was met, or they failed."""


def play(season: Season, progress: Callable[[int], object] = lambda _: None) -> Played:
    """Play it from the first failure to the last outcome; `progress` gets 1 for each failure. Blocks."""
    return asyncio.run(_play(season, progress))


async def _play(season: Season, progress: Callable[[int], object]) -> Played:
    with tempfile.TemporaryDirectory(prefix="segue-season-") as name:
        folder = Path(name)
        async with open_company(WORLD, folder, seed=season.seed, environment=season.environment) as plant:
            async with plant.opened(PORTFOLIO, memory=season.arm == "memory"):
                for number in range(season.events):
                    await _predict(plant, number)
                    await plant.pass_time(EVERY_H, EVERY_H)
                    progress(1)
                await plant.pass_time(WEEK_H, EVERY_H)
                runs = await plant.runs()
            repairs = (await _repairs(plant))[: season.events]
            after: Sequence[Repair] = ()
            if season.arm == "memory":
                async with plant.opened(reversed_portfolio(folder), memory=True):
                    for number in range(season.events, season.events + season.further):
                        await _predict(plant, number)
                        progress(1)
                after = (await _repairs(plant))[season.events :]
    return Played(
        seed=season.seed,
        arm=season.arm,
        repairs=tuple(repairs),
        reversed=tuple(after),
        runs=sum(runs.values()),
        undone=sum(count for status, count in runs.items() if status != "done"),
    )


async def _predict(plant: Company, number: int) -> None:
    """Let the failure of that number be predicted."""
    await plant.send((await plant.make(PREDICTED, number + 1, EVENTS_SEED))[-1:])


async def _repairs(plant: Company) -> list[Repair]:
    """Every affair so far, in order."""
    state = await plant.state()
    suppliers = {order["affair_id"]: order["supplier"] for order in state["orders"]}
    return [_repair(affair, suppliers.get(affair["id"])) for affair in state["affairs"]]


def reversed_portfolio(folder: Path) -> Path:
    """The plant's portfolio with the weights of uptime and cost exchanged."""
    stated: dict[str, Any] = yaml.safe_load(PORTFOLIO.read_text(encoding="utf-8"))
    goals = stated["goals"]
    goals["uptime"]["weight"], goals["cost"]["weight"] = goals["cost"]["weight"], goals["uptime"]["weight"]
    path = folder / "reversed.yaml"
    path.write_text(yaml.safe_dump(stated, sort_keys=False), encoding="utf-8")
    return path


def _repair(affair: Mapping[str, Any], supplier: str | None) -> Repair:
    return Repair(
        id=affair["id"],
        family=affair["family"],
        supplier=supplier,
        downtime_hours=affair["downtime_h"],
        cost_euro=affair["cost_euro"],
        late=affair["late"] or 0,
    )
