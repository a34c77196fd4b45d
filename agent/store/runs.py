"""Runs: the state they are in, whose they are, and how they are closed. The line they wait in is `queue`'s.

Whoever handles a run writes only while he `hold`s it: a worker that was taken for dead and comes back finds that the
run has another owner or segment, and leaves it alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    update,
)

from agent.store.prepared import Prepared
from agent.store.tables import decisions, effects, inbox, memory_switches, runs
from agent.types import Event, RunStatus

OPEN = ("queued", "running", "waiting")


@dataclass(frozen=True, kw_only=True)
class Start:
    """One stretch of a run's handling: from its start, or from where an operator's answer woke it."""

    run: str
    segment: int
    owner: str
    """The worker that has it."""

    @property
    def workflow(self) -> str:
        """Id of the durable workflow: the run's own for the first segment."""
        return _workflow(self.run, self.segment)

    @property
    def before(self) -> str:
        """Id of the workflow of the stretch before."""
        return _workflow(self.run, max(0, self.segment - 1))


def _workflow(run: str, segment: int) -> str:
    return run if segment == 0 else f"{run}.{segment}"


class Superseded(Exception):
    """Another stretch of the run's handling has it now, or it was ended: this one must not write any more."""

    def __init__(self, start: Start) -> None:
        super().__init__(f"segment {start.segment} of run {start.run!r} is no longer worker {start.owner!r}'s")


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """A run with its event, as the nodes of the graph need it."""

    id: str
    tenant: str
    status: RunStatus
    event: Event
    spent_s: float
    segment_started_at: datetime | None
    created_at: datetime
    events: tuple[Event, ...]
    """All events of the run, in the order they came; `event` is the last of them."""
    attempts: int
    """Tries that failed before this one."""
    after_decision: int
    """What was decided up to here belongs to a try before a replay."""
    cancelled_by: str | None
    memory_off: bool
    """Memory is switched off for its event type."""


# Statements on the path of every run are built once: building them anew took a third of a run's time.
LOAD = Prepared(
    select(runs, inbox.c.id.label("event_id"), inbox.c.time, inbox.c.data, memory_switches.c.state.label("memory"))
    .join(inbox, inbox.c.seq == runs.c.seq)
    .outerjoin(
        memory_switches,
        and_(memory_switches.c.tenant == runs.c.tenant, memory_switches.c.event_type == runs.c.event_type),
    )
    .where(runs.c.id == bindparam("run"))
)
EVENTS = Prepared(
    select(
        inbox.c.source,
        inbox.c.id.label("event_id"),
        inbox.c.type.label("event_type"),
        inbox.c.subject,
        inbox.c.time,
        inbox.c.data,
    )
    .where(inbox.c.run == bindparam("run"))
    .order_by(inbox.c.seq)
)
# Written out, as a partial index serves no bound value.
RUNNING: ColumnElement[str] = literal_column("'running'")
HELD_BY = (
    runs.c.id == bindparam("of"),
    runs.c.segment == bindparam("in_segment"),
    runs.c.owner == bindparam("worker"),
    runs.c.status == RUNNING,
)
"""That a stretch of its handling has the run."""
MINE = select(runs.c.cancelled_by).where(*HELD_BY).with_for_update()
HOLD = Prepared(MINE)
STANDS: Select[Any] = select(runs.c.status, runs.c.spent_s, runs.c.segment_started_at).with_for_update()
CLOCK = Prepared(STANDS.where(runs.c.id == bindparam("run")))
CLOCK_OF_MINE = Prepared(STANDS.where(*HELD_BY))
_STOP = (
    update(runs)
    .where(runs.c.id == bindparam("run"))
    .values(status=bindparam("new_status"), spent_s=bindparam("spent"), segment_started_at=None, owner=None)
)
STOP = Prepared(_STOP)
CLOSE = Prepared(
    _STOP.values(
        end_code=bindparam("code"),
        end_detail=bindparam("detail"),
        closed_at=bindparam("now"),
        decided_by=case((runs.c.decided_by == "", bindparam("by")), else_=runs.c.decided_by),
    )
)


def held_by(start: Start) -> dict[str, str | int]:
    """What `HELD_BY` is executed with."""
    return {"of": start.run, "in_segment": start.segment, "worker": start.owner}


def hold(connection: Connection, start: Start) -> str | None:
    """Hold the run until the commit, if this stretch of its handling still has it; who wants it cancelled, if anybody.

    Raises `Superseded`.
    """
    row = HOLD.on(connection, held_by(start)).one_or_none()
    if row is None:
        raise Superseded(start)
    by: str | None = row.cancelled_by
    return by


def is_mine(connection: Connection, start: Start) -> bool:
    """Whether this stretch of its handling has the run, at this moment."""
    return bool(HOLD.on(connection, held_by(start)))


def of_owner(connection: Connection, owner: str) -> tuple[Start, ...]:
    """Every run that a worker has."""
    rows = connection.execute(
        select(runs.c.id, runs.c.segment).where(runs.c.status == RUNNING, runs.c.owner == owner)
    ).all()
    return tuple(Start(run=row.id, segment=row.segment, owner=owner) for row in rows)


def lost_owners(connection: Connection, live: Sequence[str]) -> bool:
    """Whether some running run is nobody's who lives."""
    return connection.execute(_of_others(live).limit(1)).first() is not None


