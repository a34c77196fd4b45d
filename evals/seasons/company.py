"""A simulated company in this process, and a Segue on it that comes and goes. Start with `open_company`.

World and Segue are real; the tools are called over loopback.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from agent.directory import cache_dir
from agent.service import Segue
from agent.wiring import Settings, open_segue
from evals.seasons.door import TENANT, Door
from evals.worlds.kit.loopback import on_loopback
from evals.worlds.kit.serve import build_world
from memory.embedding import Embedder

POLL_S = 0.05
"""Between two looks, which take a tenth of the time if there are more."""


class Company:
    """A running world and the door to whatever Segue is on it."""

    def __init__(
        self, world: str, client: httpx.AsyncClient, door: Door, folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._client, self._door, self._folder = client, door, folder
        self._environment = {**environment, f"{world.upper()}_URL": str(client.base_url).rstrip("/")}

    @asynccontextmanager
    async def opened(self, portfolio: Path, *, memory: bool, model: str | None = None) -> AsyncIterator[Segue]:
        """Segue behind the door, always on the same data; a model's address stands in the environment."""
        settings = Settings(
            portfolio=(portfolio,),
            data=self._folder / "segue",
            memory=memory,
            model=model,
            environment=self._environment,
        )
        async with open_segue(settings, None, _embedder(cache_dir(self._environment, settings.data))) as segue:
            self._door.segue = segue
            try:
                yield segue
            finally:
                self._door.segue = None

    async def make(self, type_: str, n: int, seed: int) -> list[dict[str, Any]]:
        """The first `n` events of the world's that have this type and seed."""
        asked: dict[str, str | int] = {"type": type_, "n": n, "seed": seed}
        made: list[dict[str, Any]] = (await self._client.get("/_world/events", params=asked)).raise_for_status().json()
        return made

    async def send(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Hand events over and wait until everything is handled."""
        for event in events:
            await self._door.send(dict(event))
        await self.idle()

    async def pass_time(self, hours: float, step_h: float) -> None:
        """Time goes on in steps, so that what comes due is handled soon."""
        for _ in range(round(hours / step_h)):
            (await self._client.post("/_world/advance", params={"hours": step_h})).raise_for_status()
            await self.idle()

    async def state(self) -> dict[str, Any]:
        """What the world knows."""
        known: dict[str, Any] = (await self._client.get("/_world/state")).raise_for_status().json()
        return known

    async def runs(self) -> Mapping[str, int]:
        """How many runs ended how."""
        return dict((await self._segue.counts(TENANT))["runs"])

    async def idle(self) -> None:
        """Until no run is under way and every outcome is joined."""
        while True:
            runs = (await self._segue.counts(TENANT))["runs"]
            new = await self._segue.memories.outcomes(TENANT, "new", None, 1)
            if not runs.get("queued") and not runs.get("running") and not new.items:
                return
            await asyncio.sleep(POLL_S)

    @property
    def _segue(self) -> Segue:
        if self._door.segue is None:
            raise RuntimeError("no Segue is behind the door")
        return self._door.segue


@asynccontextmanager
async def open_company(
    world: str, folder: Path, *, seed: int, environment: Mapping[str, str]
) -> AsyncIterator[Company]:
    """The world with its data in the folder, until the block ends; no Segue yet."""
    async with AsyncExitStack() as stack:
        door = Door()
        segue = await stack.enter_async_context(on_loopback(door.app))
        app = build_world(world, data=folder / "world", seed=seed, segue=segue)
        address = await stack.enter_async_context(on_loopback(app))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=address, timeout=60, trust_env=False))
        yield Company(world, client, door, folder, environment)


@cache
def _embedder(folder: Path) -> Embedder:
    """One for the process: loading it takes as long as many decisions."""
    return Embedder.open(folder)
