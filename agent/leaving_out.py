"""The index follows the store's word on which sources are revoked. Start with `LeavingOut.follow`.

Nothing depends on when: episodes of a revoked source are unheard from its commit on, wherever they still lie. But they
would take places among the nearest, so they are taken out at once where that is quick, and by the sweep otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from agent.store import sources
from agent.store.database import Database
from agent.store.sources import Behind, Silent
from memory.recall import Memory

TOGETHER = 64
"""Episodes taken out at once: Chroma keeps the interpreter to itself meanwhile."""


class LeavingOut:
    """Takes episodes out of index and tail, or has them indexed again."""

    def __init__(self, database: Database, memory: Memory) -> None:
        self._database = database
        self._memory = memory

    async def follow(self, seconds: float) -> None:
        """Let the index follow, for at most so long; at least one step is made. Raises `MemoryUnavailable`."""
        until = time.monotonic() + seconds
        while waiting := await self._database.read(sources.behind):
            for one in waiting:
                await (self._take_out(one) if one.revoked else self._take_in(one))
                if time.monotonic() > until:
                    return

    async def clean_tail(self) -> None:
        """Forget what waits for the index though its source is revoked: another process may have been told so."""
        waiting = self._memory.waiting
        await self._forget(
            await self._database.read(lambda connection: sources.silent_episodes(connection, waiting), brief=True)
        )

    async def _take_out(self, one: Behind) -> None:
        found = await self._database.read(lambda connection: sources.to_leave_out(connection, one, TOGETHER))
        await self._forget(found)
        await self._database.write(lambda connection: sources.leave_out(connection, [each.id for each in found]))

    async def _take_in(self, one: Behind) -> None:
        await self._database.write(lambda connection: sources.take_in(connection, one.tenant, one.source))

    async def _forget(self, found: Sequence[Silent]) -> None:
        kinds: dict[tuple[str, str], list[str]] = {}
        for one in found:
            kinds.setdefault((one.tenant, one.event_type), []).append(one.id)
        for (tenant, event_type), ids in kinds.items():
            await self._memory.forget(tenant, event_type, ids)
