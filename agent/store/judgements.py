"""Outcomes that an operator gives of a run, by the same inbox as all others. Start with `take`."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, exists, select

from agent.store.inbox import Accepted, Incoming, accept
from agent.store.queue import lock_queue
from agent.store.tables import decisions, inbox, outcomes, runs


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A run as far as an outcome of it is concerned."""

    subject: str
    event_type: str
    decided: bool
    """Whether it has made a decision."""


def find(connection: Connection, tenant: str, run: str) -> Judged | None:
    """The run; None if the tenant has none of that id."""
    decided = exists().where(decisions.c.run == runs.c.id).label("decided")
    query = select(runs.c.subject, runs.c.event_type, decided).where(runs.c.tenant == tenant, runs.c.id == run)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Judged(subject=row.subject, event_type=row.event_type, decided=bool(row.decided))


def take(connection: Connection, tenant: str, incoming: Incoming, *, named: bool) -> Accepted:
    """Store the outcome of the run it names. Raises `EventConflict`.

    Where the sender gave it no name (`named`), saying again what was last said of the run says nothing new.
    """
    lock_queue(connection)
    if not named:
        last = _last_of(connection, incoming)
        if last is not None:
            event = incoming.event
            return Accepted(source=event.source, id=event.id, run=None, outcome=last, duplicate=True)
    (accepted,) = accept(connection, tenant, [incoming], incoming.event.time)
    return accepted


def _last_of(connection: Connection, incoming: Incoming) -> str | None:
    """The latest outcome of the run, if it says the same and the same operator gave it."""
    row = connection.execute(
        select(outcomes.c.id, inbox.c.source, inbox.c.body_hash)
        .join(inbox, inbox.c.seq == outcomes.c.seq)
        .where(outcomes.c.run == incoming.of_run)
        .order_by(outcomes.c.seq.desc())
        .limit(1)
    ).one_or_none()
    if row is None or (row.source, row.body_hash) != (incoming.event.source, incoming.body_hash):
        return None
    return str(row.id)
