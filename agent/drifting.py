"""Looks for actions that turn out otherwise than they used to, as outcomes come. Start with `Drifting.look`.

In the background an event type is looked at within `EVERY_S` seconds after outcomes were joined to its runs, and then
not again for `REST` times as long as that took; after a start each is looked at once. It is counted by a thread, on the
latest episodes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection

from agent.background import Background
from agent.errors import NotFound
from agent.store import changes, episodes, lessons, sources
from agent.store.changes import Noted
from agent.store.database import Database
from agent.store.queries import Shown, iso
from agent.switching import unknown
from agent.whereabouts import vectors
from memory import drift
from memory.drift import Change, Vectors
from memory.recall import Memory, MemoryUnavailable
from memory.settings import Settings
from memory.types import Episode

EVERY_S = 2.0
REST = 20.0
FAILED_S = 30.0
"""Until it is tried again."""
MOST = 5_000
"""Graded episodes of an event type that are looked at; what changed before the latter half of them stays as found."""
PATIENCE_S = 10.0
"""For so long whoever revoked a source waits for the changes to follow."""
MOST_NOTED = 10_000
"""Runs with new outcomes that wait to be looked up."""
log = logging.getLogger(__name__)


class Drifting(Background):
    """Keeps the changes up with the episodes."""

    def __init__(
        self,
        database: Database,
        memory: Memory,
        events: Collection[str],
        goals: Mapping[str, float],
        clock: Callable[[], datetime],
        settings: Settings | None = None,
    ) -> None:
        """`events` are the event types there are."""
        self._database = database
        self._memory = memory
        self._events = events
        self._goals = goals
        self._clock = clock
        self._settings = settings or Settings()
        self._joined: list[str] = []
        self._waiting: set[tuple[str, str]] = set()
        self._rests_until: dict[tuple[str, str], float] = {}
        self._at_work = asyncio.Lock()

    async def joined(self, runs: Sequence[str]) -> None:
        """Outcomes were joined to these runs."""
        self._joined.extend(runs[: max(0, MOST_NOTED - len(self._joined))])

    async def list(self, tenant: str, event_type: str | None) -> list[Shown]:
        """The changes that count now, latest first. Raises `NotFound`."""
        if event_type is not None and event_type not in self._events:
            raise NotFound(unknown(event_type, self._events))
        kinds = self._events if event_type is None else [event_type]
        return [_shown(one) for one in await self._database.read(lambda found: changes.page(found, tenant, kinds))]

    async def look(self, tenant: str, event_type: str) -> bool:
        """Look at the graded episodes of an event type, and write what that changes. Raises `MemoryUnavailable`.

        False: another process wrote at the same moment.
        """
        async with self._at_work:
            revision, graded = await self._database.read(lambda connection: _read(connection, tenant, event_type))
            texts = await self._vectors(tenant, event_type, graded)
            found = await asyncio.to_thread(drift.changes, graded, self._goals, self._settings, texts)
            since = graded[MOST // 2].closed_at if len(graded) == MOST else None
            now = self._clock()
            new = await self._database.write(
                lambda connection: changes.replace_all(
                    connection, tenant, event_type, found, revision=revision, since=since, now=now
                )
            )
        for one in new or ():
            log.warning("%s", _line(tenant, event_type, one))
        return new is not None

    async def anew(self, tenant: str) -> None:
        """Look at all event types of a tenant, as others speak now; what takes long is left to the background."""
        kinds = {kind for kind in await self._all_kinds() if kind[0] == tenant}
        self._waiting |= kinds
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                for kind in sorted(kinds):
                    await self._look(kind)

    async def _look(self, kind: tuple[str, str]) -> None:
        """The store may be full or locked for a while: it is looked at later, and other types go on."""
        began, done, rest = time.monotonic(), False, FAILED_S
        # Before, as outcomes may come meanwhile.
        self._waiting.discard(kind)
        try:
            done = await self.look(*kind)
            rest = REST * (time.monotonic() - began)
        except MemoryUnavailable as error:
            log.warning("changes wait until memory can be asked: %s", error)
        except Exception:
            log.exception("changes could not be looked for, trying again")
        finally:
            if not done:
                self._waiting.add(kind)
            self._rests_until[kind] = time.monotonic() + rest

    async def _vectors(self, tenant: str, event_type: str, graded: Sequence[Episode]) -> Vectors | None:
        """Where no episode has a feature, texts must tell them apart."""
        if any(one.features for one in graded):
            return None
        names = [one.id for one in graded]
        return await vectors(self._database, self._memory, tenant=tenant, event_type=event_type, ids=names)

    async def _for_ever(self) -> None:
        first = True
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                if first:
                    self._waiting |= await self._all_kinds()
                    first = False
                self._waiting |= await self._kinds_of_joined()
            except Exception:
                log.exception("what outcomes were joined to could not be read, trying again")
            for kind in sorted(self._waiting):
                if time.monotonic() >= self._rests_until.get(kind, 0.0):
                    await self._look(kind)

    async def _kinds_of_joined(self) -> set[tuple[str, str]]:
        runs = list(self._joined)
        found = await self._database.read(lambda connection: lessons.kinds_of(connection, runs)) if runs else {}
        del self._joined[: len(runs)]
        return set(found)

    async def _all_kinds(self) -> set[tuple[str, str]]:
        return set(await self._database.read(lessons.kinds))


def _read(connection: Connection, tenant: str, event_type: str) -> tuple[int, tuple[Episode, ...]]:
    return sources.revision(connection, tenant), episodes.graded(connection, tenant, event_type, MOST)


def _line(tenant: str, event_type: str, one: Change) -> str:
    whose = "" if one.source is None else f" from {one.source!r}"
    return (
        f"{one.action!r} turns out {_way(one)} since {iso(one.at)} for event type {event_type!r}{whose} of tenant "
        f"{tenant!r}: {one.found:.2f} in {one.since} outcomes, where {one.expected:.2f} was to be expected; what was "
        "learned of it before counts half"
    )


def _way(one: Change) -> str:
    return "better" if one.found > one.expected else "worse"


def _shown(noted: Noted) -> Shown:
    one = noted.change
    return {
        "type": noted.event_type,
        "action": one.action,
        "way": _way(one),
        "source": one.source,
        "apart": list(one.apart),
        "at": iso(one.at),
        "found_at": iso(one.found_at),
        "noted_at": iso(noted.noted_at),
        "expected": round(one.expected, 4),
        "found": round(one.found, 4),
        "before": one.before,
        "since": one.since,
        "log_odds": round(one.log_odds, 3),
    }
