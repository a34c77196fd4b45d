"""What is remembered, as operators and analysts see it. Start with `Memories`."""

from __future__ import annotations

from collections.abc import Callable

from agent.errors import NotFound
from agent.portfolio.model import Portfolio
from agent.reflexes import spared
from agent.remember import Remembering
from agent.store import episodes, queries, reflex
from agent.store.database import Database
from agent.store.queries import Page, Shown
from memory.recall import Memory


class Memories:
    """Episodes and outcomes of an open system."""

    def __init__(self, database: Database, portfolio: Portfolio, memory: Memory, remembering: Remembering) -> None:
        self._database = database
        self._portfolio = portfolio
        self._memory = memory
        self._remembering = remembering

    async def outcomes(self, tenant: str, state: str | None, cursor: str | None, limit: int) -> Page:
        """Outcomes, newest first, those that matched no run too."""
        return await self._database.read(
            lambda connection: queries.list_outcomes(connection, tenant, state, cursor, limit)
        )

    async def episodes(self, tenant: str, cursor: str | None, limit: int) -> Page:
        """Episodes in the order they were made, with the rewards known by now."""
        found = await self._database.read(lambda connection: episodes.page(connection, tenant, cursor or "", limit + 1))
        shown = [episodes.as_json(episode) for episode in found]
        return Page(items=shown[:limit], next=shown[limit - 1]["id"] if len(shown) > limit else None)

    async def search(self, tenant: str, event_type: str, text: str, k: int) -> list[Shown]:
        """The episodes most like a text, most similar first."""
        if event_type not in self._portfolio.events:
            raise NotFound(f"there is no event type {event_type!r}")
        near = await self._memory.search(tenant=tenant, event_type=event_type, text=text, k=k)
        found = await self._database.read(
            lambda connection: episodes.fetch(connection, tenant, [episode for episode, _ in near])
        )
        by_id = {episode.id: episode for episode in found}
        return [
            {"similarity": round(similarity, 4), **episodes.as_json(by_id[episode])}
            for episode, similarity in near
            if episode in by_id
        ]

    async def reflex(self, tenant: str, event_type: str | None) -> list[Shown]:
        """What the reflex of each event type, or of one, spares, and what it costs in success."""
        if event_type is not None and event_type not in self._portfolio.events:
            raise NotFound(f"there is no event type {event_type!r}")
        found = await self._database.read(lambda connection: reflex.noted(connection, tenant, event_type))
        return spared(found, self._portfolio, event_type)

    async def rebuild(self, progress: Callable[[int], None]) -> int:
        """Recreate the index from the store; the number of episodes in it."""
        return await self._remembering.rebuild(progress)
