"""How tools and the steps they perform were used in a time, and where runs stopped. Start with `stops`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Text, case, distinct, func, select

from agent.store.chat_queries import Window
from agent.store.figures import ENDED
from agent.store.halving import SLACK, last_before
from agent.store.queries import Shown, iso
from agent.store.tables import approvals, calls, effects, inbox, runs

MOST_STOPPED = 20_000
"""Latest runs that stopped which are looked at."""
LONGEST = 300


@dataclass(frozen=True, kw_only=True)
class Stops:
    """Runs that got as far as a tool and no further, and what people said there."""

    failed: int = 0
    stopped: int = 0
    waiting: int = 0
    """Now."""
    answered: int = 0
    """Approvals of its calls that a person answered."""

    @property
    def total(self) -> int:
        """Runs that stand or ended there."""
        return self.failed + self.stopped + self.waiting


def stops(connection: Connection, tenant: str, since: datetime) -> dict[str, Stops]:
    """By the tool that a run asked for last, of the runs that began since then."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for status, tool in _last_tools(connection, tenant, since):
        counted[tool][status] += 1
    answered = (
        select(approvals.c.tool, func.count().label("number"))
        .where(approvals.c.tenant == tenant, approvals.c.answered_at >= since, approvals.c.tool.is_not(None))
        .group_by(approvals.c.tool)
    )
    for row in connection.execute(answered):
        counted[row.tool]["answered"] += row.number
    return {tool: Stops(**counts) for tool, counts in counted.items()}


def _last_tools(connection: Connection, tenant: str, since: datetime) -> Iterator[tuple[str, str]]:
    newest = connection.execute(select(func.max(inbox.c.seq))).scalar_one_or_none() or 0
    low = last_before(connection, runs.c.seq, runs.c.created_at, since - SLACK, newest)
    late = (
        select(runs.c.id, runs.c.status)
        .where(runs.c.tenant.concat("") == tenant, runs.c.seq > low, runs.c.created_at >= since)
        .where(runs.c.status.in_(("failed", "stopped", "waiting")))
        .order_by(runs.c.seq.desc())
        .limit(MOST_STOPPED)
        .subquery()
    )
    query = select(late.c.id, late.c.status, calls.c.tool).join(calls, calls.c.run == late.c.id)
    last = {
        row.id: (row.status, row.tool)
        for row in connection.execute(query.order_by(calls.c.run, calls.c.decision, calls.c.position))
    }
    yield from last.values()


def runs_by_step(connection: Connection, tenant: str, window: Window, steps: Mapping[str, str]) -> dict[str, int]:
    """How many runs called a tool of each step; `steps`: tool -> step."""
    if not steps:
        return {}
    step = case(*((effects.c.tool == tool, name) for tool, name in sorted(steps.items())), else_=None).label("step")
    each = (
        select(step, effects.c.run)
        .where(effects.c.tenant == tenant, effects.c.state.in_((*ENDED, "claimed")), window.holds(effects.c.started_at))
        .subquery()
    )
    query = select(each.c.step, func.count(distinct(each.c.run)).label("number")).group_by(each.c.step)
    return {row.step: row.number for row in connection.execute(query) if row.step is not None}


@dataclass(frozen=True, kw_only=True)
class DayOfTool:
    """The calls of a tool that began on a day of UTC."""

    done: int = 0
    bad: int = 0


def days(connection: Connection, tenant: str, tool: str | None, window: Window) -> dict[str, dict[str, DayOfTool]]:
    """By tool, or of one, and by day, as `2026-11-26`; those without a call are left out."""
    day = _day(connection).label("day")
    query = (
        select(effects.c.tool, day, effects.c.state, func.count().label("number"))
        .where(effects.c.tenant == tenant, effects.c.state.in_(ENDED), window.holds(effects.c.started_at))
        .group_by(effects.c.tool, day, effects.c.state)
    )
    if tool is not None:
        query = query.where(effects.c.tool == tool)
    counted: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for row in connection.execute(query):
        counted[row.tool][row.day][row.state] += row.number
    return {name: {at: _as_day(of) for at, of in by_day.items()} for name, by_day in counted.items()}


def _as_day(of: Mapping[str, int]) -> DayOfTool:
    return DayOfTool(done=of["done"], bad=of["failed"] + of["unknown"])


def _day(connection: Connection) -> ColumnElement[str]:
    if connection.dialect.name == "postgresql":
        return func.to_char(func.timezone("UTC", effects.c.started_at), "YYYY-MM-DD", type_=Text)
    return func.substr(effects.c.started_at, 1, 10, type_=Text)


def failures(connection: Connection, tenant: str, tool: str, window: Window, limit: int) -> list[Shown]:
    """The newest calls of a tool that did not succeed, with their runs."""
    query = (
        select(effects.c.run, effects.c.subject, effects.c.state, effects.c.started_at)
        .add_columns(func.substr(effects.c.error, 1, LONGEST).label("error"))
        .where(effects.c.tenant == tenant, effects.c.state.in_(("failed", "unknown")), effects.c.tool == tool)
        .where(window.holds(effects.c.started_at))
        .order_by(effects.c.started_at.desc())
    )
    return [{**row, "started_at": iso(row["started_at"])} for row in connection.execute(query.limit(limit)).mappings()]
