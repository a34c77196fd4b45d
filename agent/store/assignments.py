"""Who takes care of which thing that waits. Start with `assign`.

A row stands as long as what it is about waits: whatever ends that takes the row away, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from agent.store.prepared import Prepared
from agent.store.tables import approvals, assignments, dead_letters, effects

Kind: TypeAlias = Literal["approval", "effect", "letter"]
"""An approval or question, an effect in doubt, a dead letter; named by its id, the effect's key, or the run."""


@dataclass(frozen=True, kw_only=True)
class Assigned:
    """Who has something, since when, and who said so."""

    to: str
    by: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What waits, and who has it."""

    run: str
    assigned: Assigned | None


class Ended(Exception):
    """It waits no more."""


OF_RUN = Prepared(delete(assignments).where(assignments.c.run == bindparam("of"), assignments.c.kind == "approval"))


def hold(connection: Connection, tenant: str, kind: Kind, item: str) -> Standing | None:
    """What waits, which does not end before the commit; None where there is no such thing. Raises `Ended`."""
    table, name, waits = {
        "approval": (approvals, approvals.c.id, "pending"),
        "effect": (effects, effects.c.key, "unknown"),
        "letter": (dead_letters, dead_letters.c.run, "open"),
    }[kind]
    query = select(table.c.run, table.c.state).where(table.c.tenant == tenant, name == item).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.state != waits:
        raise Ended(row.state)
    return Standing(run=row.run, assigned=of(connection, tenant, kind, [item]).get(item))


def assign(connection: Connection, tenant: str, kind: Kind, item: str, run: str, wanted: Assigned | None) -> None:
    """Give what is held to somebody, or to nobody."""
    same = (assignments.c.tenant == tenant, assignments.c.kind == kind, assignments.c.item == item)
    if wanted is None:
        connection.execute(delete(assignments).where(*same))
        return
    values = {"assignee": wanted.to, "by": wanted.by, "since": wanted.since}
    if connection.execute(update(assignments).where(*same).values(values)).rowcount == 0:
        connection.execute(insert(assignments).values(tenant=tenant, kind=kind, item=item, run=run, **values))


def forget(connection: Connection, kind: Kind, item: str) -> None:
    """It waits no more."""
    connection.execute(delete(assignments).where(assignments.c.kind == kind, assignments.c.item == item))


def of(connection: Connection, tenant: str, kind: Kind, items: Collection[str]) -> Mapping[str, Assigned]:
    """Of those of the items that somebody has, who."""
    rows = connection.execute(
        select(assignments).where(
            assignments.c.tenant == tenant, assignments.c.kind == kind, assignments.c.item.in_(list(items))
        )
    )
    return {row.item: Assigned(to=row.assignee, by=row.by, since=row.since) for row in rows}


def numbers(connection: Connection, tenant: str) -> Mapping[tuple[str, str], int]:
    """How many things everybody has, by kind as the inbox names them (`call`, `question`, ...) and name."""
    kind = func.coalesce(approvals.c.kind, assignments.c.kind).label("kind")
    rows = connection.execute(
        select(kind, assignments.c.assignee, func.count().label("number"))
        .select_from(assignments.outerjoin(approvals, approvals.c.id == assignments.c.item))
        .where(assignments.c.tenant == tenant)
        .group_by(kind, assignments.c.assignee)
    )
    return {(row.kind, row.assignee): row.number for row in rows}
