"""Runs to look through, and whether one of them has changed. Start with `RunLists.page`."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from sqlalchemy import Connection

from agent.store import run_lists
from agent.store.database import Database
from agent.store.queries import Shown
from agent.store.run_lists import ListFilter, Listing


class RunLists:
    """The runs of one open system."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, tenant: str, wanted: ListFilter, before: int | None, limit: int) -> Listing:
        """Newest first, from the newest or from before a position that a page before gave as its `next`."""
        return await self._database.read(lambda found: run_lists.find(found, tenant, wanted, before, limit))

    async def newest(self, tenant: str, *wanted: tuple[Sequence[str], int]) -> list[list[Shown]]:
        """For each of some statuses and a limit the newest; read at one moment, so that no run is in two of them."""

        def look(connection: Connection) -> list[list[Shown]]:
            return [run_lists.newest(connection, tenant, statuses, limit) for statuses, limit in wanted]

        return await self._database.read(look)

    async def again(self, tenant: str, ids: Sequence[str]) -> list[Shown]:
        """The same runs as they are now; those that were pruned are left out."""
        return await self._database.read(lambda found: run_lists.again(found, tenant, ids))

    async def subjects_from(self, tenant: str, beginning: str, limit: int) -> list[str]:
        """Subjects of runs that begin like this."""
        return await self._database.read(lambda found: run_lists.subjects_from(found, tenant, beginning, limit))

    async def mark(self, run: str) -> Hashable:
        """Another one when anything has happened to the run; whose it is, is known to the caller."""
        return await self._database.read(lambda found: run_lists.mark(found, run), brief=True)
