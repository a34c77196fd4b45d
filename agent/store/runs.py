"""Runs: the queue they wait in, the state they are in, and how they are parked and closed.

Arrival order per subject is kept here: `claim_next` starts the earliest queued run of a subject that has none running.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, exists, or_, select, update

from agent.store.tables import inbox, runs
from agent.types import Event, RunStatus


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
    select(runs, inbox.c.source, inbox.c.id.label("event_id"), inbox.c.time, inbox.c.data)
    .join(inbox, inbox.c.seq == runs.c.seq)
    .where(runs.c.id == bindparam("run"))
)
OTHER = runs.alias("other")
NEXT = (
    select(runs.c.id, runs.c.segment)
    .where(
        runs.c.status == "queued",
        ~exists().where(
            and_(
                OTHER.c.tenant == runs.c.tenant,
                OTHER.c.subject == runs.c.subject,
                or_(OTHER.c.status == "running", and_(OTHER.c.status == "queued", OTHER.c.seq < runs.c.seq)),
            )
        ),
    )
    .order_by(runs.c.seq)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=runs)
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


def close(connection: Connection, run: str, *, status: RunStatus, code: str, detail: str, now: datetime) -> None:
    """End the run; a second close changes nothing."""
    still_open = connection.execute(
        select(runs.c.id).where(runs.c.id == run, runs.c.status.in_(("running", "waiting", "queued")))
    ).one_or_none()
    if still_open is None:
        return
    stop_clock(connection, run, now, status=status)
    connection.execute(
        update(runs).where(runs.c.id == run).values(end_code=code, end_detail=detail[:4000], closed_at=now)
    )


def stop_clock(connection: Connection, run: str, now: datetime, *, status: RunStatus) -> None:
    """Leave `running` for `status` and add the segment's seconds to the run's."""
    row = connection.execute(CLOCK, {"run": run}).one()
    spent = row.spent_s
    if row.segment_started_at is not None:
        spent += max(0.0, (now - row.segment_started_at).total_seconds())
    connection.execute(STOP, {"run": run, "new_status": status, "spent": spent})
