"""What is remembered, as operators and analysts see it. Start with `Memories`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection

from agent.curves import Curves
from agent.errors import NotFound
from agent.mapping import draw
from agent.portfolio.model import Portfolio
from agent.reflexes import spared
from agent.remember import Remembering
from agent.store import episode_looks, episodes, queries, reflex, sources, tidy
from agent.store.database import Database
from agent.store.episode_looks import Marks
from agent.store.queries import Page, Shown
from agent.store.whole_run import outcomes_of
from agent.stories import tell
from agent.valuations import Valuations
from memory.recall import Memory
from memory.rewards import combined
from memory.types import Episode


class Memories:
    """Episodes and outcomes of an open system."""

    def __init__(self, database: Database, portfolio: Portfolio, memory: Memory, remembering: Remembering) -> None:
        self._database = database
        self._portfolio = portfolio
        self._memory = memory
        self._remembering = remembering
        self.valuations = Valuations(database, portfolio)
        """What other ways to choose would have earned."""
        self.curves = Curves(database, portfolio)
        """What runs earned as time went by."""

    async def similarities(self, text: str, descriptions: Mapping[str, str]) -> Mapping[str, float]:
        """Cosine of a text to each described thing, by the thing's name. Raises `MemoryUnavailable`."""
        return await self._memory.similarities(text, descriptions)

    async def outcomes(self, tenant: str, state: str | None, cursor: str | None, limit: int) -> Page:
        """Outcomes, newest first, those that matched no run too."""
        return await self._database.read(
            lambda connection: queries.list_outcomes(connection, tenant, state, cursor, limit)
        )

    async def episodes(self, tenant: str, cursor: str | None, limit: int) -> Page:
        """Episodes in the order they were made, with the rewards known by now; those of revoked sources too."""
        found = await self._database.read(lambda connection: episodes.page(connection, tenant, cursor or "", limit + 1))
        silent, notes = await self._silent(tenant, found), await self._notes(found)
        shown = [
            {**episodes.as_json(one), "revoked": one.source in silent, "tidied": notes.get(one.id)} for one in found
        ]
        return Page(items=shown[:limit], next=shown[limit - 1]["id"] if len(shown) > limit else None)

    async def told(self, tenant: str, ids: Sequence[str]) -> list[Shown]:
        """A few episodes in the order asked for, as lists show them; those there are none of are left out."""
        found = await self._database.read(lambda connection: episodes.fetch(connection, tenant, ids))
        silent, notes = await self._silent(tenant, found), await self._notes(found)
        by_id = {one.id: one for one in found}
        return [
            {
                **episodes.as_json(by_id[name]),
                "reward": combined(by_id[name].rewards, self._portfolio.goals),
                "revoked": by_id[name].source in silent,
                "tidied": notes.get(name),
            }
            for name in dict.fromkeys(ids)
            if name in by_id
        ]

    async def marks(self, tenant: str, event_type: str) -> Marks:
        """What an event type's memory stands at, for who follows it: cheap to ask for again and again."""
        return await self._database.read(lambda found: episode_looks.marks(found, tenant, event_type), brief=True)

    async def episode(self, tenant: str, episode: str) -> Shown:
        """One episode, whole, with what it was used for since. Raises `NotFound`."""

        def look(connection: Connection) -> Shown | None:
            story = episode_looks.story(connection, tenant, episode)
            if story is None:
                return None
            shown = tell(story, outcomes_of(connection, episode), self._portfolio.goals)
            revoked = sources.revoked_among(connection, tenant, [shown["source"]])
            return {**shown, "revoked": bool(revoked), "tidied": tidy.notes(connection, [episode]).get(episode)}

        shown = await self._database.read(look)
        if shown is None:
            raise NotFound(f"there is no episode {episode!r}")
        return shown

    async def map(self, tenant: str, event_type: str, limit: int) -> Shown:
        """The newest episodes of an event type in two dimensions. Raises `NotFound`, `MemoryUnavailable`."""
        if event_type not in self._portfolio.events:
            raise NotFound(f"there is no event type {event_type!r}")
        return await draw(
            self._database, self._memory, self._portfolio.goals, tenant=tenant, event_type=event_type, limit=limit
        )

    async def search(self, tenant: str, event_type: str, text: str, k: int) -> list[Shown]:
        """The episodes most like a text, most similar first."""
        if event_type not in self._portfolio.events:
            raise NotFound(f"there is no event type {event_type!r}")
        near = await self._memory.search(tenant=tenant, event_type=event_type, text=text, k=k)
        found = await self._database.read(
            lambda connection: episodes.fetch(connection, tenant, [episode for episode, _ in near])
        )
        silent, notes = await self._silent(tenant, found), await self._notes(found)
        by_id = {episode.id: episode for episode in found if episode.source not in silent}
        return [
            {
                "similarity": round(similarity, 4),
                **episodes.as_json(by_id[episode]),
                "revoked": False,
                "tidied": notes.get(episode),
            }
            for episode, similarity in near
            if episode in by_id
        ]

    async def _silent(self, tenant: str, found: Sequence[Episode]) -> frozenset[str]:
        """Which of their sources are revoked."""
        names = {one.source for one in found}
        return await self._database.read(lambda connection: sources.revoked_among(connection, tenant, names))

    async def _notes(self, found: Sequence[Episode]) -> Mapping[str, Shown]:
        """What housekeeping did with them."""
        return await self._database.read(lambda connection: tidy.notes(connection, [one.id for one in found]))

    async def reflex(self, tenant: str, event_type: str | None) -> list[Shown]:
        """What the reflex of each event type, or of one, spares, and what it costs in success."""
        if event_type is not None and event_type not in self._portfolio.events:
            raise NotFound(f"there is no event type {event_type!r}")
        found = await self._database.read(lambda connection: reflex.noted(connection, tenant, event_type))
        return spared(found, self._portfolio, event_type)

    async def rebuild(self, progress: Callable[[int], None]) -> int:
        """Recreate the index from the store; the number of episodes in it."""
        return await self._remembering.rebuild(progress)
