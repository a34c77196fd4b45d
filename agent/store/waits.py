"""What waits for a person, oldest first, one line of each; how many there are. Start with `heads`.

Details are read when one is opened. A pause waits for a person while it holds runs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias, get_args

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, select

from agent.store import pauses
from agent.store.assignments import Assigned
from agent.store.chat_queries import held_back
from agent.store.pauses import held_text
from agent.store.tables import approvals, assignments, dead_letters, effects, runs

WaitKind: TypeAlias = Literal["call", "question", "effect", "letter", "pause"]
KINDS: tuple[WaitKind, ...] = get_args(WaitKind)


@dataclass(frozen=True, kw_only=True)
class Head:
    """One thing that waits."""

    kind: WaitKind
    id: str
    """Of the approval or question; the effect's key; the dead letter's run; what a pause is called in `runs.held`."""
    since: datetime
    run: str | None
    subject: str | None
    event_type: str | None
    tool: str | None
    says: str
    """A question's words, an error, a reason."""
    held: int = 0
    """Runs that a pause holds."""
    assigned: Assigned | None = None
    """Who takes care of it."""


@dataclass(frozen=True, kw_only=True)
class Whose:
    """Only what this person has; None: what nobody has."""

    name: str | None


def heads(
    connection: Connection, tenant: str, kinds: Collection[WaitKind], limit: int, whose: Whose | None = None
) -> list[Head]:
    """The oldest of these kinds, and nothing else of them; nobody has a pause."""
    nobodys = whose is None or whose.name is None
    found = [
        *_asked(connection, tenant, [kind for kind in ("call", "question") if kind in kinds], limit, whose),
        *(_effects(connection, tenant, limit, whose) if "effect" in kinds else ()),
        *(_letters(connection, tenant, limit, whose) if "letter" in kinds else ()),
        *(_pauses(connection, tenant) if "pause" in kinds and nobodys else ()),
    ]
    return sorted(found, key=lambda one: (one.since, one.id))[:limit]


def numbers(connection: Connection, tenant: str) -> Mapping[WaitKind, int]:
    """How many of each kind wait, none left out."""
    asked = connection.execute(
        select(approvals.c.kind, func.count().label("number"))
        .where(approvals.c.tenant == tenant, approvals.c.state == "pending")
        .group_by(approvals.c.kind)
    )
    in_doubt = select(func.count()).where(effects.c.tenant == tenant, effects.c.state == "unknown")
    dead = select(func.count()).where(dead_letters.c.tenant == tenant, dead_letters.c.state == "open")
    return {
        **dict.fromkeys(KINDS, 0),
        **{row.kind: row.number for row in asked},
        "effect": connection.execute(in_doubt).scalar_one(),
        "letter": connection.execute(dead).scalar_one(),
        "pause": len(_pauses(connection, tenant)),
    }


def _with(query: Select[Any], kind: str, item: ColumnElement[str], whose: Whose | None) -> Select[Any]:
    """With who has each, and only those that are asked for."""
    same = (assignments.c.tenant == runs.c.tenant, assignments.c.kind == kind, assignments.c.item == item)
    query = query.outerjoin(assignments, and_(*same))
    query = query.add_columns(
        assignments.c.assignee, assignments.c.by.label("given_by"), assignments.c.since.label("given")
    )
    if whose is not None:
        query = query.where(
            assignments.c.assignee.is_(None) if whose.name is None else assignments.c.assignee == whose.name
        )
    return query


def _assigned(row: Row[Any]) -> Assigned | None:
    return None if row.assignee is None else Assigned(to=row.assignee, by=row.given_by, since=row.given)


def _head(row: Row[Any], kind: WaitKind, id: str, since: datetime, tool: str | None, says: str | None) -> Head:
    return Head(
        kind=kind,
        id=id,
        since=since,
        run=row.run,
        subject=row.subject,
        event_type=row.event_type,
        tool=tool,
        says=says or "",
        assigned=_assigned(row),
    )


def _asked(connection: Connection, tenant: str, kinds: Collection[str], limit: int, whose: Whose | None) -> list[Head]:
    if not kinds:
        return []
    of = approvals.c
    query = select(approvals, runs.c.subject, runs.c.event_type).join(runs, runs.c.id == of.run)
    wanted = (
        _with(query, "approval", of.id, whose)
        .where(of.tenant == tenant, of.state == "pending", of.kind.in_(kinds))
        .order_by(of.created_at, of.id)
        .limit(limit)
    )
    return [
        _head(row, row.kind, row.id, row.created_at, row.tool, row.question["text"] if row.question else None)
        for row in connection.execute(wanted)
    ]


def _effects(connection: Connection, tenant: str, limit: int, whose: Whose | None) -> list[Head]:
    of = effects.c
    columns = (of.key, of.started_at, of.run, of.subject, of.tool, of.error, runs.c.event_type)
    query = select(*columns).join(runs, runs.c.id == of.run)
    wanted = (
        _with(query, "effect", of.key, whose)
        .where(of.tenant == tenant, of.state == "unknown")
        .order_by(of.started_at, of.key)
        .limit(limit)
    )
    rows = connection.execute(wanted)
    return [_head(row, "effect", row.key, row.started_at, row.tool, row.error) for row in rows]


def _letters(connection: Connection, tenant: str, limit: int, whose: Whose | None) -> list[Head]:
    of = dead_letters.c
    query = select(of.run, of.since, of.detail, runs.c.subject, runs.c.event_type).join(runs, runs.c.id == of.run)
    wanted = (
        _with(query, "letter", of.run, whose)
        .where(of.tenant == tenant, of.state == "open")
        .order_by(of.since, of.run)
        .limit(limit)
    )
    return [_head(row, "letter", row.run, row.since, None, row.detail) for row in connection.execute(wanted)]


def _pauses(connection: Connection, tenant: str) -> list[Head]:
    found = ((one, held_back(connection, tenant, one.scope, one.name)) for one in pauses.listed(connection, tenant))
    return [
        Head(
            kind="pause",
            id=held_text(one.scope, one.name),
            since=one.since,
            run=None,
            subject=None,
            event_type=one.name if one.scope == "event" else None,
            tool=one.name if one.scope == "tool" else None,
            says=one.reason or "",
            held=held,
        )
        for one, held in found
        if held
    ]
