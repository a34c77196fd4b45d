"""What the operators' chat looks for: runs, calls, what was weighed, what waits. Start with `find_runs`.

Everything is bounded; what is shown of a row is what `agent.store.queries` and `whole_run` show of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from agent.store import dead, queries, run_order
from agent.store.decisions import APPROVAL_OF_CALL, EFFECT_OF_CALL
from agent.store.pauses import Scope, held_text
from agent.store.queries import RunFilter, Shown
from agent.store.tables import approvals, calls, dead_letters, decisions, effects, runs
from agent.store.whole_run import show_run

T = TypeVar("T")
LATEST_SUBJECTS = 2_000
"""Latest runs among which a subject like a misspelt one is looked for."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """From a moment on, until just before another; None: without end."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, column: Any) -> ColumnElement[bool]:
        """Whether the column's moment lies in it."""
        bounds = [] if self.since is None else [column >= self.since]
        return and_(True, *bounds, *([] if self.until is None else [column < self.until]))


@dataclass(frozen=True, kw_only=True)
class RunSearch(RunFilter):
    """Which runs to look for."""

    tool: str | None = None
    """A tool, or an action of one, that a decision called, whatever came of the call."""
    window: Window = Window()


@dataclass(frozen=True, kw_only=True)
class ToolSearch:
    """Which calls, or decisions, of a tool; None means any."""

    tool: str
    """A tool, or an action of one."""
    subject: str | None = None
    run: str | None = None
    window: Window = Window()


@dataclass(frozen=True, kw_only=True)
class Some:
    """Rows, and how many there are in all."""

    items: list[Shown]
    total: int


def find_runs(connection: Connection, tenant: str, wanted: RunSearch, limit: int) -> Some:
    """Whole runs, newest first."""
    inside = wanted.window.holds(runs.c.created_at)
    query = select(runs.c.id).where(inside, *queries.matching(wanted))
    if wanted.tool is not None:
        called = select(calls.c.run).where(calls.c.run == runs.c.id, _is_of(wanted.tool)).exists()
        query = query.where(called)
    mine = query.where(runs.c.tenant == tenant)
    ordered = run_order.newest_first(query, tenant, by_subject=wanted.subject is not None)
    names = connection.execute(ordered.limit(limit)).scalars()
    shown = (show_run(connection, tenant, name) for name in names)
    return Some(items=[one for one in shown if one is not None], total=_number(connection, mine))


def _is_of(tool: str) -> ColumnElement[bool]:
    return or_(calls.c.tool == tool, calls.c.action == tool)


def _number(connection: Connection, query: Select[Any]) -> int:
    return connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()


def subjects(connection: Connection, tenant: str) -> list[str]:
    """Of the latest runs, each once, latest first."""
    query = run_order.newest_first(select(runs.c.subject), tenant, by_subject=False).limit(LATEST_SUBJECTS)
    return list(dict.fromkeys(connection.execute(query).scalars()))


def has_subject(connection: Connection, tenant: str, subject: str) -> bool:
    """Whether there is a run about it."""
    query = select(runs.c.id).where(runs.c.tenant == tenant, runs.c.subject == subject).limit(1)
    return connection.execute(query).first() is not None


def find_calls(connection: Connection, tenant: str, wanted: ToolSearch, limit: int) -> Some:
    """Calls that decisions asked for, newest first: each with its decision, its effect and its approval."""
    query = (
        select(
            calls,
            runs.c.subject,
            runs.c.event_type,
            decisions.c.reason,
            decisions.c.candidates,
            decisions.c.decided_at,
            effects.c.key,
            effects.c.state,
            effects.c.error,
            effects.c.settled_by,
            effects.c.started_at,
            effects.c.verified,
            approvals.c.state.label("answer"),
            approvals.c.answered_by,
            approvals.c.reason.label("answer_reason"),
        )
        .join(runs, runs.c.id == calls.c.run)
        .join(decisions, and_(decisions.c.run == calls.c.run, decisions.c.number == calls.c.decision))
        .outerjoin(effects, EFFECT_OF_CALL)
        .outerjoin(approvals, APPROVAL_OF_CALL)
        .where(runs.c.tenant == tenant, _is_of(wanted.tool), wanted.window.holds(decisions.c.decided_at))
    )
    query = _narrowed(query, wanted)
    order = (calls.c.run.desc(), calls.c.decision.desc(), calls.c.position)
    rows = connection.execute(query.order_by(*order).limit(limit)).mappings()
    plain = select(calls.c.run).join(runs, runs.c.id == calls.c.run)
    plain = plain.join(decisions, and_(decisions.c.run == calls.c.run, decisions.c.number == calls.c.decision))
    plain = plain.where(runs.c.tenant == tenant, _is_of(wanted.tool), wanted.window.holds(decisions.c.decided_at))
    return Some(items=[dict(row) for row in rows], total=_number(connection, _narrowed(plain, wanted)))


