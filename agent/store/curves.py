"""What runs earned as time went by, summed up by the database. Start with `by_day`, `by_number`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy import ColumnElement, Connection, Date, Subquery, Text, and_, case, cast, func, select

from agent.store.sources import silenced
from agent.store.tables import episodes, outcomes, rewards
from memory.types import Arm


@dataclass(frozen=True, kw_only=True)
class Earned:
    """Graded runs of one arm that were closed in one stretch of time."""

    since: datetime
    until: datetime
    """Of days the moment after; else when the last of them was closed."""
    arm: Arm | None
    count: int
    total: float
    """Sum of their rewards."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which rewards; what comes from revoked sources does not count, nor do runs that are trusted with nothing."""

    tenant: str
    event_type: str
    weights: Mapping[str, float]
    """Of the goals that count, each above 0."""


def by_day(connection: Connection, wanted: Wanted) -> Sequence[Earned]:
    """One for each day (UTC) and arm with graded runs, oldest first."""
    found = _graded(wanted)
    day = _day(found.c.closed_at, connection.dialect.name).label("day")
    query = select(day, found.c.arm, func.count().label("number"), func.sum(found.c.reward).label("total"))
    rows = connection.execute(query.group_by(day, found.c.arm).order_by(day)).all()
    return [_of_day(date.fromisoformat(str(row.day)), row.arm, row.number, row.total) for row in rows]


def _day(moment: ColumnElement[datetime], dialect: str) -> ColumnElement[str]:
    """Its date in UTC, as SQLite keeps moments; elsewhere the session has a zone of its own."""
    if dialect == "sqlite":
        return func.substr(cast(moment, Text), 1, 10)
    return cast(cast(func.timezone("UTC", moment), Date), Text)


def _of_day(day: date, arm: Arm | None, count: int, total: float) -> Earned:
    since = datetime.combine(day, time(), UTC)
    return Earned(since=since, until=since, arm=arm, count=count, total=total)


def by_number(connection: Connection, wanted: Wanted, *, each: int, most: int) -> Sequence[Earned]:
    """In stretches of equally many graded runs, at least `each` and `most` stretches at most; oldest first."""
    found = _graded(wanted)
    total, place = func.count().over(), func.row_number().over(order_by=(found.c.closed_at, found.c.run)) - 1
    stretches = case((total >= each * most, most), (total < each, 1), else_=total // each)
    placed = select(found, (place * stretches // total).label("stretch")).subquery()
    query = select(
        placed.c.stretch,
        placed.c.arm,
        func.min(placed.c.closed_at).label("since"),
        func.max(placed.c.closed_at).label("until"),
        func.count().label("number"),
        func.sum(placed.c.reward).label("total"),
    )
    rows = connection.execute(query.group_by(placed.c.stretch, placed.c.arm).order_by(placed.c.stretch)).all()
    bounds: dict[int, tuple[datetime, datetime]] = {}
    for row in rows:
        since, until = bounds.get(row.stretch, (row.since, row.until))
        bounds[row.stretch] = min(since, row.since), max(until, row.until)
    return [
        Earned(
            since=bounds[row.stretch][0],
            until=bounds[row.stretch][1],
            arm=row.arm,
            count=row.number,
            total=row.total,
        )
        for row in rows
    ]


def _graded(wanted: Wanted) -> Subquery:
    """run, closed_at, arm, reward: of several outcomes the latest speaks for a goal, goals count by their weights."""
    late = func.row_number().over(partition_by=(rewards.c.run, rewards.c.goal), order_by=outcomes.c.seq.desc())
    kind = and_(episodes.c.tenant == wanted.tenant, episodes.c.event_type == wanted.event_type, episodes.c.trust > 0)
    told = (
        select(
            episodes.c.closed_at, episodes.c.arm, rewards.c.run, rewards.c.goal, rewards.c.reward, late.label("late")
        )
        .join(rewards, rewards.c.run == episodes.c.id)
        .join(outcomes, outcomes.c.id == rewards.c.outcome)
        .where(kind, rewards.c.goal.in_(list(wanted.weights)))
        .where(~silenced(episodes.c.tenant, episodes.c.source), ~silenced(outcomes.c.tenant, outcomes.c.source))
        .subquery()
    )
    weight = case(dict(wanted.weights), value=told.c.goal, else_=0.0)
    return (
        select(
            told.c.run,
            func.min(told.c.closed_at).label("closed_at"),
            func.min(told.c.arm).label("arm"),
            (func.sum(weight * told.c.reward) / func.sum(weight)).label("reward"),
        )
        .where(told.c.late == 1)
        .group_by(told.c.run)
        .subquery()
    )
