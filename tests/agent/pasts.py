"""A store and an index with a past that tests write themselves, without running anything. Start with `open_past`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, insert

from agent.place import Place, open_memory, open_place
from agent.portfolio.model import Portfolio
from agent.remember import Remembering
from agent.store import episodes, outcomes, sources
from agent.store.outcomes import NewOutcome
from agent.store.sources import Change
from agent.store.tables import inbox, runs
from agent.store.tables import outcomes as outcome_rows
from agent.tidying import Tidied, Tidying
from agent.types import Event
from memory.crowds import place as place_of
from memory.recall import Memory
from memory.tidying import TidySettings
from memory.types import ActionEvidence, Episode, Feature
from tests.agent.company import embedder
from tests.agent.fresh import lay_out
from tests.memory.episodes import NOW

GOALS = {"satisfaction": 1.0, "cost": 0.5}
TYPE = "support.failed"
DESK = "/desk"


@dataclass
class Clock:
    """Stands still unless it is moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Past:
    """What was written so far, with memory and housekeeping over it."""

    place: Place
    memory: Memory
    remembering: Remembering
    tidying: Tidying
    clock: Clock
    _seq: int = field(default=0)

    async def add(self, *told: Episode) -> None:
        """Write episodes as closed runs leave them, with the outcomes that graded them, and index them."""

        def write(connection: Connection) -> None:
            for one in told:
                seq = self._next()
                self._event(connection, seq, one, one.source, f"event-{seq}")
                row = {"id": one.id, "tenant": one.tenant, "seq": seq, "event_type": one.event_type, "status": "done"}
                row |= {"subject": one.subject, "created_at": one.closed_at, "closed_at": one.closed_at}
                connection.execute(insert(runs).values(**row, source=one.source, in_line=False))
                episodes.write(connection, replace(one, rewards={}))
                if one.rewards:
                    self._grade(connection, one, one.rewards, DESK)

        await self.place.database.write(write)
        for one in told:
            await self.memory.remember(one)
        await self.remembering.index_now(10.0)

    async def grade(self, one: Episode, rewards: Mapping[str, float], source: str = DESK) -> None:
        """An outcome comes for it."""
        await self.place.database.write(lambda connection: self._grade(connection, one, rewards, source))

    async def revoke(self, source: str) -> None:
        """Nothing from it speaks any more."""
        wanted = Change(tenant="default", source=source, by="ann", reason=None, at=NOW)
        await self.place.database.write(lambda connection: sources.revoke(connection, wanted))
        await self.remembering.follow_sources(10.0)

    async def restore(self, source: str) -> None:
        """It speaks again."""
        wanted = Change(tenant="default", source=source, by="ann", reason=None, at=NOW)
        await self.place.database.write(lambda connection: sources.restore(connection, wanted))
        await self.remembering.index_now(10.0)

    async def tidy(self) -> Tidied:
        """A whole round."""
        while True:
            (told,) = await self.tidying.tidy("default", [TYPE], 60.0)
            if told.finished:
                await self.remembering.index_now(10.0)
                return told

    async def recall(self, text: str, features: Mapping[str, Feature] | None = None) -> Mapping[str, ActionEvidence]:
        """What is evidence in a situation."""
        kinds = {"tenant": "default", "event_type": TYPE}
        return await self.memory.recall(**kinds, text=text, features=features or {}, goals=GOALS)

    async def indexed(self) -> int:
        """Episodes in the index."""
        return await self.memory._index.count("default", TYPE) + self.memory.tail_size

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    def _grade(self, connection: Connection, one: Episode, rewards: Mapping[str, float], source: str) -> None:
        seq = self._next()
        name = f"outcome-{seq}"
        self._event(connection, seq, one, source, name)
        row = {"id": name, "tenant": one.tenant, "seq": seq, "type": "seen", "subject": one.subject, "state": "new"}
        connection.execute(insert(outcome_rows).values(**row, created_at=NOW, source=source))
        event = Event(source=source, id=name, type="seen", subject=one.subject, time=NOW, data={})
        new = NewOutcome(id=name, tenant=one.tenant, seq=seq, event=event, run=one.id)
        outcomes.join(connection, new, run=one.id, graded=rewards, mistake=None, now=NOW)

    def _event(self, connection: Connection, seq: int, one: Episode, source: str, name: str) -> None:
        row = {"seq": seq, "tenant": one.tenant, "source": source, "id": name, "type": one.event_type}
        row |= {"subject": one.subject, "time": one.closed_at, "received_at": one.closed_at, "data": {}}
        connection.execute(insert(inbox).values(**row, body_hash=name))


@asynccontextmanager
async def open_past(
    folder: Path, settings: TidySettings | None = None, database_url: str | None = None
) -> AsyncIterator[Past]:
    """Over a folder; the same again is a restart."""
    clock = Clock()
    async with AsyncExitStack() as stack:
        if database_url is None:
            await lay_out(folder)
        place = await open_place(stack, folder, database_url, None)
        memory = await open_memory(stack, place, embedder(), clock)
        nothing = Portfolio(goals=GOALS, sources=(), chains=(), events={}, outcomes={})
        remembering = Remembering(place.database, nothing, memory, clock)
        tidying = Tidying(place.database, memory, GOALS, clock, settings)
        yield Past(place=place, memory=memory, remembering=remembering, tidying=tidying, clock=clock)


def crowd_of(told: Sequence[Episode]) -> Mapping[str, list[Episode]]:
    """The episodes by their place."""
    found: dict[str, list[Episode]] = {}
    for one in told:
        found.setdefault(place_of(one), []).append(one)
    return found
