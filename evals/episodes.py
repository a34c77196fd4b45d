"""Episodes of a played stream: memory over a real index, rewards in place of a store. Start with `Episodes`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from memory.drift import BEFORE, Change, changes, lasting
from memory.embedding import Embedder
from memory.index import EpisodeIndex
from memory.recall import Memory
from memory.settings import Settings
from memory.types import Episode, EpisodeAction, Feature
from tools.types import Governance, Tool

TENANT = "default"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
BETWEEN = timedelta(minutes=1)
"""From one event to the next."""
FLUSHED = 64
"""Episodes after which the tail is written to the index: the product does it every second."""


class Episodes:
    """What a stream remembers of one event type."""

    def __init__(self, embedder: Embedder, index: EpisodeIndex, kind: str, settings: Settings) -> None:
        self._kind = kind
        self._settings = settings
        self._known: dict[str, Episode] = {}
        self._by_action: dict[str, list[str]] = {}
        self._changes: dict[str, tuple[Change, ...]] = {}
        self._stirred: set[str] = set()
        """Actions with outcomes that were not yet looked at for changes."""
        self.now = BEGIN
        """The stream's clock."""
        self.memory = Memory(
            embedder=embedder, index=index, fetch=self._fetch, settings=settings, clock=lambda: self.now
        )

    def at(self, number: int) -> None:
        """It is the time of the event with that number."""
        self.now = BEGIN + number * BETWEEN

    async def remember(
        self, name: str, *, source: str, text: str, features: Mapping[str, Feature], action: EpisodeAction
    ) -> None:
        """Write the episode of what was done; its outcome comes later."""
        self._known[name] = Episode(
            id=name,
            tenant=TENANT,
            source=source,
            event_id=name,
            event_type=self._kind,
            subject=name,
            text=text,
            features=features,
            actions=(action,),
            decided_by="planner",
            closed_at=self.now,
        )
        self._by_action.setdefault(action.action, []).append(name)
        await self.memory.remember(self._known[name])
        if self.memory.tail_size >= FLUSHED:
            await self.memory.flush()

    def reward(self, name: str, rewards: Mapping[str, float]) -> None:
        """An outcome came; it takes the place of those before."""
        self._known[name] = replace(self._known[name], rewards=rewards)
        self._stirred.update(one.action for one in self._known[name].actions)

    def __getitem__(self, name: str) -> Episode:
        """One of them, with its rewards by now."""
        return self._known[name]

    async def forget(self) -> None:
        """Lose everything."""
        for kept in (self._known, self._by_action, self._changes, self._stirred):
            kept.clear()
        await self.memory.rebuild([])

    async def _fetch(self, tenant: str, ids: Sequence[str]) -> Sequence[Episode]:
        await self._look_for_changes()
        found = [self._known[one] for one in ids if one in self._known and self._known[one].rewards]
        for one in found:
            left = lasting(self._changes_of(one), one)
            if left != one.lasting:
                self._known[one.id] = replace(one, lasting=left)
        return [self._known[one.id] for one in found]

    async def _look_for_changes(self) -> None:
        """As the product does in the background, at the latest before the next event, if they are a minute apart."""
        for action in self._stirred:
            own = [one for name in self._by_action[action] for one in [self._known[name]] if one.rewards]
            if len(own) <= BEFORE:
                continue
            names = [one.id for one in own] if not any(one.features for one in own) else []
            vectors = await self.memory.vectors(tenant=TENANT, event_type=self._kind, ids=names)
            goals = dict.fromkeys((goal for one in own for goal in one.rewards), 1.0)
            found = changes(own, goals, self._settings, vectors)
            if found:
                self._changes[action] = found
            else:
                self._changes.pop(action, None)
        self._stirred.clear()

    def _changes_of(self, episode: Episode) -> Sequence[Change]:
        return [change for one in episode.actions for change in self._changes.get(one.action, ())]


@asynccontextmanager
async def open_episodes(embedder: Embedder, folder: Path, kind: str, settings: Settings) -> AsyncIterator[Episodes]:
    """With an index of its own in the folder."""
    index = await EpisodeIndex.open(folder)
    try:
        yield Episodes(embedder, index, kind, settings)
    finally:
        await index.aclose()


def plain_tool(name: str, description: str, step: str, source: str) -> Tool:
    """A tool without arguments."""
    return Tool(
        name=name,
        description=description,
        parameters={"type": "object", "properties": {}},
        returns=None,
        source=source,
        governance=Governance(step=step),
    )
