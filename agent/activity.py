"""Who did what, for those who look at it, and acts that change nothing else in the store. Start with `Activity`.

All other acts write their line where they are done, in their own transaction: see `agent.store.activity.write`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from datetime import datetime

from sqlalchemy import Connection

from agent.acts import Act, Thing
from agent.canonical import digest
from agent.doors import BY_ITSELF, doer
from agent.settings_told import PORTFOLIO, differences, summary
from agent.store import activity, settings_seen
from agent.store.activity import ActivityFilter
from agent.store.database import Database
from agent.store.queries import Page, Shown
from tools.types import JsonObject, JsonValue

BATCH = 1_000
"""Lines that an export reads at a time."""
MOST_CHANGES = 100
"""Of the settings, that one line tells."""
MOST_NAMES = 500


class Activity:
    """What was done in an open system."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    async def page(self, tenant: str, wanted: ActivityFilter, cursor: int | None, limit: int) -> Page:
        """Lines, newest first."""
        return await self._database.read(lambda found: activity.page(found, tenant, wanted, cursor, limit))

    async def newer(self, tenant: str, wanted: ActivityFilter, after: int, limit: int) -> list[Shown]:
        """The newest lines numbered above `after`. On PostgreSQL a line may be seen after one with a higher number."""
        return await self._database.read(
            lambda found: activity.find(found, tenant, wanted, after=after, limit=limit), brief=True
        )

    async def all(self, tenant: str, wanted: ActivityFilter) -> AsyncIterator[list[Shown]]:
        """Every line there is now, newest first, some at a time; what is done meanwhile is left out."""
        cursor: int | None = None
        while True:
            found = await self.page(tenant, wanted, cursor, BATCH)
            yield found.items
            if found.next is None:
                return
            cursor = int(found.next)

    async def names(self, tenant: str) -> list[str]:
        """Who ever did something, in their order."""
        return await self._database.read(lambda found: activity.names(found, tenant, MOST_NAMES))

    async def note(self, tenant: str, who: str, act: Act, thing: Thing, **detail: JsonValue) -> None:
        """Write the line of an act that changes nothing in the store."""
        done_by = doer(tenant, who, self._clock())

        def note(connection: Connection) -> None:
            activity.write(connection, done_by, act, thing, **detail)

        await self._database.write(note)

    async def started(self, tenants: Collection[str], content: JsonObject) -> None:
        """Segue was started with these settings (see `agent.settings_told.content`).

        Where they are others than at the last start, each of the tenants gets a line that tells the differences.
        """
        now, name = self._clock(), digest(content)
        done_by = [doer(tenant, BY_ITSELF, now) for tenant in sorted(tenants)]

        def note(connection: Connection) -> None:
            before = settings_seen.replace(connection, PORTFOLIO, name, content, now)
            if before is not None and before.digest == name:
                return
            told = [summary(content)] if before is None else differences(before.content, content)
            more = max(0, len(told) - MOST_CHANGES)
            for one in done_by:
                activity.write(
                    connection,
                    one,
                    "settings_changed",
                    Thing(kind="portfolio"),
                    changes=told[:MOST_CHANGES],
                    more=more or None,
                    first=True if before is None else None,
                    digest=name[:16],
                )

        await self._database.write(note)
