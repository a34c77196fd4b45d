"""Runs: the queue they wait in, the state they are in, and how they are parked and closed.

Arrival order per subject is kept here: `claim_next` starts the earliest queued run of a subject that has none running.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, exists, func, literal_column, select, update

from agent.store.tables import decisions, effects, inbox, runs
from agent.types import Event, RunStatus

OPEN = ("queued", "running", "waiting")


@dataclass(frozen=True, kw_only=True)
class Start:
    """One stretch of a run's handling: from its start, or from where an operator's answer woke it."""

    run: str
    segment: int

    @property
    def workflow(self) -> str:
        """Id of the durable workflow: the run's own for the first segment."""
        return self.run if self.segment == 0 else f"{self.run}.{self.segment}"


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


# Statements on the path of every run are built once: building them anew took a third of a run's time.
LOAD = (
    select(runs, inbox.c.id.label("event_id"), inbox.c.time, inbox.c.data)
    .join(inbox, inbox.c.seq == runs.c.seq)
    .where(runs.c.id == bindparam("run"))
)
OTHER = runs.alias("other")
QUEUED = runs.alias("queued")
# Written out, as a partial index serves no bound value.
RUNNING: ColumnElement[str] = literal_column("'running'")
WAITS: ColumnElement[str] = literal_column("'queued'")
# The earliest of each subject by one pass over the queue's own index: a subject's closed runs must cost nothing.
EARLIEST = select(func.min(QUEUED.c.seq)).where(QUEUED.c.status == WAITS).group_by(QUEUED.c.tenant, QUEUED.c.subject)
NEXT = (
    select(runs.c.id, runs.c.segment)
    .where(
        runs.c.status == "queued",
        runs.c.seq.in_(EARLIEST),
        ~exists().where(OTHER.c.tenant == runs.c.tenant, OTHER.c.subject == runs.c.subject, OTHER.c.status == RUNNING),
    )
    .order_by(runs.c.seq)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=runs)
)
GOING = select(runs.c.id).where(
    runs.c.id == bindparam("run"), runs.c.segment == bindparam("segment"), runs.c.status == "running"
)
CLOCK = select(runs.c.spent_s, runs.c.segment_started_at).where(runs.c.id == bindparam("run")).with_for_update()
STOP = (
    update(runs)
    .where(runs.c.id == bindparam("run"))
    .values(status=bindparam("new_status"), spent_s=bindparam("spent"), segment_started_at=None)
)


def claim_next(connection: Connection, now: datetime, limit: int) -> tuple[Start, ...]:
    """Set up to `limit` runs running: of each subject that has none running its earliest, oldest first."""
    rows = connection.execute(NEXT, {"most": limit}).all()
    if rows:
        connection.execute(
            update(runs).where(runs.c.id.in_([row.id for row in rows])).values(status="running", segment_started_at=now)
        )
    return tuple(Start(run=row.id, segment=row.segment) for row in rows)


def running(connection: Connection) -> tuple[Start, ...]:
    """Every run that is marked running, for the sweep."""
    rows = connection.execute(select(runs.c.id, runs.c.segment).where(runs.c.status == "running")).all()
    return tuple(Start(run=row.id, segment=row.segment) for row in rows)


def load(connection: Connection, run: str) -> RunRow:
    """The run and its event. Raises LookupError for an id that is none."""
    row = connection.execute(LOAD, {"run": run}).one_or_none()
    if row is None:
        raise LookupError(f"no run {run!r}")
    return RunRow(
        id=row.id,
        tenant=row.tenant,
        status=row.status,
        event=Event(
            source=row.source,
            id=row.event_id,
            type=row.event_type,
            subject=row.subject,
            time=row.time,
            data=row.data,
        ),
        spent_s=row.spent_s,
        segment_started_at=row.segment_started_at,
        created_at=row.created_at,
    )


def wake(connection: Connection, run: str) -> None:
    """Queue a parked run again, at its old place in its subject's order."""
    connection.execute(
        update(runs)
        .where(runs.c.id == run, runs.c.status == "waiting")
        .values(status="queued", segment=runs.c.segment + 1)
    )


def close(connection: Connection, run: str, *, status: RunStatus, code: str, detail: str, now: datetime) -> bool:
    """End the run; whether it was still open. `closing.close_run` does all that belongs to it."""
    still_open = connection.execute(select(runs.c.id).where(runs.c.id == run, runs.c.status.in_(OPEN))).one_or_none()
    if still_open is None:
        return False
    stop_clock(connection, run, now, status=status)
    connection.execute(
        update(runs).where(runs.c.id == run).values(end_code=code, end_detail=detail[:4000], closed_at=now)
    )
    return True


def is_going(connection: Connection, start: Start) -> bool:
    """Whether the run is running, and in this segment.

    If not, a workflow of the segment that is recovered after a crash must leave the run alone: the run was closed or
    parked before the crash, and may have been answered and started again since.
    """
    return connection.execute(GOING, {"run": start.run, "segment": start.segment}).first() is not None


def name_decider(connection: Connection, run: str, by: str) -> None:
    """Say who was to decide a run that ended before its first decision."""
    connection.execute(update(runs).where(runs.c.id == run, runs.c.decided_by == "").values(decided_by=by))


def next_segment(connection: Connection, lost: Start) -> Start | None:
    """Another segment for a running run whose workflow is lost; None if the run has gone on without it."""
    changed = connection.execute(
        update(runs)
        .where(runs.c.id == lost.run, runs.c.status == "running", runs.c.segment == lost.segment)
        .values(segment=lost.segment + 1)
    )
    return Start(run=lost.run, segment=lost.segment + 1) if changed.rowcount == 1 else None


def resume_clocks(connection: Connection, now: datetime) -> None:
    """Start the clocks of running runs anew after a stop: what they did before counts, the time nobody ran does not."""
    rows = connection.execute(
        select(runs.c.id, runs.c.spent_s, runs.c.segment_started_at).where(
            runs.c.status == "running", runs.c.segment_started_at.is_not(None)
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
    row = connection.execute(CLOCK, {"run": run}).one()
    spent = row.spent_s
    if row.segment_started_at is not None:
        spent += max(0.0, (now - row.segment_started_at).total_seconds())
    connection.execute(STOP, {"run": run, "new_status": status, "spent": spent})
