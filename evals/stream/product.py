"""Segue's own recall, choice and credit, one event after another. Start with `Product.decide`.

What decides is what serves: `Memory` over Chroma with its tail, `Chooser` with the prior and the score, and episodes
with rewards joined when they are read. What a run has around that (ledger, store, graph) has no part in the choice.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.actions import NOTHING
from agent.deciders.choosing import Chooser, Option
from agent.deciders.expecting import Expectations
from agent.deciders.planner_meaning import Meanings
from agent.deciders.planner_settings import PlannerSettings
from agent.types import Budget, Event, Situation
from evals.episodes import TENANT, Episodes, open_episodes, plain_tool
from evals.stream.grader import Asked
from memory.embedding import Embedder
from memory.types import ActionEvidence, EpisodeAction
from tools.types import Tool

KIND = "stream.asked"
GOALS = {"right": 1.0}
CACHED_FROM = 0.5
"""Cosine from which a cache copies what went well: the best of 0.3 to 0.9 for it on even rows of MetaTool."""


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What was chosen, and how long recall took."""

    tool: str
    """Empty where nothing is called."""
    prior: float
    recall_ms: float | None = None


class Product:
    """One memory, and the choice made with it."""

    def __init__(
        self,
        episodes: Episodes,
        tools: Mapping[str, str],
        settings: PlannerSettings,
        expectations: Expectations,
    ) -> None:
        self._tools = tuple(plain_tool(name, said, "answer", "stream") for name, said in tools.items())
        self._options = (*self._tools, NOTHING)
        self._settings = settings
        self._expectations = expectations
        self._episodes = episodes
        self.memory = episodes.memory

    async def decide(self, asked: Asked, *, with_memory: bool) -> Decided:
        """The best tool for the event."""
        self._episodes.at(asked.number)
        began = time.perf_counter()
        evidence = await self._recall(asked) if with_memory else {}
        took = 1000 * (time.perf_counter() - began) if with_memory else None
        best = (await self._weigh(asked, evidence))[0]
        return Decided(tool=_called(best.tool), prior=best.expected, recall_ms=took)

    async def prior_of(self, asked: Asked, tool: str) -> float:
        """What is expected of a tool, whatever is best."""
        return next(one.expected for one in await self._weigh(asked, {}) if _called(one.tool) == tool)

    async def meant(self, asked: Asked) -> str:
        """The tool whose description is nearest to the text."""
        found = await self.memory.similarities(asked.text, {tool.name: tool.description for tool in self._tools})
        return max(found, key=lambda name: found[name])

    async def nearest_success(self, asked: Asked) -> str | None:
        """The tool of the likest event that went well, if it is like enough."""
        pool = self._settings.memory.pool
        for name, similarity in await self.memory.search(tenant=TENANT, event_type=KIND, text=asked.text, k=pool):
            episode = self._episodes[name]
            if similarity >= CACHED_FROM and episode.rewards.get("right", 0.0) > 0.5:
                return "" if episode.actions[0].tool == NOTHING.name else episode.actions[0].tool
        return None

    async def remember(self, asked: Asked, decided: Decided) -> None:
        """Write the episode of what was decided; its outcome comes later."""
        called = decided.tool or NOTHING.name
        action = EpisodeAction(action=called, tool=called, decided_by="planner", propensity=1.0, prior=decided.prior)
        name = f"{asked.number:08}"
        await self._episodes.remember(name, source=asked.source, text=asked.text, features={}, action=action)

    def reward(self, number: int, reward: float) -> None:
        """An outcome came."""
        self._episodes.reward(f"{number:08}", {"right": reward})

    async def forget(self) -> None:
        """Lose everything."""
        await self._episodes.forget()

    async def _recall(self, asked: Asked) -> Mapping[str, ActionEvidence]:
        return await self.memory.recall(tenant=TENANT, event_type=KIND, text=asked.text, features={}, goals=GOALS)

    async def _weigh(self, asked: Asked, evidence: Mapping[str, ActionEvidence]) -> Sequence[Option]:
        situation = self._situation(asked, evidence)
        meanings = Meanings(self.memory.similarities)
        chooser = Chooser(situation, meanings, self._expectations, self._settings)
        cosines = {**await meanings.of_tools(asked.text, self._tools), NOTHING.name: self._settings.memory.nothing}
        return await chooser.weigh(self._options, cosines, [asked.text])

    def _situation(self, asked: Asked, evidence: Mapping[str, ActionEvidence]) -> Situation:
        name = f"{asked.number:08}"
        event = Event(
            source=asked.source, id=name, type=KIND, subject=name, time=self._episodes.now, data={"text": asked.text}
        )
        return Situation(
            run=name,
            decision=1,
            event=event,
            event_description="",
            text=asked.text,
            features={},
            goals=GOALS,
            tools=self._tools,
            bound={},
            playbook=None,
            evidence=evidence,
            results=(),
            budget=Budget(decisions=1, calls=1, seconds=60.0, tokens=0),
        )


def _called(tool: Tool) -> str:
    """Its name as queries have it: none where nothing is called."""
    return "" if tool is NOTHING else tool.name


@asynccontextmanager
async def open_product(
    embedder: Embedder,
    folder: Path,
    tools: Mapping[str, str],
    settings: PlannerSettings,
    expectations: Expectations,
) -> AsyncIterator[Product]:
    """A product with an index of its own in the folder. What priors need of texts is shared between arms."""
    async with open_episodes(embedder, folder, KIND, settings.memory) as episodes:
        yield Product(episodes, tools, settings, expectations)
