"""What operators have paused: everything, a tool, or an event type, per tenant. Start with `pause` and `resume`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, literal_column, select, update
from sqlalchemy.exc import IntegrityError

from agent.store.tables import pauses, runs

Scope: TypeAlias = Literal["all", "tool", "event"]

# Written out, as a partial index serves no bound value.
QUEUED: ColumnElement[str] = literal_column("'queued'")


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Something that is paused."""

    tenant: str
    scope: Scope
    name: str
    """Of the tool or event type; empty for `all`."""
    by: str
    reason: str | None
    since: datetime


def held_text(scope: Scope, name: str) -> str:
    """What `runs.held` says of a run that waits for the end of this pause."""
    return scope if scope == "all" else f"{scope}:{name}"


def pause(connection: Connection, wanted: Pause) -> Pause:
    """Store the pause. What is paused already stays as it is: the answer is the pause that stands."""
    standing = find(connection, wanted.tenant, wanted.scope, wanted.name)
    if standing is not None:
        return standing
    try:
        with connection.begin_nested():
            connection.execute(
                insert(pauses).values(
                    tenant=wanted.tenant,
                    scope=wanted.scope,
                    name=wanted.name,
                    by=wanted.by,
                    reason=wanted.reason,
                    since=wanted.since,
                )
            )
    except IntegrityError:
        # Somebody else paused it in between.
        return find(connection, wanted.tenant, wanted.scope, wanted.name) or pause(connection, wanted)
    return wanted


def resume(connection: Connection, tenant: str, scope: Scope, name: str) -> tuple[Pause | None, int]:
    """End the pause and release the queued runs it held: the pause, if there was one, and how many runs."""
    ended = connection.execute(delete(pauses).where(_same(tenant, scope, name)).returning(pauses))
    row = ended.mappings().one_or_none()
    released = connection.execute(
        update(runs)
        .where(runs.c.status == QUEUED, runs.c.held == held_text(scope, name), runs.c.tenant == tenant)
        .values(held=None)
    )
    return None if row is None else Pause(**row), released.rowcount


def stands(connection: Connection, tenant: str, held: str) -> bool:
    """Whether the pause that the text names stands; if so, it cannot end before this transaction does.

    `runs.held` is set only where this is true, in the same transaction: a pause that a worker still remembers may have
    ended, and then nobody would ever release the run.
    """
    scope, _, name = held.partition(":")
    query = select(pauses.c.scope).where(_same(tenant, scope, name)).with_for_update(read=True)
    return connection.execute(query).first() is not None


def find(connection: Connection, tenant: str, scope: Scope, name: str) -> Pause | None:
    """The pause, if there is one."""
    row = connection.execute(select(pauses).where(_same(tenant, scope, name))).mappings().one_or_none()
    return None if row is None else Pause(**row)


def listed(connection: Connection, tenant: str | None) -> tuple[Pause, ...]:
    """The pauses of a tenant (None: of all), oldest first."""
    query = select(pauses).order_by(pauses.c.since, pauses.c.scope, pauses.c.name)
    if tenant is not None:
        query = query.where(pauses.c.tenant == tenant)
    return tuple(Pause(**row) for row in connection.execute(query).mappings())


def _same(tenant: str, scope: str, name: str) -> ColumnElement[bool]:
    return and_(pauses.c.tenant == tenant, pauses.c.scope == scope, pauses.c.name == name)
