"""Segue's own recall, choice and credit, one event after another. Start with `Product.decide`.

The Planner decides, with a playbook of one purpose, on what `Memory` over Chroma says; episodes get their rewards when
outcomes come. What a run has around that (ledger, store, graph) has no part in the choice and is left out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from agent.deciders.planner import Planner
from agent.deciders.planner_settings import PlannerSettings
from agent.types import Budget, Call, Event, Purpose, Situation
from evals.episodes import TENANT, Episodes, open_episodes, plain_tool
from evals.learning.preference import DESCRIPTION, PURPOSE, Met
from memory.embedding import Embedder
from memory.types import EpisodeAction

KIND = "parcel.lost"
STEP = "send"
GOALS = {"arrived": 1.0}


class Product:
    """One memory, and the Planner that decides with it."""

    def __init__(self, episodes: Episodes, tools: Sequence[str], explore: float, *, seed: int) -> None:
        self._episodes = episodes
        self._tools = tuple(plain_tool(name, DESCRIPTION, STEP, "parcels") for name in sorted(tools))
        self._explore, self._seed = explore, seed
        self._planner = Planner(episodes.memory.similarities, PlannerSettings())

    async def decide(self, met: Met, *, with_memory: bool) -> Call:
        """The call it makes for the event."""
        self._episodes.at(met.number)
        decision = await self._planner.decide(await self._situation(met, with_memory))
        (call,) = decision.calls
        return call

    async def remember(self, met: Met, call: Call) -> None:
        """Write the episode of what was done; its outcome comes later."""
        action = EpisodeAction(
            action=call.action, tool=call.tool, decided_by="planner", propensity=call.propensity, prior=call.prior
        )
        name = self._name(met.number)
        await self._episodes.remember(name, source="/parcels", text=met.text, features=met.features, action=action)

    def reward(self, number: int, reward: float) -> None:
        """An outcome came."""
        self._episodes.reward(self._name(number), {"arrived": reward})

    def _name(self, number: int) -> str:
        return f"{self._seed}-{number:08}"

    async def _situation(self, met: Met, with_memory: bool) -> Situation:
        name = self._name(met.number)
        given = {"tenant": TENANT, "event_type": KIND, "text": met.text}
        return Situation(
            run=name,
            decision=1,
            event=Event(
                source="/parcels", id=name, type=KIND, subject=name, time=self._episodes.now, data=dict(met.features)
            ),
            event_description="A parcel was lost.",
            text=met.text,
            features=met.features,
            goals=GOALS,
            tools=self._tools,
            bound={},
            playbook=(Purpose(text=PURPOSE, step=STEP),),
            evidence=await self._episodes.memory.recall(**given, features=met.features, goals=GOALS)
            if with_memory
            else {},
            results=(),
            budget=Budget(decisions=1, calls=1, seconds=60.0, tokens=0),
            explore=self._explore if with_memory else 0.0,
        )


@asynccontextmanager
async def open_product(
    embedder: Embedder, folder: Path, tools: Sequence[str], explore: float, *, seed: int
) -> AsyncIterator[Product]:
    """A product with an index of its own in the folder."""
    async with open_episodes(embedder, folder, KIND, PlannerSettings().memory) as episodes:
        yield Product(episodes, tools, explore, seed=seed)
