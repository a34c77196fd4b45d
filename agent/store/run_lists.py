"""Runs as a list to look through, newest first, however many there are. Start with `find`.

The newest come by the order in which their events were accepted. A filter that no index answers looks at a bounded
number of runs for each page, and says how far it has looked; so a page costs the same at the hundred-thousandth run.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select

from agent.store import progress, run_order
from agent.store.chat_queries import Window
from agent.store.queries import Shown, iso
from agent.store.tables import approvals, calls, decisions, effects, outcomes, runs
from agent.types import REFLEX

SPAN = 5_000
"""Accepted events that one page looks through, where no index answers."""
LONGEST = 300
"""Characters of an end's detail."""
STEPS = 12
"""Effects of a run that are named."""

By: TypeAlias = Literal["model", "planner", "reflex", "operator"]
PLANNER = "planner"


@dataclass(frozen=True, kw_only=True)
class ListFilter:
    """Which runs; None means any."""

    status: str | None = None
    event_type: str | None = None
    subject: str | None = None
    source: str | None = None
    tool: str | None = None
    """A tool, or an action of one, that a decision asked for, whatever came of the call."""
    by: By | None = None
    """Who made a decision of it, or (`operator`) gave it a call."""
    window: Window = field(default_factory=Window)

    @property
    def scans(self) -> bool:
        """Whether rows are looked through to find those that fit."""
        return self.subject is None and any((self.event_type, self.source, self.tool, self.by))


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Some runs, newest first."""

    items: list[Shown]
    next: int | None
    """Where to go on; None at the end."""
    looked_back_to: datetime | None = None
    """Where the search stopped although there may be more; None if it did not."""


def find(connection: Connection, tenant: str, wanted: ListFilter, before: int | None, limit: int) -> Listing:
    """The newest of those accepted before `before`, a position in the inbox."""
    low, high = _bounds(connection, wanted.window, before)
    bottom = max(low, high - SPAN) if wanted.scans else low
    query = _rows().where(*_conditions(wanted), runs.c.seq > bottom, runs.c.seq <= high)
    query = run_order.newest_first(query, tenant, by_subject=wanted.subject is not None)
    rows = list(connection.execute(query.limit(limit + 1)))
    items = _told(connection, rows[:limit])
    if len(rows) > limit:
        return Listing(items=items, next=items[-1]["seq"])
    if bottom <= low:
        return Listing(items=items, next=None)
    return Listing(items=items, next=bottom + 1, looked_back_to=_moment(connection, bottom + 1))


def newest(connection: Connection, tenant: str, statuses: Sequence[str], limit: int) -> list[Shown]:
    """The newest of these statuses, each found by an index however many runs there are."""
    found: list[Row[Any]] = []
    for status in statuses:
        query = run_order.newest_first(_rows().where(runs.c.status == status), tenant, by_subject=False)
        found += connection.execute(query.limit(limit))
    return _told(connection, sorted(found, key=lambda row: -row.seq)[:limit])


def again(connection: Connection, tenant: str, ids: Sequence[str]) -> list[Shown]:
    """The same runs as they are now."""
    return _told(connection, list(connection.execute(_rows().where(runs.c.tenant == tenant, runs.c.id.in_(list(ids))))))


def subjects_from(connection: Connection, tenant: str, beginning: str, limit: int) -> list[str]:
    """Subjects that begin like this, in their order."""
    column = runs.c.subject
    begins = (runs.c.tenant == tenant, column >= beginning, column < beginning + "\U0010ffff")
    return list(connection.execute(select(column).where(*begins).distinct().order_by(column).limit(limit)).scalars())


def mark(connection: Connection, run: str) -> Hashable:
    """Another one when anything has happened to the run, or an outcome came."""
    judged = select(func.count(), func.max(outcomes.c.joined_at)).where(outcomes.c.run == run)
    return progress.marks(connection, [run]).get(run), tuple(connection.execute(judged).one())


def _rows() -> Select[Any]:
    columns = ("id", "seq", "status", "event_type", "subject", "source", "decided_by", "end_code", "held", "events")
    moments = ("created_at", "closed_at", "due_at")
    detail = func.substr(runs.c.end_detail, 1, LONGEST).label("end_detail")
    return select(*(runs.c[name] for name in (*columns, *moments)), detail)


def _conditions(wanted: ListFilter) -> list[ColumnElement[bool]]:
    found = [wanted.window.holds(runs.c.created_at)]
    for column, value in (
        (runs.c.status, wanted.status),
        (runs.c.event_type, wanted.event_type),
        (runs.c.subject, wanted.subject),
        (runs.c.source, wanted.source),
    ):
        found += [] if value is None else [column == value]
    if wanted.tool is not None:
        named = or_(calls.c.tool == wanted.tool, calls.c.action == wanted.tool)
        found.append(select(calls.c.run).where(calls.c.run == runs.c.id, named).exists())
    return found if wanted.by is None else [*found, _decided(wanted.by)]


def _decided(by: By) -> ColumnElement[bool]:
    if by == "operator":
        return select(calls.c.run).where(calls.c.run == runs.c.id, calls.c.decided_by == by).exists()
    column = decisions.c.decided_by
    theirs = column.not_in((PLANNER, REFLEX)) if by == "model" else column == by
    return select(decisions.c.run).where(decisions.c.run == runs.c.id, theirs).exists()


def _bounds(connection: Connection, window: Window, before: int | None) -> tuple[int, int]:
    """Positions in the inbox: after the first, up to the second."""
    low, high = run_order.within(connection, window.since, window.until)
    return low, high if before is None else min(high, before - 1)


def _moment(connection: Connection, position: int) -> datetime | None:
    query = select(runs.c.created_at).where(runs.c.seq >= position).order_by(runs.c.seq).limit(1)
    return connection.execute(query).scalar_one_or_none()


def _told(connection: Connection, rows: Sequence[Row[Any]]) -> list[Shown]:
    """With what was done in each, and what each waits for."""
    names = [row.id for row in rows]
    done: dict[str, list[tuple[str, str]]] = {}
    query = select(effects.c.run, effects.c.tool, effects.c.state).where(effects.c.run.in_(names))
    for row in connection.execute(query.order_by(effects.c.run, effects.c.decision, effects.c.position)):
        done.setdefault(row.run, []).append((row.tool, row.state))
    asked: dict[str, list[tuple[str, str | None]]] = {}
    waits = select(approvals.c.run, approvals.c.kind, approvals.c.tool).where(
        approvals.c.run.in_([row.id for row in rows if row.status == "waiting"]), approvals.c.state == "pending"
    )
    for row in connection.execute(waits):
        asked.setdefault(row.run, []).append((row.kind, row.tool))
    return [_row(row, done.get(row.id, []), asked.get(row.id, [])) for row in rows]


def _row(row: Row[Any], done: list[tuple[str, str]], asked: list[tuple[str, str | None]]) -> Shown:
    return {
        "id": row.id,
        "seq": row.seq,
        "status": row.status,
        "type": row.event_type,
        "subject": row.subject,
        "source": row.source,
        "events": row.events,
        "decided_by": row.decided_by,
        "end": None if row.end_code is None else {"code": row.end_code, "detail": row.end_detail},
        "held": row.held,
        "due_at": iso(row.due_at),
        "created_at": iso(row.created_at),
        "closed_at": iso(row.closed_at),
        "effects": done[:STEPS],
        "effects_more": max(0, len(done) - STEPS),
        "waits_for": asked,
    }