def _narrowed(query: Select[Any], wanted: ToolSearch) -> Select[Any]:
    if wanted.subject is not None:
        query = query.where(runs.c.subject == wanted.subject)
    return query if wanted.run is None else query.where(runs.c.id == wanted.run)


def latest_decisions(connection: Connection, tenant: str, wanted: ToolSearch, limit: int) -> list[Shown]:
    """What decisions weighed, whether or not the tool was among it, newest first."""
    query = (
        select(
            decisions.c.run,
            decisions.c.number,
            decisions.c.decided_by,
            decisions.c.decided_at,
            decisions.c.candidates,
            runs.c.subject,
            runs.c.event_type,
        )
        .join(runs, runs.c.id == decisions.c.run)
        .where(runs.c.tenant == tenant, wanted.window.holds(decisions.c.decided_at))
        .order_by(decisions.c.run.desc(), decisions.c.number.desc())
    )
    return [dict(row) for row in connection.execute(_narrowed(query, wanted).limit(limit)).mappings()]


def evidence_of(connection: Connection, run: str) -> list[Shown]:
    """What memory told each decision of a run, first to last, with why it could not, and the decision's arm."""
    query = (
        select(decisions.c.number, decisions.c.evidence, decisions.c.degraded, decisions.c.arm)
        .where(decisions.c.run == run)
        .order_by(decisions.c.number)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def pending(connection: Connection, tenant: str, subject: str | None, limit: int, tool: str | None = None) -> Some:
    """Approvals and questions that nobody has answered, oldest first, each with its run's subject and event type."""
    query = (
        select(approvals.c.id, runs.c.subject, runs.c.event_type)
        .join(runs, runs.c.id == approvals.c.run)
        .where(approvals.c.tenant == tenant, approvals.c.state == "pending")
    )
    if subject is not None:
        query = query.where(runs.c.subject == subject)
    if tool is not None:
        query = query.where(approvals.c.tool == tool)
    order = (approvals.c.created_at, approvals.c.run, approvals.c.position)
    items = []
    for row in connection.execute(query.order_by(*order).limit(limit)):
        shown = queries.show_approval(connection, tenant, row.id)
        items += [] if shown is None else [{**shown, "subject": row.subject, "event_type": row.event_type}]
    return Some(items=items, total=_number(connection, query))


def unknown_effects(connection: Connection, tenant: str, subject: str | None, limit: int) -> Some:
    """Effects of which nobody knows whether they happened, oldest first."""
    query = select(effects.c.key).where(effects.c.tenant == tenant, effects.c.state == "unknown")
    if subject is not None:
        query = query.where(effects.c.subject == subject)
    keys: Sequence[str] = list(connection.execute(query.order_by(effects.c.started_at).limit(limit)).scalars())
    shown = (queries.show_effect(connection, tenant, key) for key in keys)
    return Some(items=[one for one in shown if one is not None], total=_number(connection, query))


def open_letters(connection: Connection, tenant: str, subject: str | None, limit: int) -> Some:
    """Dead letters that wait for an operator, oldest first."""
    query = (
        select(dead_letters.c.run)
        .join(runs, runs.c.id == dead_letters.c.run)
        .where(dead_letters.c.tenant == tenant, dead_letters.c.state == "open")
    )
    if subject is not None:
        query = query.where(runs.c.subject == subject)
    names = list(connection.execute(query.order_by(dead_letters.c.since).limit(limit)).scalars())
    shown = (dead.find_letter(connection, tenant, name) for name in names)
    return Some(items=[one for one in shown if one is not None], total=_number(connection, query))


def held_back(connection: Connection, tenant: str, scope: Scope, name: str) -> int:
    """How many queued runs a pause keeps waiting, or would: a tool's only those that were about to call it."""
    query = select(func.count()).where(runs.c.tenant == tenant, runs.c.status == "queued")
    if scope == "event":
        query = query.where(runs.c.event_type == name)
    elif scope == "tool":
        query = query.where(runs.c.held == held_text(scope, name))
    return connection.execute(query).scalar_one()
