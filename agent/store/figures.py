"""Counts over a time: what each tool did, how runs ended, what outcomes said. Start with `of_tools`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from agent.store import run_order
from agent.store.chat_queries import Window
from agent.store.tables import approvals, decisions, effects, episodes, lessons, outcomes, runs

ENDED = ("done", "failed", "unknown")
MOST_TIMED = 20_000
"""Latest effects whose durations are looked at."""


@dataclass(frozen=True, kw_only=True)
class ToolCount:
    """How the effects of one tool that began in a time ended."""

    tool: str
    done: int
    failed: int
    unknown: int
    claimed: int
    """Still going on."""
    seconds: tuple[float, ...]
    """How long those that are done took, with all their attempts, shortest first; of the latest ones."""
    error: str | None
    """Of the last that failed or is unknown."""
    error_run: str | None

    @property
    def calls(self) -> int:
        """All that began."""
        return self.done + self.failed + self.unknown + self.claimed

    @property
    def bad(self) -> int:
        """Those that failed, and those of which nobody knows."""
        return self.failed + self.unknown

    @property
    def share(self) -> float:
        """Of those that ended, how many did not as they should; 0 where none has."""
        ended = self.done + self.bad
        return self.bad / ended if ended else 0.0


def of_tools(connection: Connection, tenant: str, window: Window, tool: str | None) -> list[ToolCount]:
    """Each tool that was called in that time, by name."""
    mine = [effects.c.tenant == tenant, effects.c.state.in_((*ENDED, "claimed")), window.holds(effects.c.started_at)]
    if tool is not None:
        mine.append(effects.c.tool == tool)
    counted: dict[str, dict[str, int]] = defaultdict(dict)
    grouped = select(effects.c.tool, effects.c.state, func.count().label("number")).where(*mine)
    for row in connection.execute(grouped.group_by(effects.c.tool, effects.c.state)):
        counted[row.tool][row.state] = row.number
    latest = select(effects.c.tool, effects.c.started_at, effects.c.ended_at).where(
        *mine, effects.c.state == "done", effects.c.settled_by.is_(None)
    )
    seconds: dict[str, list[float]] = defaultdict(list)
    for row in connection.execute(latest.order_by(effects.c.started_at.desc()).limit(MOST_TIMED)):
        if row.ended_at is not None:
            seconds[row.tool].append(max(0.0, (row.ended_at - row.started_at).total_seconds()))
    found = []
    for name, states in sorted(counted.items()):
        bad = states.get("failed", 0) + states.get("unknown", 0)
        error, run = _last_error(connection, tenant, window, name) if bad else (None, None)
        counts = {state: states.get(state, 0) for state in (*ENDED, "claimed")}
        timed = tuple(sorted(seconds[name]))
        found.append(ToolCount(tool=name, **counts, seconds=timed, error=error, error_run=run))
    return found


def _last_error(connection: Connection, tenant: str, window: Window, tool: str) -> tuple[str | None, str | None]:
    query = (
        select(effects.c.error, effects.c.run)
        .where(effects.c.tenant == tenant, effects.c.state.in_(("failed", "unknown")), effects.c.tool == tool)
        .where(window.holds(effects.c.started_at), effects.c.error.is_not(None))
        .order_by(effects.c.started_at.desc())
    )
    row = connection.execute(query.limit(1)).one_or_none()
    return (None, None) if row is None else (row.error, row.run)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What happened in a time."""

    runs: Mapping[str, int]
    """Runs that began in it, by their present status."""
    by_type: Mapping[str, int]
    touched: int
    """Of those that ended well, how many a person answered something for."""
    decisions: Mapping[str, int]
    """By who decided."""
    tokens: int
    """That chat models used."""
    answers: Mapping[str, int]
    """Approvals and questions by state."""
    effects: Mapping[str, int]


