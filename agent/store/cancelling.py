"""Cancelling a run: no effect begins any more. Start with `cancel`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, exists, select, update

from agent.store.closing import close_run
from agent.store.queue import enter, leave, lock_queue, wake
from agent.store.runs import OPEN
from agent.store.tables import decisions, runs


@dataclass(frozen=True, kw_only=True)
class Cancelled:
    """What was found, and done."""

    was: str
    """Status of the run before."""
    changed: bool
    """False where it had ended, or was cancelled already."""


def cancel(connection: Connection, tenant: str, run: str, by: str, now: datetime) -> Cancelled | None:
    """Cancel an open run; None where there is no such run.

    One that nothing was decided for is closed at once. Any other is closed by whoever handles it, so that a call in
    flight is waited for and memory knows what was done.
    """
    lock_queue(connection)
    held = select(runs.c.status, runs.c.cancelled_by).where(runs.c.id == run, runs.c.tenant == tenant)
    row = connection.execute(held.with_for_update()).one_or_none()
    if row is None:
        return None
    status: str = row.status
    if status not in OPEN or row.cancelled_by is not None:
        return Cancelled(was=status, changed=False)
    connection.execute(update(runs).where(runs.c.id == run).values(cancelled_by=by))
    if status == "waiting":
        wake(connection, run, now)
    elif status == "queued" and not _decided(connection, run):
        leave(connection, run)
        close_run(connection, run, status="cancelled", code="cancelled", detail=f"by {by}", now=now)
    elif status == "queued":
        connection.execute(update(runs).where(runs.c.id == run).values(held=None))
        enter(connection, run)
    return Cancelled(was=status, changed=True)


def _decided(connection: Connection, run: str) -> bool:
    return bool(connection.execute(select(exists().where(decisions.c.run == run))).scalar_one())
