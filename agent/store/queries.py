"""What the API, the console and the command line list: rows as JSON objects, pages by cursor. Start with `list_runs`.

One run with everything that is known of it is `agent.store.whole_run`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, select

from agent.store import large, run_order
from agent.store.sources import silenced
from agent.store.tables import (
    approvals,
    dead_letters,
    effects,
    episodes,
    inbox,
    outcomes,
    pauses,
    rewards,
    runs,
)
from tools.types import JsonValue

Shown: TypeAlias = dict[str, Any]
Columns: TypeAlias = Mapping[str, Any] | RowMapping
"""A row's values by the columns' names."""
LOOKED_AT = 20_000
"""Accepted events that one page of runs looks through, where no index answers."""


@dataclass(frozen=True, kw_only=True)
class EffectResult:
    """What an effect ended with, whole."""

    state: str
    result: JsonValue


@dataclass(frozen=True, kw_only=True)
class RunFilter:
    """Which runs to list; None means any."""

    status: str | None = None
    event_type: str | None = None
    subject: str | None = None
    source: str | None = None

    @property
    def scans(self) -> bool:
        """Whether runs are looked through one by one, as no index answers it."""
        return self.subject is None and (self.event_type is not None or self.source is not None)


@dataclass(frozen=True, kw_only=True)
class Page:
    """Rows, newest first, and the cursor of the next page if there is one."""

    items: list[Shown]
    next: str | None


def iso(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def list_runs(connection: Connection, tenant: str, wanted: RunFilter, cursor: str | None, limit: int) -> Page:
    """Runs, newest first, without their decisions; fewer than `limit` where it has looked at `LOOKED_AT` for them."""
    high = run_order.newest(connection) if cursor is None else run_order.before(connection, cursor)
    bottom = max(0, high - LOOKED_AT) if wanted.scans else 0
    query = runs_with_events().where(runs.c.seq > bottom, runs.c.seq <= high, *matching(wanted))
    query = run_order.newest_first(query, tenant, by_subject=wanted.subject is not None)
    page = _page([run_row(row) for row in connection.execute(query.limit(limit + 1)).mappings()], limit)
    return page if page.next is not None or not bottom else replace(page, next=str(bottom))


def matching(wanted: RunFilter) -> list[ColumnElement[bool]]:
    """What a run must be."""
    columns = (
        (runs.c.status, wanted.status),
        (runs.c.event_type, wanted.event_type),
        (runs.c.subject, wanted.subject),
        (runs.c.source, wanted.source),
    )
    return [column == value for column, value in columns if value is not None]


def _page(items: list[Shown], limit: int, by: str = "id") -> Page:
    more = len(items) > limit
    kept = items[:limit]
    return Page(items=kept, next=kept[-1][by] if more else None)


def runs_with_events() -> Select[Any]:
    """Runs beside the events they were opened by."""
    return select(
        runs,
        inbox.c.id.label("event_id"),
        inbox.c.time,
        inbox.c.data,
    ).join(inbox, inbox.c.seq == runs.c.seq)


def run_row(row: Columns) -> Shown:
    """A run of `runs_with_events`, as lists show it."""
    return {
        "id": row["id"],
        "status": row["status"],
        "event": {
            "source": row["source"],
            "id": row["event_id"],
            "type": row["event_type"],
            "subject": row["subject"],
            "time": iso(row["time"]),
            "data": row["data"],
        },
        "decided_by": row["decided_by"],
        "end": None if row["end_code"] is None else {"code": row["end_code"], "detail": row["end_detail"]},
        "events": row["events"],
        "attempts": row["attempts"],
        "due_at": iso(row["due_at"]),
        "held": row["held"],
        "cancelled_by": row["cancelled_by"],
        "created_at": iso(row["created_at"]),
        "closed_at": iso(row["closed_at"]),
    }


def list_effects(connection: Connection, tenant: str, state: str | None, cursor: str | None, limit: int) -> Page:
    """Effects, newest first."""
    query = select(effects).where(effects.c.tenant == tenant).order_by(effects.c.key.desc())
    if state is not None:
        query = query.where(effects.c.state == state)
    if cursor is not None:
        query = query.where(effects.c.key < cursor)
    rows = connection.execute(query.limit(limit + 1)).mappings()
    return _page([effect_row(row) for row in rows], limit, by="key")


def show_effect(connection: Connection, tenant: str, key: str) -> Shown | None:
    """One effect by its key."""
    row = (
        connection.execute(select(effects).where(effects.c.key == key, effects.c.tenant == tenant))
        .mappings()
        .one_or_none()
    )
    return None if row is None else effect_row(row)


def effect_result(connection: Connection, tenant: str, key: str) -> EffectResult | None:
    """The whole result of an effect, also where `show_effect` gives the excerpt of a large one."""
    row = connection.execute(
        select(effects.c.state, effects.c.result, effects.c.large_result).where(
            effects.c.key == key, effects.c.tenant == tenant
        )
    ).one_or_none()
    if row is None:
        return None
    digest = row.large_result
    result = row.result if digest is None else large.read(connection, tenant, [digest])[digest]
    return EffectResult(state=row.state, result=result)


def effect_row(row: Columns) -> Shown:
    """An effect, as it is shown."""
    shown: Shown = {
        "key": row["key"],
        "run": row["run"],
        "tool": row["tool"],
        "subject": row["subject"],
        "arguments": row["arguments"],
        "state": row["state"],
        "attempts": row["attempts"],
        "started_at": iso(row["started_at"]),
        "ended_at": iso(row["ended_at"]),
    }
    if row["state"] == "done":
        shown["result"] = row["result"]
    if row["error"] is not None:
        shown["error"] = row["error"]
    if row["verified"] is not None:
        shown["verified"] = row["verified"]
    if row["settled_by"] is not None:
        shown["settled"] = {"by": row["settled_by"], "reason": row["settled_reason"]}
    return shown


def list_approvals(connection: Connection, tenant: str, state: str | None, cursor: str | None, limit: int) -> Page:
    """Approvals, newest first."""
    query = select(approvals).where(approvals.c.tenant == tenant).order_by(approvals.c.id.desc())
    if state is not None:
        query = query.where(approvals.c.state == state)
    if cursor is not None:
        query = query.where(approvals.c.id < cursor)
    rows = connection.execute(query.limit(limit + 1)).mappings()
    return _page([approval_row(row) for row in rows], limit)


def show_approval(connection: Connection, tenant: str, approval: str) -> Shown | None:
    """One approval."""
    row = (
        connection.execute(select(approvals).where(approvals.c.id == approval, approvals.c.tenant == tenant))
        .mappings()
        .one_or_none()
    )
    return None if row is None else approval_row(row)


def approval_row(row: Columns) -> Shown:
    """An approval or a question, as it is shown."""
    shown: Shown = {
        "id": row["id"],
        "run": row["run"],
        "decision": row["decision"],
        "kind": row["kind"],
        "state": row["state"],
        "tool": row["tool"],
        "arguments": row["arguments"],
        "arguments_hash": row["arguments_hash"],
        "created_at": iso(row["created_at"]),
        "answered_at": iso(row["answered_at"]),
        "answered_by": row["answered_by"],
        "reason": row["reason"],
    }
    if row["kind"] == "question":
        asked = row["question"]
        shown |= {"question": asked["text"], "options": asked["options"], "missing": asked["missing"]}
    return shown


def list_outcomes(connection: Connection, tenant: str, state: str | None, cursor: str | None, limit: int) -> Page:
    """Outcomes, newest first, joined or not."""
    query = outcomes_with_events().where(outcomes.c.tenant == tenant).order_by(outcomes.c.id.desc())
    if state is not None:
        query = query.where(outcomes.c.state == state)
    if cursor is not None:
        query = query.where(outcomes.c.id < cursor)
    rows = list(connection.execute(query.limit(limit + 1)).mappings())
    return _page(_with_rewards(connection, rows), limit)


def outcomes_with_events() -> Select[Any]:
    """Outcomes beside the events that told them."""
    return select(
        outcomes,
        inbox.c.id.label("event_id"),
        inbox.c.time,
        inbox.c.data,
        silenced(outcomes.c.tenant, outcomes.c.source).label("revoked"),
    ).join(inbox, inbox.c.seq == outcomes.c.seq)


def _with_rewards(connection: Connection, rows: Sequence[RowMapping]) -> list[Shown]:
    wanted = [row["id"] for row in rows]
    found = connection.execute(select(rewards).where(rewards.c.outcome.in_(wanted)))
    graded = by_outcome((row.outcome, row.goal, row.reward) for row in found)
    return [outcome_row(row, graded) for row in rows]


def by_outcome(found: Iterable[tuple[str, str, float]]) -> Mapping[str, Mapping[str, float]]:
    """Outcome, goal and reward, as rewards by goal of each outcome."""
    graded: dict[str, dict[str, float]] = {}
    for outcome, goal, reward in found:
        graded.setdefault(outcome, {})[goal] = reward
    return graded


def outcome_row(row: Columns, graded: Mapping[str, Mapping[str, float]]) -> Shown:
    """An outcome of `outcomes_with_events`, as it is shown, with its rewards."""
    return {
        "id": row["id"],
        "type": row["type"],
        "subject": row["subject"],
        "source": row["source"],
        "event_id": row["event_id"],
        "time": iso(row["time"]),
        "data": row["data"],
        "state": row["state"],
        "run": row["run"],
        "rewards": graded.get(row["id"], {}),
        "detail": row["detail"],
        "revoked": row["revoked"],
    }


def counts(connection: Connection, tenant: str) -> Shown:
    """How many runs there are of each status, what waits for an operator, and how much an operator has paused."""
    by_status = connection.execute(
        select(runs.c.status, func.count().label("number")).where(runs.c.tenant == tenant).group_by(runs.c.status)
    ).all()
    waiting = connection.execute(
        select(func.count()).where(approvals.c.tenant == tenant, approvals.c.state == "pending")
    ).scalar_one()
    unknown = connection.execute(
        select(func.count()).where(effects.c.tenant == tenant, effects.c.state == "unknown")
    ).scalar_one()
    dead = connection.execute(
        select(func.count()).where(dead_letters.c.tenant == tenant, dead_letters.c.state == "open")
    ).scalar_one()
    paused = connection.execute(select(func.count()).where(pauses.c.tenant == tenant)).scalar_one()
    remembered = connection.execute(select(func.count()).where(episodes.c.tenant == tenant)).scalar_one()
    return {
        "runs": {row.status: row.number for row in by_status},
        "approvals_pending": waiting,
        "effects_unknown": unknown,
        "dead_letters_open": dead,
        "pauses": paused,
        "episodes": remembered,
    }
