"""One season of the plant in one arm: machines wear out one after another, weeks pass. Start with `play`.

World and Segue are real and run in this process; the tools are called over loopback.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import httpx
import yaml

from agent.directory import cache_dir
from agent.service import Segue
from agent.wiring import Settings, open_segue
from evals.seasons.door import TENANT, Door
from evals.worlds import plant_maintenance
from evals.worlds.kit.loopback import on_loopback
from evals.worlds.kit.serve import build_world
from evals.worlds.plant_maintenance.events import PREDICTED
from evals.worlds.plant_maintenance.truth import LATE_FAMILIES, LATE_SUPPLIER, WEEK_H
from memory.embedding import Embedder

Arm = Literal["memory", "no_memory"]
ARMS: tuple[Arm, ...] = ("no_memory", "memory")

EVERY_H = 12
"""Hours between two predicted failures."""
EVENTS_SEED = 1_000
POLL_S = 0.02
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


def play(season: Season) -> Played:
    """Play it from the first failure to the last outcome. Blocks."""
    return asyncio.run(_play(season))


async def _play(season: Season) -> Played:
    with tempfile.TemporaryDirectory(prefix="segue-season-") as name:
        folder = Path(name)
        async with _plant(season, folder) as plant:
            settings = plant.settings(PORTFOLIO, memory=season.arm == "memory")
            async with plant.opened(settings):
                await plant.live(season.events)
                await plant.pass_time(WEEK_H)
                runs = await plant.runs()
            repairs = (await plant.repairs())[: season.events]
            after: Sequence[Repair] = ()
            if season.arm == "memory":
                async with plant.opened(plant.settings(reversed_portfolio(folder), memory=True)):
                    await plant.predict(season.events, season.further)
                after = (await plant.repairs())[season.events :]
    return Played(
        seed=season.seed,
        arm=season.arm,
        repairs=tuple(repairs),
        reversed=tuple(after),
        runs=sum(runs.values()),
        undone=sum(count for status, count in runs.items() if status != "done"),
    )


class Plant:
    """A running world and a Segue that comes and goes."""

    def __init__(self, client: httpx.AsyncClient, door: Door, season: Season, folder: Path) -> None:
        self._client, self._door, self._season, self._folder = client, door, season, folder

    def settings(self, portfolio: Path, *, memory: bool) -> Settings:
        """How Segue is opened: always on the same data."""
        environment = {**self._season.environment, "PLANT_MAINTENANCE_URL": str(self._client.base_url).rstrip("/")}
        return Settings(portfolio=(portfolio,), data=self._folder / "segue", memory=memory, environment=environment)

    @asynccontextmanager
    async def opened(self, settings: Settings) -> AsyncIterator[Segue]:
        """Segue behind the door."""
        async with open_segue(settings, None, _embedder(cache_dir(settings.environment, settings.data))) as segue:
            self._door.segue = segue
            try:
                yield segue
            finally:
                self._door.segue = None

    async def live(self, events: int) -> None:
        """A failure is predicted, handled, and time goes on; again and again."""
        for number in range(events):
            await self.predict(number, 1)
            await self.pass_time(EVERY_H)

    async def predict(self, first: int, n: int) -> None:
        """Let the next `n` failures be predicted, one after another."""
        for number in range(first, first + n):
            asked: dict[str, str | int] = {"type": PREDICTED, "n": number + 1, "seed": EVENTS_SEED}
            made = (await self._client.get("/_world/events", params=asked)).raise_for_status()
            await self._door.send(made.json()[-1])
            await self._idle()

    async def pass_time(self, hours: float) -> None:
        """Time goes on in steps, so that what comes due is handled soon."""
        for _ in range(round(hours / EVERY_H)):
            (await self._client.post("/_world/advance", params={"hours": EVERY_H})).raise_for_status()
            await self._idle()

    async def runs(self) -> Mapping[str, int]:
        """How many runs ended how."""
        return dict((await self._segue.counts(TENANT))["runs"])

    async def repairs(self) -> list[Repair]:
        """Every affair so far, in order."""
        state = (await self._client.get("/_world/state")).raise_for_status().json()
        suppliers = {order["affair_id"]: order["supplier"] for order in state["orders"]}
        return [_repair(affair, suppliers.get(affair["id"])) for affair in state["affairs"]]

    @property
    def _segue(self) -> Segue:
        if self._door.segue is None:
            raise RuntimeError("no Segue is behind the door")
        return self._door.segue

    async def _idle(self) -> None:
        """Until no run is under way and every outcome is joined."""
        while True:
            runs = (await self._segue.counts(TENANT))["runs"]
            new = await self._segue.outcomes(TENANT, "new", None, 1)
            if not runs.get("queued") and not runs.get("running") and not new.items:
                return
            await asyncio.sleep(POLL_S)


@asynccontextmanager
async def _plant(season: Season, folder: Path) -> AsyncIterator[Plant]:
    async with AsyncExitStack() as stack:
        door = Door()
        segue = await stack.enter_async_context(on_loopback(door.app))
        world = build_world("plant_maintenance", data=folder / "world", seed=season.seed, segue=segue)
        address = await stack.enter_async_context(on_loopback(world))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=address, timeout=60, trust_env=False))
        yield Plant(client, door, season, folder)


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


@cache
def _embedder(folder: Path) -> Embedder:
    """One for the process: loading it takes as long as many decisions."""
    return Embedder.open(folder)
