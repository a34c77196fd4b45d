"""Closing a run, and what must not outlive it: open approvals and claims nobody works on. Start with `close_run`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, case, select, update

from agent.store.runs import close
from agent.store.tables import approvals, effects, runs
from agent.types import RunStatus

ENDED_FIRST = "the run ended before it was answered"
CUT_OFF = "the run ended in the middle of the call: it may have happened"


def close_run(connection: Connection, run: str, *, status: RunStatus, code: str, detail: str, now: datetime) -> None:
    """End the run; a second time changes nothing. No call of the run may be in flight.

    An approval that is open can never be acted upon any more and is rejected. A claim that is open was cut off: a
    write is `unknown`, so that an operator can settle it, and a read has failed.
    """
    connection.execute(select(runs.c.id).where(runs.c.id == run).with_for_update())
    if not close(connection, run, status=status, code=code, detail=detail, now=now):
        return
    connection.execute(
        update(approvals)
        .where(approvals.c.run == run, approvals.c.state == "pending")
        .values(state="rejected", answered_by="segue", reason=ENDED_FIRST, answered_at=now)
    )
    connection.execute(
        update(effects)
        .where(effects.c.run == run, effects.c.state == "claimed")
        .values(state=case((effects.c.like.is_(None), "failed"), else_="unknown"), error=CUT_OFF, ended_at=now)
    )