def counts(connection: Connection, tenant: str, window: Window) -> Counts:
    """Of the runs that began in that time; looks at no older ones."""
    low, high = run_order.within(connection, window.since, window.until)
    mine = (run_order.of(tenant), runs.c.seq > low, runs.c.seq <= high, window.holds(runs.c.created_at))
    decided = connection.execute(
        select(decisions.c.decided_by, func.count().label("number"), func.sum(decisions.c.tokens).label("tokens"))
        .join(runs, runs.c.id == decisions.c.run)
        .where(*mine)
        .group_by(decisions.c.decided_by)
    ).all()

    def grouped(of: str) -> Mapping[str, int]:
        column = runs.c[of]
        query = select(column, func.count()).where(*mine).group_by(column)
        return {row[0]: row[1] for row in connection.execute(query)}

    answered = select(approvals.c.state, func.count()).join(runs, runs.c.id == approvals.c.run).where(*mine)
    ended = select(effects.c.state, func.count()).join(runs, runs.c.id == effects.c.run).where(*mine)
    asked = select(approvals.c.id).where(approvals.c.run == runs.c.id).exists()
    settled = select(effects.c.key).where(effects.c.run == runs.c.id, effects.c.settled_by.is_not(None)).exists()
    return Counts(
        runs=grouped("status"),
        by_type=grouped("event_type"),
        touched=connection.execute(
            select(func.count()).select_from(runs).where(*mine, runs.c.status == "done", asked | settled)
        ).scalar_one(),
        decisions={row.decided_by: row.number for row in decided},
        tokens=sum(row.tokens or 0 for row in decided),
        answers={row[0]: row[1] for row in connection.execute(answered.group_by(approvals.c.state))},
        effects={row[0]: row[1] for row in connection.execute(ended.group_by(effects.c.state))},
    )


def judged_runs(connection: Connection, tenant: str, window: Window) -> list[str]:
    """Runs that an outcome was joined to in that time."""
    query = select(outcomes.c.run).where(
        outcomes.c.tenant == tenant, outcomes.c.state == "joined", window.holds(outcomes.c.joined_at)
    )
    return [run for run in connection.execute(query.distinct()).scalars() if run is not None]


def unmatched(connection: Connection, tenant: str, window: Window) -> int:
    """Outcomes that came in that time and belong to no run, so far as is known."""
    query = select(func.count()).where(
        outcomes.c.tenant == tenant, outcomes.c.state == "unmatched", window.holds(outcomes.c.created_at)
    )
    return connection.execute(query).scalar_one()


def new_episodes(connection: Connection, tenant: str, window: Window) -> int:
    """Episodes of runs that were closed in that time."""
    query = select(func.count()).where(episodes.c.tenant == tenant, window.holds(episodes.c.closed_at))
    return connection.execute(query).scalar_one()


@dataclass(frozen=True, kw_only=True)
class LessonNews:
    """Ids of lessons, newest first."""

    found: list[str]
    renewed: list[str]
    """New versions of what was known."""
    retired: list[str]


def lesson_news(connection: Connection, tenant: str, window: Window) -> LessonNews:
    """What became of lessons in that time; one that a new version took the place of is not retired."""
    began = select(lessons.c.id, lessons.c.replaces).where(
        lessons.c.tenant == tenant, window.holds(lessons.c.created_at)
    )
    new = connection.execute(began.order_by(lessons.c.id.desc())).all()
    later = lessons.alias("later")
    gone = (
        select(lessons.c.id)
        .outerjoin(later, later.c.replaces == lessons.c.id)
        .where(lessons.c.tenant == tenant, lessons.c.state == "retired", later.c.id.is_(None))
        .where(window.holds(lessons.c.retired_at))
    )
    return LessonNews(
        found=[row.id for row in new if row.replaces is None],
        renewed=[row.id for row in new if row.replaces is not None],
        retired=list(connection.execute(gone.order_by(lessons.c.retired_at.desc())).scalars()),
    )


def before(window: Window, now: datetime) -> Window | None:
    """The time of the same length just before; None where the window has no beginning."""
    if window.since is None:
        return None
    until = window.until or now
    return Window(since=window.since - (until - window.since), until=window.since)
