"""Sources that are trusted no more, and trusted again. Start with `Sources.revoke`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy import Connection

from agent.acts import Act, Thing
from agent.doors import doer
from agent.errors import NotFound
from agent.portfolio.mistakes import suggest
from agent.remember import Remembering
from agent.store import activity, source_lists, sources
from agent.store.database import Database
from agent.store.queries import Page, Shown
from agent.store.source_lists import SourceState
from agent.store.sources import Change

PATIENCE_S = 10.0
"""For so long a revocation takes episodes out of the index before it answers; the sweep does the rest."""


class Sources:
    """Where events and outcomes come from, and whether what came from there speaks."""

    def __init__(
        self,
        database: Database,
        remembering: Remembering,
        clock: Callable[[], datetime],
        revised: Callable[[str], Awaitable[None]],
    ) -> None:
        """`revised` is called with the tenant when other sources speak than before."""
        self._database = database
        self._revised = revised
        self._remembering = remembering
        self._clock = clock

    async def list(self, tenant: str, state: SourceState | None, cursor: str | None, limit: int) -> Page:
        """Sources by name, with how many episodes and outcomes came from each."""
        return await self._database.read(
            lambda connection: source_lists.list_sources(connection, tenant, state, cursor, limit)
        )

    async def touches(self, tenant: str, source: str) -> Shown:
        """What revoking it takes away, or took: its episodes by event type, its outcomes, and the standing lessons
        that rest on episodes of its. Raises `NotFound`.
        """
        await self._check_known(tenant, source)
        return await self._database.read(lambda connection: source_lists.touched(connection, tenant, source))

    async def revoke(self, tenant: str, source: str, *, by: str, reason: str | None) -> Shown:
        """Let nothing from the source speak in any decision from now on; again changes nothing. Raises `NotFound`.

        Its episodes and outcomes stay in the store, as do new ones: for the record, and for `restore`.
        """
        await self._check_known(tenant, source)
        wanted = Change(tenant=tenant, source=source, by=by, reason=reason, at=self._clock())
        note = _noting("source_revoked", wanted)
        changed = await self._database.write(lambda connection: note(connection, sources.revoke(connection, wanted)))
        await self._remembering.follow_sources(PATIENCE_S)
        if changed:
            await self._revised(tenant)
        return await self._shown(tenant, source, changed=changed)

    async def restore(self, tenant: str, source: str, *, by: str, reason: str | None) -> Shown:
        """Let a revoked source speak again; of one that is not revoked nothing changes. Raises `NotFound`."""
        await self._check_known(tenant, source)
        wanted = Change(tenant=tenant, source=source, by=by, reason=reason, at=self._clock())
        note = _noting("source_restored", wanted)
        changed = await self._database.write(
            lambda connection: note(connection, sources.restore(connection, wanted)), long=True
        )
        if changed:
            await self._remembering.index_now(PATIENCE_S)
            await self._revised(tenant)
        return await self._shown(tenant, source, changed=changed)

    async def _shown(self, tenant: str, source: str, *, changed: bool) -> Shown:
        shown = await self._database.read(lambda connection: source_lists.show_source(connection, tenant, source))
        left = await self._database.read(lambda connection: sources.to_follow(connection, tenant, source))
        return {**shown, "changed": changed, "index_left": left}

    async def _check_known(self, tenant: str, source: str) -> None:
        if await self._database.read(lambda connection: sources.is_known(connection, tenant, source)):
            return
        known = await self._database.read(lambda connection: source_lists.names(connection, tenant))
        raise NotFound(
            f"nothing ever came from source {source[:200]!r}. {suggest(source, known, 'There is none yet.')}"
        )


def _noting(act: Act, wanted: Change) -> Callable[[Connection, bool], bool]:
    """Writes the line of a change that was made, and passes on whether it was."""
    done_by = doer(wanted.tenant, wanted.by, wanted.at)

    def note(connection: Connection, changed: bool) -> bool:
        if changed:
            activity.write(connection, done_by, act, Thing(kind="source", id=wanted.source), reason=wanted.reason)
        return changed

    return note
