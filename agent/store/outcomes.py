"""Outcomes: what the business saw later, joined to the run that caused it. Start with `new_outcomes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from agent.store.tables import inbox, outcomes, rewards, runs
from agent.types import Event

CLOCK_SKEW_S = 300.0
"""By how much an event's clock may be ahead of its outcome's."""


@dataclass(frozen=True, kw_only=True)
class NewOutcome:
    """An outcome that was accepted and waits to be joined."""

    id: str
    tenant: str
    seq: int
    event: Event


def new_outcomes(connection: Connection, limit: int) -> tuple[NewOutcome, ...]:
    """Accepted outcomes nobody has joined yet, in arrival order."""
    rows = connection.execute(
        select(
            outcomes.c.id,
            outcomes.c.tenant,
            outcomes.c.seq,
            inbox.c.source,
            inbox.c.id.label("event_id"),
            inbox.c.type,
            inbox.c.subject,
            inbox.c.time,
            inbox.c.data,
        )
        .join(inbox, inbox.c.seq == outcomes.c.seq)
        .where(outcomes.c.state == "new")
        .order_by(outcomes.c.seq)
        .limit(limit)
    ).all()
    return tuple(
        NewOutcome(
            id=row.id,
            tenant=row.tenant,
            seq=row.seq,
            event=Event(
                source=row.source,
                id=row.event_id,
                type=row.type,
                subject=row.subject,
                time=row.time,
                data=row.data,
            ),
        )
        for row in rows
    )


def cause(connection: Connection, outcome: NewOutcome, events: Sequence[str], window_s: float) -> str | None:
    """The latest run of the same subject, among these event types, whose event lies within the window before it."""
    earliest = _shifted(outcome.event.time, -window_s)
    latest = _shifted(outcome.event.time, CLOCK_SKEW_S)
    query = (
        select(runs.c.id)
        .join(inbox, inbox.c.seq == runs.c.seq)
        .where(
            runs.c.tenant == outcome.tenant,
            runs.c.subject == outcome.event.subject,
            runs.c.seq < outcome.seq,
            inbox.c.time.between(earliest, latest),
        )
        .order_by(runs.c.seq.desc())
        .limit(1)
    )
    if events:
        query = query.where(runs.c.event_type.in_(list(events)))
    return connection.execute(query).scalar_one_or_none()


def _shifted(moment: datetime, seconds: float) -> datetime:
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return (datetime.min if seconds < 0 else datetime.max).replace(tzinfo=UTC)


def join(
    connection: Connection,
    outcome: NewOutcome,
    *,
    run: str | None,
    graded: Mapping[str, float],
    mistake: str | None,
    now: datetime,
) -> None:
    """Write the join and the rewards per goal in one commit; a second join changes nothing.

    `mistake` says why the outcome could not be graded. One that matches no run is kept as `unmatched`.
    """
    state = "ungraded" if mistake is not None else "unmatched" if run is None else "joined"
    changed = connection.execute(
        update(outcomes)
        .where(outcomes.c.id == outcome.id, outcomes.c.state == "new")
        .values(state=state, run=run, detail=mistake, joined_at=now)
    )
    if changed.rowcount == 1 and run is not None:
        for goal, reward in graded.items():
            connection.execute(insert(rewards).values(outcome=outcome.id, goal=goal, run=run, reward=reward))
