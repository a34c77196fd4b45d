"""The inbox: every accepted event, stored and deduplicated in one commit. Start with `accept`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, Row, func, insert, select

from agent.store.tables import inbox, outcomes, runs
from agent.types import Event

ACCEPTING = 7031204
"""Key of PostgreSQL's advisory lock under which events are accepted."""


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """An event at the door."""

    event: Event
    body_hash: str
    """Hash of what the sender fixed: type, subject, time and data. A redelivery has the same."""
    kind: Literal["run", "outcome"]
    new_id: str
    """Id its run or outcome gets if it was never seen before."""


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """What the sender is told about one event."""

    source: str
    id: str
    run: str | None
    outcome: str | None
    duplicate: bool


class EventConflict(Exception):
    """An event with a known source and id came with another content."""

    def __init__(self, index: int, event: Event) -> None:
        super().__init__(
            f"event {event.id!r} of source {event.source!r} was already accepted with another content. "
            "Send a new id for a new event, or the same content for a redelivery."
        )
        self.index = index


def accept(connection: Connection, tenant: str, batch: Sequence[Incoming], now: datetime) -> tuple[Accepted, ...]:
    """Store the whole batch or, on `EventConflict`, nothing of it."""
    if connection.dialect.name == "postgresql":
        # One accept at a time: else two deliveries of one event race, and `seq` would not be the order of commits.
        connection.execute(select(func.pg_advisory_xact_lock(ACCEPTING)))
    return tuple(_accept_one(connection, tenant, index, incoming, now) for index, incoming in enumerate(batch))


def _accept_one(connection: Connection, tenant: str, index: int, incoming: Incoming, now: datetime) -> Accepted:
    event = incoming.event
    known = _find(connection, tenant, event)
    if known is None:
        _insert(connection, tenant, incoming, now)
        return Accepted(
            source=event.source,
            id=event.id,
            run=incoming.new_id if incoming.kind == "run" else None,
            outcome=incoming.new_id if incoming.kind == "outcome" else None,
            duplicate=False,
        )
    if known.body_hash != incoming.body_hash:
        raise EventConflict(index, event)
    return Accepted(source=event.source, id=event.id, run=known.run, outcome=known.outcome, duplicate=True)


def _find(connection: Connection, tenant: str, event: Event) -> Row[str, str | None, str | None] | None:
    return connection.execute(
        select(inbox.c.body_hash, inbox.c.run, inbox.c.outcome).where(
            inbox.c.tenant == tenant, inbox.c.source == event.source, inbox.c.id == event.id
        )
    ).one_or_none()


def _insert(connection: Connection, tenant: str, incoming: Incoming, now: datetime) -> None:
    event = incoming.event
    is_run = incoming.kind == "run"
    inserted = connection.execute(
        insert(inbox).values(
            tenant=tenant,
            source=event.source,
            id=event.id,
            type=event.type,
            subject=event.subject,
            time=event.time,
            data=event.data,
            body_hash=incoming.body_hash,
            received_at=now,
            run=incoming.new_id if is_run else None,
            outcome=None if is_run else incoming.new_id,
        )
    )
    (seq,) = inserted.inserted_primary_key or (None,)
    shared = {"id": incoming.new_id, "tenant": tenant, "seq": seq, "subject": event.subject, "created_at": now}
    if is_run:
        connection.execute(
            insert(runs).values(**shared, source=event.source, event_type=event.type, status="queued", segment=0)
        )
    else:
        connection.execute(insert(outcomes).values(**shared, type=event.type, state="new"))
