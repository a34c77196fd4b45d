"""Segue's own recall, choice and credit, one event after another. Start with `Product.decide`.

The Planner decides, with a playbook of one purpose, on what `Memory` over Chroma says; episodes get their rewards when
outcomes come. What a run has around that (ledger, store, graph) has no part in the choice and is left out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.deciders.planner import Planner
from agent.deciders.planner_settings import PlannerSettings
from agent.types import Budget, Call, Event, Purpose, Situation
from evals.learning.preference import DESCRIPTION, PURPOSE, Met
from memory.embedding import Embedder
from memory.index import EpisodeIndex
from memory.recall import Memory
from memory.types import Episode, EpisodeAction
from tools.types import Governance, Tool

TENANT = "default"
KIND = "parcel.lost"
STEP = "send"
GOALS = {"arrived": 1.0}
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
BETWEEN = timedelta(minutes=1)
FLUSHED = 64
"""Episodes after which the tail is written to the index: the product does it every second."""


class Product:
    """One memory, and the Planner that decides with it."""

    def __init__(
        self, embedder: Embedder, index: EpisodeIndex, tools: Sequence[str], explore: float, *, seed: int
    ) -> None:
        self._tools = tuple(
            Tool(
                name=name,
                description=DESCRIPTION,
                parameters={"type": "object", "properties": {}},
                returns=None,
                source="parcels",
                governance=Governance(step=STEP),
            )
            for name in sorted(tools)
        )
        settings = PlannerSettings()
        self._explore, self._seed = explore, seed
        self._episodes: dict[str, Episode] = {}
        self._now = BEGIN
        self._memory = Memory(
            embedder=embedder, index=index, fetch=self._fetch, settings=settings.memory, clock=lambda: self._now
        )
        self._planner = Planner(self._memory.similarities, settings)

    async def decide(self, met: Met, *, with_memory: bool) -> Call:
        """The call it makes for the event."""
        self._now = BEGIN + met.number * BETWEEN
        decision = await self._planner.decide(await self._situation(met, with_memory))
        (call,) = decision.calls
        return call

    async def remember(self, met: Met, call: Call) -> None:
        """Write the episode of what was done; its outcome comes later."""
        name = self._name(met.number)
        action = EpisodeAction(
            action=call.action, tool=call.tool, decided_by="planner", propensity=call.propensity, prior=call.prior
        )
        episode = Episode(
            id=name,
            tenant=TENANT,
            source="/parcels",
            event_id=name,
            event_type=KIND,
            subject=name,
            text=met.text,
            features=met.features,
            actions=(action,),
            decided_by="planner",
            closed_at=self._now,
        )
        self._episodes[name] = episode
        await self._memory.remember(episode)
        if self._memory.tail_size >= FLUSHED:
            await self._memory.flush()

    def reward(self, number: int, reward: float) -> None:
        """An outcome came."""
        name = self._name(number)
        self._episodes[name] = replace(self._episodes[name], rewards={"arrived": reward})

    def _name(self, number: int) -> str:
        return f"{self._seed}-{number:08}"

    async def _fetch(self, tenant: str, ids: Sequence[str]) -> Sequence[Episode]:
        return [self._episodes[one] for one in ids if one in self._episodes and self._episodes[one].rewards]

    async def _situation(self, met: Met, with_memory: bool) -> Situation:
        name = self._name(met.number)
        given = {"tenant": TENANT, "event_type": KIND, "text": met.text}
        return Situation(
            run=name,
            decision=1,
            event=Event(source="/parcels", id=name, type=KIND, subject=name, time=self._now, data=dict(met.features)),
            event_description="A parcel was lost.",
            text=met.text,
            features=met.features,
            goals=GOALS,
            tools=self._tools,
            bound={},
            playbook=(Purpose(text=PURPOSE, step=STEP),),
            evidence=await self._memory.recall(**given, features=met.features, goals=GOALS) if with_memory else {},
            results=(),
            budget=Budget(decisions=1, calls=1, seconds=60.0, tokens=0),
            explore=self._explore if with_memory else 0.0,
        )


@asynccontextmanager
async def open_product(
    embedder: Embedder, folder: Path, tools: Sequence[str], explore: float, *, seed: int
) -> AsyncIterator[Product]:
    """A product with an index of its own in the folder."""
    index = await EpisodeIndex.open(folder)
    try:
        yield Product(embedder, index, tools, explore, seed=seed)
    finally:
        await index.aclose()
