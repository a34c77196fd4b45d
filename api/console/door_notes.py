"""Sign-ins, sign-outs and refused keys, written into the activity. Start with `DoorNotes`."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Collection

from sqlalchemy.exc import SQLAlchemyError

from agent.activity import Activity
from agent.acts import Act, Thing
from agent.doors import through
from api.access import Caller

log = logging.getLogger(__name__)

CONSOLE = Thing(kind="console")
NOBODY = "(unknown key)"
"""Who presents a key that is not known; no key can have such a name."""
EVERY_S = 60.0
"""Of refusals of the same name at most two lines in so long: whoever tries keys must not fill the store."""


class DoorNotes:
    """Of one console."""

    def __init__(self, activity: Activity, every_s: float = EVERY_S) -> None:
        self._activity = activity
        self._every_s = every_s
        self._counted: Counter[tuple[str, str]] = Counter()
        """By tenant and name: refusals since the line before."""
        self._resting: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def signed_in(self, caller: Caller) -> None:
        """Somebody has a session."""
        await self._note(caller.tenant, caller.name, "signed_in")

    async def signed_out(self, caller: Caller) -> None:
        """Somebody has ended theirs."""
        await self._note(caller.tenant, caller.name, "signed_out")

    async def refused(self, tenants: Collection[str], name: str = NOBODY) -> None:
        """A key was refused: the first one is written down at once, others once the time is over, counted."""
        for tenant in tenants:
            self._counted[tenant, name] += 1
            if (tenant, name) not in self._resting:
                self._resting[tenant, name] = asyncio.create_task(self._rest(tenant, name))
                await self._tell(tenant, name)

    async def _rest(self, tenant: str, name: str) -> None:
        await asyncio.sleep(self._every_s)
        del self._resting[tenant, name]
        try:
            await self._tell(tenant, name)
        except SQLAlchemyError:
            log.exception("refusals at the sign-in could not be written down")

    async def _tell(self, tenant: str, name: str) -> None:
        times = self._counted.pop((tenant, name), 0)
        if times:
            await self._note(tenant, name, "key_refused", times=times)

    async def _note(self, tenant: str, name: str, act: Act, **detail: int) -> None:
        with through("console"):
            await self._activity.note(tenant, name, act, CONSOLE, **detail)
