"""Memory switched off and on, per event type, by operators and by Segue itself. Start with `Switches`."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection

from agent.acts import Act, Thing
from agent.doors import BY_ITSELF, doer
from agent.errors import NotFound
from agent.portfolio.mistakes import suggest
from agent.store import activity, switches
from agent.store.database import Database
from agent.store.queries import Shown, iso
from agent.store.switches import Switch, SwitchState

log = logging.getLogger(__name__)

ACTS: Mapping[SwitchState, Act] = {"off": "memory_off", "on": "memory_on"}


class Switches:
    """The switches of every tenant. Runs that have decided before go on in the arm they are in."""

    def __init__(self, database: Database, events: Collection[str], clock: Callable[[], datetime]) -> None:
        """`events` are the event types there are."""
        self._database = database
        self._events = events
        self._clock = clock

    async def switch(self, tenant: str, event_type: str, state: SwitchState, *, by: str, reason: str | None) -> Shown:
        """Switch memory off or on; again changes nothing. Raises `NotFound` for an unknown type.

        What was switched off can be switched on though the portfolio no longer has it.
        """
        wanted = self._switch(tenant, event_type, state, by, reason)
        known, done_by = event_type in self._events, doer(tenant, by, wanted.since)

        def turn(connection: Connection) -> Switch | None:
            if not known and switches.find(connection, tenant, event_type) is None:
                raise NotFound(unknown(event_type, self._events))
            standing = switches.turn(connection, wanted)
            if standing is wanted:
                activity.write(connection, done_by, ACTS[state], _about(event_type), reason=reason)
            return standing

        standing = await self._database.write(turn)
        if standing == wanted:
            why = f": {reason}" if reason else ""
            log.warning(
                "memory is switched %s for event type %r of tenant %r by %s%s", state, event_type, tenant, by, why
            )
        return shown(event_type, standing)

    async def stop_harm(self, tenant: str, event_type: str, reason: str, measured: Switch | None) -> None:
        """Switch memory off, unless somebody has switched it since `measured`, the switch that stood then."""
        wanted = self._switch(tenant, event_type, "off", BY_ITSELF, reason)
        since = None if measured is None else measured.since
        done_by = doer(tenant, BY_ITSELF, wanted.since)

        def stop(connection: Connection) -> bool:
            turned = switches.turn_if_unturned(connection, wanted, since)
            if turned:
                activity.write(connection, done_by, "memory_off", _about(event_type), reason=reason)
            return turned

        if await self._database.write(stop):
            log.warning("memory is switched off for event type %r of tenant %r: %s", event_type, tenant, reason)

    def _switch(self, tenant: str, event_type: str, state: SwitchState, by: str, reason: str | None) -> Switch:
        return Switch(tenant=tenant, event_type=event_type, state=state, by=by, reason=reason, since=self._clock())

    async def list(self, tenant: str) -> list[Shown]:
        """The last switch of every event type whose memory was ever switched off, oldest first."""
        found = await self._database.read(lambda connection: switches.listed(connection, tenant))
        return [shown(one.event_type, one) for one in found]

    async def problems(self) -> Mapping[str, str]:
        """Event types whose memory is off, of all tenants; without figures, which are their tenant's."""
        found = await self._database.read(lambda connection: switches.listed(connection, None))
        off = Counter(one.event_type for one in found if one.state == "off")
        return {
            f"memory.{event_type}": "memory is switched off for it"
            + (f" by {number} tenants" if number > 1 else "")
            + " (see 'segue memory uplift')"
            for event_type, number in off.items()
        }


def _about(event_type: str) -> Thing:
    return Thing(kind="event_type", id=event_type)


def shown(event_type: str, switch: Switch | None) -> Shown:
    """A switch as doors show it; None: memory is on and was never switched off."""
    return {
        "type": event_type,
        "state": "on" if switch is None else switch.state,
        "by": None if switch is None else switch.by,
        "reason": None if switch is None else switch.reason,
        "since": None if switch is None else iso(switch.since),
    }


def unknown(event_type: str, events: Collection[str]) -> str:
    """What is said of an event type that the portfolio does not have."""
    return f"there is no event type {event_type!r}. {suggest(event_type, events, 'The portfolio has no event types.')}"
