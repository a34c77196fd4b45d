"""The learning curve of an event type: what its runs earned as time went by. Start with `Curves.curve`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from sqlalchemy import Connection

from agent.errors import NotFound
from agent.portfolio.mistakes import suggest
from agent.portfolio.model import Portfolio
from agent.store import curves
from agent.store.curves import Earned, Wanted
from agent.store.database import Database
from agent.store.queries import Shown, iso
from agent.switching import unknown
from memory.means import mean_of

By: TypeAlias = Literal["number", "day", "week"]

EACH = 10
"""Graded runs of a point, at least, where points are made by number."""
MOST = 24
"""Points that are made by number."""
LATEST = 400
"""Days or weeks that are told."""
DAY, WEEK = timedelta(days=1), timedelta(days=7)
ARMS: Mapping[str | None, str] = {"memory": "memory", "control": "control", None: "undrawn"}
DIGITS = 4


@dataclass
class _Point:
    until: datetime
    arms: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Count and sum of rewards."""


class Curves:
    """The curves of every tenant."""

    def __init__(self, database: Database, portfolio: Portfolio) -> None:
        self._database = database
        self._portfolio = portfolio

    async def curve(self, tenant: str, event_type: str, goal: str | None, by: By) -> Shown:
        """Mean rewards by arm, oldest first: of one goal, or of all by their present weights. Raises `NotFound`."""
        events, goals = self._portfolio.events, self._portfolio.goals
        if event_type not in events:
            raise NotFound(unknown(event_type, events))
        if goal is not None and goal not in goals:
            raise NotFound(f"there is no goal {goal!r}. {suggest(goal, goals, 'The portfolio has no goals.')}")
        weights = {name: weight for name, weight in goals.items() if weight > 0} if goal is None else {goal: 1.0}
        wanted = Wanted(tenant=tenant, event_type=event_type, weights=weights)

        def look(connection: Connection) -> Sequence[Earned]:
            if by == "number":
                return curves.by_number(connection, wanted, each=EACH, most=MOST)
            return [_widened(one, by) for one in curves.by_day(connection, wanted)]

        points = _points(await self._database.read(look) if weights else ())
        return {
            "type": event_type,
            "goal": goal,
            "by": by,
            "graded": sum(count for point in points.values() for count, _ in point.arms.values()),
            "points": [_shown(since, point) for since, point in list(points.items())[-LATEST:]],
        }


def _widened(one: Earned, by: By) -> Earned:
    """A day as itself, or as part of its week, which begins on Monday."""
    since = one.since if by == "day" else one.since - one.since.weekday() * DAY
    return replace(one, since=since, until=since + (DAY if by == "day" else WEEK))


def _points(earned: Sequence[Earned]) -> Mapping[datetime, _Point]:
    points: dict[datetime, _Point] = {}
    for one in earned:
        arms = points.setdefault(one.since, _Point(until=one.until)).arms
        count, total = arms.get(ARMS[one.arm], (0, 0.0))
        arms[ARMS[one.arm]] = count + one.count, total + one.total
    return points


def _shown(since: datetime, point: _Point) -> Shown:
    return {
        "since": iso(since),
        "until": iso(point.until),
        **{arm: _mean(*point.arms.get(arm, (0, 0.0))) for arm in ARMS.values()},
    }


def _mean(count: int, total: float) -> Shown | None:
    found = mean_of(count, total)
    if found is None:
        return None
    return {name: round(value, DIGITS) if name != "count" else value for name, value in asdict(found).items()}
