"""Housekeeping of memory, as operators ask for it. Start with `Housekeeping.tidy`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection

from agent.acts import Thing
from agent.doors import doer
from agent.errors import Conflict, NotFound
from agent.portfolio.mistakes import suggest
from agent.portfolio.model import Portfolio
from agent.remember import Remembering
from agent.store import activity, episodes, tidy
from agent.store.database import Database
from agent.store.queries import Shown
from agent.tidying import Tidied, Tidying

PATIENCE_S = 5.0
"""For so long one request tidies; who wants more asks again."""


class Housekeeping:
    """Tidying now, and having back what was forgotten."""

    def __init__(
        self,
        database: Database,
        portfolio: Portfolio,
        tidying: Tidying,
        remembering: Remembering,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._portfolio = portfolio
        self._tidying = tidying
        self._remembering = remembering
        self._clock = clock

    async def tidy(self, tenant: str, event_type: str | None, *, dry_run: bool) -> list[Shown]:
        """Go on with a round of one event type, or of all; or only say what it would do.

        What is not finished goes on when it is asked for again. Raises `NotFound`, `MemoryUnavailable`.
        """
        if event_type is not None and event_type not in self._portfolio.events:
            hint = suggest(event_type, self._portfolio.events, "The portfolio has no event types.")
            raise NotFound(f"there is no event type {event_type!r}. {hint}")
        kinds = sorted(self._portfolio.events) if event_type is None else [event_type]
        if dry_run:
            return [_shown(await self._tidying.preview(tenant, kind, PATIENCE_S)) for kind in kinds]
        done = await self._tidying.tidy(tenant, kinds, PATIENCE_S)
        return [_shown(one) for one in done]

    async def keep(self, tenant: str, episode: str, *, by: str) -> Shown:
        """Let a forgotten episode speak again, and never be forgotten any more.

        Of one that speaks anyway nothing changes. Raises `NotFound`, and `Conflict` where another speaks for it.
        """
        done_by = doer(tenant, by, self._clock())

        def keep(connection: Connection) -> Mapping[str, Shown]:
            if not episodes.fetch(connection, tenant, [episode]):
                raise NotFound(f"there is no episode {episode!r}")
            if tidy.keep(connection, tenant, episode, by):
                # An episode has the id of its run.
                activity.write(connection, done_by, "episode_kept", Thing(kind="episode", id=episode, run=episode))
            return tidy.notes(connection, [episode])

        note = (await self._database.write(keep)).get(episode)
        if note is not None and note["state"] == "member":
            raise Conflict(f"episode {episode!r} is not forgotten: episode {note['voice']!r} speaks for it too")
        await self._remembering.index_now(PATIENCE_S)
        return {"id": episode, "tidied": note}


def _shown(told: Tidied) -> Shown:
    return asdict(told)
