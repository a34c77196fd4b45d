"""Pausing and resuming, and what that holds up, for paths that cannot ask the store each time. Start with `Pauses`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from agent.errors import NotFound
from agent.portfolio.mistakes import suggest
from agent.store import pauses
from agent.store.database import Database
from agent.store.pauses import Pause, Scope, held_text
from agent.store.queries import Shown, iso

WHAT: Mapping[Scope, str] = {"tool": "tool", "event": "event type"}


class Pauses:
    """The pauses of every tenant, as the store had them at the last `refresh`.

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
        self._standing: frozenset[tuple[str, Scope, str]] = frozenset()
        self._refreshing = asyncio.Lock()

    @property
    def number(self) -> int:
        """How many pauses stand, of all tenants."""
        return len(self._standing)

    def held(self, tenant: str, event_type: str) -> str | None:
        """What keeps runs for events of this type from being started, as `runs.held` puts it; None if nothing does."""
        return self._first(tenant, "event", event_type)

    def held_tool(self, tenant: str, tool: str) -> str | None:
        """What keeps the tool from being called, in the same words; None if nothing does."""
        return self._first(tenant, "tool", tool)

    def _first(self, tenant: str, scope: Scope, name: str) -> str | None:
        if not self._standing:
            return None
        if (tenant, "all", "") in self._standing:
            return "all"
        return held_text(scope, name) if (tenant, scope, name) in self._standing else None

    async def refresh(self) -> None:
        """See what was paused and resumed elsewhere."""
        # One at a time, so that an older view never replaces a newer one.
        async with self._refreshing:
            found = await self._database.read(lambda connection: pauses.listed(connection, None))
            self._standing = frozenset((one.tenant, one.scope, one.name) for one in found)

    async def pause(self, tenant: str, scope: Scope, name: str, *, by: str, reason: str | None) -> Shown:
        """Pause everything, a tool or an event type; again changes nothing. Raises `NotFound` for an unknown name."""
        self._check_known(scope, name)
        wanted = Pause(tenant=tenant, scope=scope, name=name, by=by, reason=reason, since=self._clock())
        standing = await self._database.write(lambda connection: pauses.pause(connection, wanted))
        await self.refresh()
        return _shown(standing)

    async def resume(self, tenant: str, scope: Scope, name: str) -> Shown:
        """End a pause; where there is none, nothing changes.

        What was paused can be resumed though the portfolio no longer has it. Raises `NotFound` for other unknown names.
        """
        ended, released = await self._database.write(lambda connection: pauses.resume(connection, tenant, scope, name))
        if not ended:
            self._check_known(scope, name)
        await self.refresh()
        self._wake()
        return {"scope": scope, "name": name or None, "resumed": ended, "released": released}

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


def _shown(pause: Pause) -> Shown:
    return {
        "scope": pause.scope,
        "name": pause.name or None,
        "by": pause.by,
        "reason": pause.reason,
        "since": iso(pause.since),
    }
