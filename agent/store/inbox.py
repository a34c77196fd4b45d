"""The inbox: every accepted event, stored and deduplicated in one commit. Start with `accept`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, and_, bindparam, exists, insert, literal_column, select, update

from agent.portfolio.model import Queueing
from agent.store.dialects import inserting
from agent.store.notices import notify
from agent.store.prepared import Prepared
from agent.store.queue import enter, lock_queue, next_turn
from agent.store.tables import inbox, outcomes, runs
from agent.types import Event

MOST_GATHERED = 1000
"""Events of one run; the next one begins another."""

IN_LINE = runs.alias("in_line")
_DOOR = select(
    inbox.c.body_hash,
    inbox.c.run,
    inbox.c.outcome,
    runs.c.id.label("gathering"),
    runs.c.event_type,
    runs.c.events,
    runs.c.gathers_until,
    exists()
    .where(
        literal_column("in_line.status = 'queued'"),
        literal_column("in_line.in_line"),
        IN_LINE.c.tenant == bindparam("t"),
        IN_LINE.c.subject == bindparam("s"),
    )
    .correlate(None)
    .label("line"),
).select_from(
    select(literal_column("1").label("one"))
    .subquery("always")
    .outerjoin(
        inbox,
        and_(inbox.c.tenant == bindparam("t"), inbox.c.source == bindparam("source"), inbox.c.id == bindparam("id")),
    )
    .outerjoin(
        runs,
        and_(
            literal_column("runs.status = 'queued'"),
            literal_column("runs.gathers_until IS NOT NULL"),
            runs.c.tenant == bindparam("t"),
            runs.c.subject == bindparam("s"),
        ),
    )
)
DOOR = Prepared(_DOOR)
"""All there is to know before an event is stored, always one row: the event, if it is known; the run that gathers
events of its subject, if one does; whether runs of its subject are in line."""

EVENT = Prepared(inserting(inbox, "seq").returning(inbox.c.seq))
RUN = Prepared(
    inserting(
        runs,
        "events",
        "held",
        "owner",
        "attempts",
        "after_decision",
        "cancelled_by",
        "decided_by",
        "end_code",
        "end_detail",
        "spent_s",
        "segment_started_at",
        "closed_at",
    )
)


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """An event at the door."""

    event: Event
    body_hash: str
    """Hash of what the sender fixed: type, subject, time and data. A redelivery has the same."""
    kind: Literal["run", "outcome"]
    new_id: str
    """Id its run or outcome gets if it was never seen before."""
    queueing: Queueing = field(default_factory=Queueing)
    of_run: str | None = None
    """Of an outcome: the run it is about, where the sender named it; else it is found by subject and time."""


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
    # One accept at a time: else two deliveries of one event race, and `seq` would not be the order of commits.
    lock_queue(connection)
    accepted = tuple(_accept_one(connection, tenant, index, incoming, now) for index, incoming in enumerate(batch))
    notify(connection)
    return accepted


def _accept_one(connection: Connection, tenant: str, index: int, incoming: Incoming, now: datetime) -> Accepted:
    event = incoming.event
    where = {"t": tenant, "source": event.source, "id": event.id, "s": event.subject}
    found = DOOR.on(connection, where).one()
    if found.body_hash is not None:
        if found.body_hash != incoming.body_hash:
            raise EventConflict(index, event)
        return Accepted(source=event.source, id=event.id, run=found.run, outcome=found.outcome, duplicate=True)
    if incoming.kind == "outcome":
        _store_outcome(connection, tenant, incoming, now)
        return Accepted(source=event.source, id=event.id, run=None, outcome=incoming.new_id, duplicate=False)
    run = _store_event(connection, tenant, incoming, now, found)
    return Accepted(source=event.source, id=event.id, run=run, outcome=None, duplicate=False)


def _store_outcome(connection: Connection, tenant: str, incoming: Incoming, now: datetime) -> None:
    seq = _insert(connection, tenant, incoming, now, outcome=incoming.new_id)
    event = incoming.event
    row = {"id": incoming.new_id, "tenant": tenant, "seq": seq, "subject": event.subject, "created_at": now}
    row |= {"type": event.type, "source": event.source, "state": "new", "run": incoming.of_run}
    connection.execute(insert(outcomes), row)


def _store_event(connection: Connection, tenant: str, incoming: Incoming, now: datetime, found: Any) -> str:
    """Store the event with a run of its own, or with the run that gathers its like; that run's id."""
    event, queueing = incoming.event, incoming.queueing
    if found.gathering is not None:
        same = found.event_type == event.type and queueing.debounce is not None
        if same and found.events < MOST_GATHERED:
            return _gather(connection, tenant, incoming, found, now)
        # What came earlier goes first: another event of the subject ends the window.
        enter(connection, found.gathering)
    empty = not found.line and found.gathering is None
    seq = _insert(connection, tenant, incoming, now, run=incoming.new_id)
    wait = _waiting(queueing, now)
    expires = None if queueing.ttl_s is None else now + timedelta(seconds=queueing.ttl_s)
    row = {
        "id": incoming.new_id,
        "tenant": tenant,
        "seq": seq,
        "source": event.source,
        "event_type": event.type,
        "subject": event.subject,
        "status": "queued",
        "segment": 0,
        "rank": -queueing.priority,
        "turn": next_turn(connection, tenant, event.source, -queueing.priority),
        "head": empty and not wait,
        "in_line": not wait,
        "due_at": None,
        "gathers_until": None,
        "expires_at": expires,
        "created_at": now,
    }
    RUN.on(connection, {**row, **wait})
    return incoming.new_id


def _waiting(queueing: Queueing, now: datetime) -> dict[str, datetime]:
    """Until when the event's run is not in line; empty if it is at once."""
    if queueing.debounce is not None:
        quiet, longest = queueing.debounce.quiet_s, queueing.debounce.longest_s
        return {"due_at": now + timedelta(seconds=quiet), "gathers_until": now + timedelta(seconds=longest)}
    return {"due_at": now + timedelta(seconds=queueing.delay_s)} if queueing.delay_s else {}


def _gather(connection: Connection, tenant: str, incoming: Incoming, found: Any, now: datetime) -> str:
    debounce = incoming.queueing.debounce
    quiet = debounce.quiet_s if debounce is not None else 0.0
    due = min(now + timedelta(seconds=quiet), found.gathers_until)
    connection.execute(update(runs).where(runs.c.id == found.gathering).values(events=runs.c.events + 1, due_at=due))
    _insert(connection, tenant, incoming, now, run=found.gathering)
    gathered: str = found.gathering
    return gathered


def _insert(
    connection: Connection,
    tenant: str,
    incoming: Incoming,
    now: datetime,
    *,
    run: str | None = None,
    outcome: str | None = None,
) -> int:
    event = incoming.event
    row = {
        "tenant": tenant,
        "source": event.source,
        "id": event.id,
        "type": event.type,
        "subject": event.subject,
        "time": event.time,
        "data": event.data,
        "body_hash": incoming.body_hash,
        "received_at": now,
        "run": run,
        "outcome": outcome,
    }
    (seq,) = EVENT.on(connection, row).one()
    return int(seq)
