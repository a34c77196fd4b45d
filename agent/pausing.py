"""Pausing and resuming by operators. Start with `Pauses`; `agent.store.queue` looks up what stands."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection

from agent.acts import Thing, ThingKind
from agent.doors import doer
from agent.errors import NotFound
from agent.portfolio.mistakes import suggest
from agent.store import activity, pauses
from agent.store.database import Database
from agent.store.pauses import Pause, Scope
from agent.store.queries import Shown, iso
from tools.types import JsonObject

WHAT: Mapping[Scope, str] = {"tool": "tool", "event": "event type"}
THINGS: Mapping[Scope, ThingKind] = {"all": "everything", "tool": "tool", "event": "event_type"}


class Pauses:
    """The pauses of every tenant.

    Calls in flight are not cut off by a pause: it holds before a run is started, and before the next call.
    """

    def __init__(
        self,
        database: Database,
        *,
        tools: Collection[str],
        events: Collection[str],
        clock: Callable[[], datetime],
        wake: Callable[[], None],
    ) -> None:
        """`tools` and `events` are the names there are; `wake` is called when runs may go on."""
        self._database = database
        self._known: Mapping[Scope, Collection[str]] = {"tool": tools, "event": events}
        self._clock = clock
        self._wake = wake

    async def number(self) -> int:
        """How many pauses stand, of all tenants."""
        return len(await self._database.read(lambda connection: pauses.listed(connection, None)))

    async def pause(self, tenant: str, scope: Scope, name: str, *, by: str, reason: str | None) -> Shown:
        """Pause everything, a tool or an event type; again changes nothing. Raises `NotFound` for an unknown name."""
        self._check_known(scope, name)
        wanted = Pause(tenant=tenant, scope=scope, name=name, by=by, reason=reason, since=self._clock())
        done_by = doer(tenant, by, wanted.since)

        def pause(connection: Connection) -> Pause:
            standing = pauses.pause(connection, wanted)
            if standing is wanted:
                activity.write(connection, done_by, "paused", _thing(scope, name), reason=reason)
            return standing

        return _shown(await self._database.write(pause))

    async def resume(self, tenant: str, scope: Scope, name: str, *, by: str) -> Shown:
        """End a pause; where there is none, nothing changes.

        What was paused can be resumed though the portfolio no longer has it. Raises `NotFound` for other unknown names.
        """
        done_by = doer(tenant, by, self._clock())

        def resume(connection: Connection) -> tuple[Pause | None, int]:
            ended, released = pauses.resume(connection, tenant, scope, name)
            if ended is not None:
                before: JsonObject = {"by": ended.by, "reason": ended.reason, "since": iso(ended.since)}
                activity.write(connection, done_by, "resumed", _thing(scope, name), released=released, before=before)
            return ended, released

        ended, released = await self._database.write(resume, long=True)
        if ended is None:
            self._check_known(scope, name)
        self._wake()
        return {"scope": scope, "name": name or None, "resumed": ended is not None, "released": released}

    async def list(self, tenant: str) -> list[Shown]:
        """What is paused, oldest first."""
        return [_shown(one) for one in await self._database.read(lambda connection: pauses.listed(connection, tenant))]

    def _check_known(self, scope: Scope, name: str) -> None:
        if scope == "all":
            return
        known = self._known[scope]
        if name not in known:
            what = WHAT[scope]
            hint = suggest(name, known, f"The portfolio has no {what}s.")
            raise NotFound(f"there is no {what} {name!r}. {hint}")


def _thing(scope: Scope, name: str) -> Thing:
    return Thing(kind=THINGS[scope], id=name)


def _shown(pause: Pause) -> Shown:
    return {
        "scope": pause.scope,
        "name": pause.name or None,
        "by": pause.by,
        "reason": pause.reason,
        "since": iso(pause.since),
    }
