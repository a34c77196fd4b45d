"""Outcomes: what the business saw later, joined to the run that caused it. Start with `new_outcomes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, bindparam, insert, literal_column, select, update

from agent.store import crowd_marks
from agent.store.prepared import Prepared
from agent.store.queue import lock_queue
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
    run: str | None
    """The run it is about, where it named one."""


MOST_WAITING = 200
"""Unmatched outcomes of one subject that are looked at when a run of it closes, the latest."""

UNMATCHED = Prepared(
    select(outcomes.c.id, outcomes.c.type, inbox.c.time)
    .join(inbox, inbox.c.seq == outcomes.c.seq)
    .where(
        # Written out, as a partial index serves no bound value.
        literal_column("outcomes.state = 'unmatched'"),
        outcomes.c.tenant == bindparam("t"),
        outcomes.c.subject == bindparam("s"),
    )
    .order_by(outcomes.c.seq.desc())
    .limit(MOST_WAITING)
)
"""On the path of every run, when it closes; mostly there are none."""


def new_outcomes(connection: Connection, limit: int) -> tuple[NewOutcome, ...]:
    """Accepted outcomes nobody has joined yet, in arrival order."""
    rows = connection.execute(
        select(
            outcomes.c.id,
            outcomes.c.tenant,
            outcomes.c.seq,
            outcomes.c.run,
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
            run=row.run,
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
    """The run it is about: of its subject, among these event types, and its event within the window before it.

    That is the latest of those whose event was accepted before the outcome. Where there is none, systems may have
    delivered in another order: then it is the one accepted since whose event is the latest, but not later than the
    outcome. What was accepted later and says that it happened later is about something else.
    """
    earliest = _shifted(outcome.event.time, -window_s)
    query = (
        select(runs.c.id)
        .join(inbox, inbox.c.seq == runs.c.seq)
        .where(runs.c.tenant == outcome.tenant, runs.c.subject == outcome.event.subject, inbox.c.time >= earliest)
        .limit(1)
    )
    if events:
        query = query.where(runs.c.event_type.in_(list(events)))
    before = query.where(runs.c.seq < outcome.seq, inbox.c.time <= _shifted(outcome.event.time, CLOCK_SKEW_S))
    run: str | None = connection.execute(before.order_by(runs.c.seq.desc())).scalar_one_or_none()
    if run is None:
        # No event is accepted between this look and the word `unmatched`: its run, when it closes, will find that.
        lock_queue(connection)
        since = query.where(runs.c.seq > outcome.seq, inbox.c.time <= outcome.event.time)
        run = connection.execute(since.order_by(inbox.c.time.desc(), runs.c.seq)).scalar_one_or_none()
    return run


def wake_unmatched(connection: Connection, tenant: str, event: Event, windows: Mapping[str, float]) -> None:
    """Have outcomes that came before this event of their subject, and may be about it, joined anew.

    `windows`: seconds by the outcome types that are joined to runs of its type. Called when its run closes, in the same
    commit, as only then is there an episode that they could grade.
    """
    found = UNMATCHED.on(connection, {"t": tenant, "s": event.subject})
    about = [row.id for row in found if row.type in windows and _fits(event.time, row.time, windows[row.type])]
    if about:
        connection.execute(
            update(outcomes)
            .where(outcomes.c.id.in_(about), outcomes.c.state == "unmatched")
            .values(state="new", joined_at=None)
        )


def _fits(event: datetime, outcome: datetime, window_s: float) -> bool:
    """Whether an outcome that was accepted first can be about the event, as `cause` has it."""
    return _shifted(outcome, -window_s) <= event <= outcome


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
        crowd_marks.graded(connection, run)
