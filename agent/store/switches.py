"""Where memory was switched off, and on again, per tenant and event type. Start with `turn`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from sqlalchemy import ColumnElement, Connection, and_, insert, select, update
from sqlalchemy.exc import IntegrityError

from agent.store.tables import memory_switches

SwitchState: TypeAlias = Literal["on", "off"]


@dataclass(frozen=True, kw_only=True)
class Switch:
    """The last time memory was switched off, or on again, for an event type."""

    tenant: str
    event_type: str
    state: SwitchState
    by: str
    reason: str | None
    since: datetime


def turn(connection: Connection, wanted: Switch) -> Switch | None:
    """Store the switch. What is in that state already stays as it is: the answer is the switch that stands.

    None: memory is to be on and was never switched off.
    """
    standing = find(connection, wanted.tenant, wanted.event_type, hold=True)
    if standing is not None and standing.state == wanted.state:
        return standing
    if standing is not None:
        connection.execute(update(memory_switches).where(_of(wanted.tenant, wanted.event_type)).values(_values(wanted)))
        return wanted
    if wanted.state == "on":
        return None
    try:
        with connection.begin_nested():
            connection.execute(insert(memory_switches).values(_values(wanted)))
    except IntegrityError:
        # Somebody else switched it off in between.
        return find(connection, wanted.tenant, wanted.event_type)
    return wanted


def turn_if_unturned(connection: Connection, wanted: Switch, since: datetime | None) -> bool:
    """Store the switch if the one that stands is still that of `since` (None: none stands); whether it was stored."""
    standing = find(connection, wanted.tenant, wanted.event_type, hold=True)
    if (None if standing is None else standing.since) != since:
        return False
    return turn(connection, wanted) == wanted


def find(connection: Connection, tenant: str, event_type: str, *, hold: bool = False) -> Switch | None:
    """The last switch of an event type, if there is one; `hold`: nobody changes it before the transaction ends."""
    query = select(memory_switches).where(_of(tenant, event_type))
    if hold:
        query = query.with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else Switch(**row)


def listed(connection: Connection, tenant: str | None) -> tuple[Switch, ...]:
    """The last switches of a tenant's event types (None: of all tenants), oldest first."""
    query = select(memory_switches).order_by(memory_switches.c.since, memory_switches.c.event_type)
    if tenant is not None:
        query = query.where(memory_switches.c.tenant == tenant)
    return tuple(Switch(**row) for row in connection.execute(query).mappings())


def _of(tenant: str, event_type: str) -> ColumnElement[bool]:
    return and_(memory_switches.c.tenant == tenant, memory_switches.c.event_type == event_type)


def _values(switch: Switch) -> dict[str, object]:
    return {
        "tenant": switch.tenant,
        "event_type": switch.event_type,
        "state": switch.state,
        "by": switch.by,
        "reason": switch.reason,
        "since": switch.since,
    }
