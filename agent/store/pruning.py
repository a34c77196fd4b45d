"""Removing finished runs with all that belongs to them; memory and the inbox's names of events stay.

Start with `page`, then `remove`, then `remove_unused`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, select, tuple_, update

from agent.store.runs import Start
from agent.store.tables import (
    approvals,
    assignments,
    calls,
    dead_letters,
    decisions,
    effects,
    inbox,
    large_results,
    runs,
)

FINISHED = ("done", "stopped", "failed", "cancelled")
OF_RUNS = (assignments, dead_letters, approvals, effects, calls, decisions)
"""Tables whose rows go with their run."""
DOUBTFUL = exists().where(effects.c.run == runs.c.id, effects.c.state.in_(("claimed", "unknown")))
"""An operator has still to say what became of one of the run's calls."""


@dataclass(frozen=True, kw_only=True)
class OldRun:
    """A run that may be removed."""

    id: str
    segment: int
    """Number of its last segment."""

    @property
    def workflows(self) -> tuple[str, ...]:
        """Ids of the workflows that handled it."""
        return tuple(Start(run=self.id, segment=number, owner="").workflow for number in range(self.segment + 1))


def counts(connection: Connection, before: datetime) -> tuple[int, int]:
    """How many runs ended before a time: those in no doubt, and those that stay because an effect is unknown."""
    old = select(func.count()).select_from(runs).where(_old(before))
    doubtful = connection.execute(old.where(DOUBTFUL)).scalar_one()
    return connection.execute(old).scalar_one() - doubtful, doubtful


def page(connection: Connection, before: datetime, after: str, limit: int) -> tuple[OldRun, ...]:
    """Runs that ended before a time and are in no doubt, in order of id; `after` is exclusive."""
    rows = connection.execute(
        select(runs.c.id, runs.c.segment)
        .where(runs.c.id > after, _old(before), ~DOUBTFUL)
        .order_by(runs.c.id)
        .limit(limit)
    )
    return tuple(OldRun(id=row.id, segment=row.segment) for row in rows)


def _old(before: datetime) -> ColumnElement[bool]:
    return and_(runs.c.status.in_(FINISHED), runs.c.closed_at < before)


def remove(connection: Connection, ids: Collection[str], before: datetime) -> int:
    """Remove those of the runs that may still be removed; how many.

    Of their events the inbox keeps all but the data: a redelivery is known by source, id and hash as before.
    """
    held = connection.execute(
        select(runs.c.id)
        .where(runs.c.id.in_(list(ids)), _old(before), ~DOUBTFUL)
        .with_for_update(skip_locked=True, of=runs)
    )
    found = list(held.scalars())
    for table in OF_RUNS:
        connection.execute(delete(table).where(table.c.run.in_(found)))
    connection.execute(update(inbox).where(inbox.c.run.in_(found)).values(data={}))
    connection.execute(delete(runs).where(runs.c.id.in_(found)))
    return len(found)


UNUSED = tuple_(large_results.c.tenant, large_results.c.digest).not_in(
    select(effects.c.tenant, effects.c.large_result).where(effects.c.large_result.is_not(None))
)


def unused(connection: Connection, before: datetime) -> Sequence[tuple[str, str]]:
    """Tenant and digest of large results that were last stored before a time and that no effect refers to."""
    rows = connection.execute(
        select(large_results.c.tenant, large_results.c.digest).where(large_results.c.created_at < before, UNUSED)
    )
    return [(row.tenant, row.digest) for row in rows]


def remove_unused(connection: Connection, names: Sequence[tuple[str, str]], before: datetime) -> int:
    """Remove those of the large results that are still unused; how many.

    The time is asked for again: a worker that stores the same result meanwhile moves it, before its effect is seen.
    """
    removed = connection.execute(
        delete(large_results).where(
            tuple_(large_results.c.tenant, large_results.c.digest).in_(list(names)),
            large_results.c.created_at < before,
            UNUSED,
        )
    )
    return removed.rowcount