def _of_others(live: Sequence[str]) -> Select[str, int]:
    return select(runs.c.id, runs.c.segment).where(
        runs.c.status == RUNNING, or_(runs.c.owner.is_(None), runs.c.owner.not_in(list(live)))
    )


def take_over(connection: Connection, owner: str, live: Sequence[str], now: datetime) -> tuple[Start, ...]:
    """Give a worker the runs of all that are no longer live, each in its next segment."""
    lost = connection.execute(_of_others(live).with_for_update(skip_locked=True)).all()
    resume_clocks(connection, [row.id for row in lost], now)
    return tuple(next_segment(connection, row.id, row.segment, owner) for row in lost)


def load(connection: Connection, run: str) -> RunRow:
    """The run and its events. Raises LookupError for an id that is none."""
    row = LOAD.on(connection, {"run": run}).one_or_none()
    if row is None:
        raise LookupError(f"no run {run!r}")
    events = (_event(row),) if row.events == 1 else _events(connection, run)
    return RunRow(
        id=row.id,
        tenant=row.tenant,
        status=row.status,
        event=events[-1],
        spent_s=row.spent_s,
        segment_started_at=row.segment_started_at,
        created_at=row.created_at,
        events=events,
        attempts=row.attempts,
        after_decision=row.after_decision,
        cancelled_by=row.cancelled_by,
        memory_off=row.memory == "off",
    )


def _events(connection: Connection, run: str) -> tuple[Event, ...]:
    return tuple(_event(row) for row in EVENTS.on(connection, {"run": run}))


def _event(row: Any) -> Event:
    return Event(
        source=row.source,
        id=row.event_id,
        type=row.event_type,
        subject=row.subject,
        time=row.time,
        data=row.data,
    )


def close(connection: Connection, run: str, *, status: RunStatus, code: str, detail: str, now: datetime) -> bool:
    """End the run; whether it was still open. `closing.close_run` does all that belongs to it."""
    row = CLOCK.on(connection, {"run": run}).one()
    if row.status not in OPEN:
        return False
    _close(connection, run, _spent(row, now), status=status, code=code, detail=detail, now=now, by="")
    return True


def close_mine(
    connection: Connection, start: Start, *, status: RunStatus, code: str, detail: str, now: datetime, by: str
) -> None:
    """End a run that this stretch of its handling has. Raises `Superseded`.

    `by` is who was to decide it, if it ended before its first decision.
    """
    row = CLOCK_OF_MINE.on(connection, held_by(start)).one_or_none()
    if row is None:
        raise Superseded(start)
    _close(connection, start.run, _spent(row, now), status=status, code=code, detail=detail, now=now, by=by)


def _close(
    connection: Connection,
    run: str,
    spent: float,
    *,
    status: RunStatus,
    code: str,
    detail: str,
    now: datetime,
    by: str,
) -> None:
    given = {"run": run, "new_status": status, "spent": spent, "by": by}
    CLOSE.on(connection, {**given, "code": code, "detail": detail[:4000], "now": now})


def count_attempt(connection: Connection, run: str) -> None:
    """One more try has failed."""
    connection.execute(update(runs).where(runs.c.id == run).values(attempts=runs.c.attempts + 1))


def go_on(connection: Connection, lost: Start) -> Start:
    """The next segment of a run whose workflow ended before the run did. Raises `Superseded`."""
    hold(connection, lost)
    return next_segment(connection, lost.run, lost.segment, lost.owner)


def next_segment(connection: Connection, run: str, segment: int, owner: str) -> Start:
    """Another segment for a running run that is held and whose workflow is lost."""
    connection.execute(update(runs).where(runs.c.id == run).values(segment=segment + 1, owner=owner))
    return Start(run=run, segment=segment + 1, owner=owner)


def resume_clocks(connection: Connection, lost: Sequence[str], now: datetime) -> None:
    """Start the clocks of lost runs anew: what they did before counts, the time nobody ran does not."""
    rows = connection.execute(
        select(runs.c.id, runs.c.spent_s, runs.c.segment_started_at).where(
            runs.c.id.in_(list(lost)), runs.c.segment_started_at.is_not(None)
        )
    ).all()
    for row in rows:
        decided = select(func.max(decisions.c.decided_at)).where(decisions.c.run == row.id)
        called = select(func.max(func.coalesce(effects.c.ended_at, effects.c.started_at))).where(
            effects.c.run == row.id
        )
        seen = [connection.execute(query).scalar_one() for query in (decided, called)]
        last = max([moment for moment in seen if moment is not None], default=row.segment_started_at)
        worked = max(0.0, (last - row.segment_started_at).total_seconds())
        connection.execute(
            update(runs).where(runs.c.id == row.id).values(spent_s=row.spent_s + worked, segment_started_at=now)
        )


def stop_clock(connection: Connection, run: str, now: datetime, *, status: RunStatus) -> None:
    """Leave `running` for `status` and add the segment's seconds to the run's."""
    row = CLOCK.on(connection, {"run": run}).one()
    STOP.on(connection, {"run": run, "new_status": status, "spent": _spent(row, now)})


def _spent(row: Any, now: datetime) -> float:
    spent: float = row.spent_s
    if row.segment_started_at is not None:
        spent += max(0.0, (now - row.segment_started_at).total_seconds())
    return spent
