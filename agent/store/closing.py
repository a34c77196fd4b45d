"""Closing a run, and what must not outlive it: open approvals and claims nobody works on. Start with `close_run`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, case, update

from agent.store import assignments
from agent.store.prepared import Prepared
from agent.store.runs import close
from agent.store.tables import approvals, effects
from agent.types import RunStatus

ENDED_FIRST = "the run ended before it was answered"
CUT_OFF = "the run ended in the middle of the call: it may have happened"


TURN_DOWN = Prepared(
    update(approvals)
    .where(approvals.c.run == bindparam("of"), approvals.c.state == "pending")
    .values(state="rejected", answered_by="segue", reason=ENDED_FIRST, answered_at=bindparam("now"))
)
CUT = Prepared(
    update(effects)
    .where(effects.c.run == bindparam("of"), effects.c.state == "claimed")
    .values(state=case((effects.c.like.is_(None), "failed"), else_="unknown"), error=CUT_OFF, ended_at=bindparam("now"))
)


def close_run(connection: Connection, run: str, *, status: RunStatus, code: str, detail: str, now: datetime) -> None:
    """End the run; a second time changes nothing. No call of the run may be in flight.

    An approval that is open can never be acted upon any more and is rejected. A claim that is open was cut off: a
    write is `unknown`, so that an operator can settle it, and a read has failed.
    """
    if close(connection, run, status=status, code=code, detail=detail, now=now):
        clear(connection, run, now)


def clear(connection: Connection, run: str, now: datetime) -> None:
    """End what is still open of a run that was just closed."""
    if TURN_DOWN.on(connection, {"of": run, "now": now}).rowcount != 0:
        assignments.OF_RUN.on(connection, {"of": run})
    CUT.on(connection, {"of": run, "now": now})
