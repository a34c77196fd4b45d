"""What happened in every five minutes of a time, to draw and to compare. Start with `slots`.

Runs are counted where their event was accepted, rewards where their outcome came. No column of moments has an index:
positions in the inbox are found by halving, and only what lies between them is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Text, case, func, or_, select

from agent.store.chat_queries import Window
from agent.store.halving import SLACK, last_before
from agent.store.run_lists import PLANNER
from agent.store.runs import OPEN
from agent.store.sources import silenced
from agent.store.tables import approvals, decisions, effects, inbox, outcomes, rewards, runs
from agent.types import REFLEX

SLOT = timedelta(minutes=5)
Worth: TypeAlias = Callable[[Mapping[str, float]], float | None]
"""From rewards per goal to one; None where they say nothing."""


@dataclass(frozen=True, kw_only=True)
class Slot:
    """What happened in a time."""

    events: int = 0
    """Runs that began: an event each, or a batch of one subject."""
    open: int = 0
    done: int = 0
    alone: int = 0
    """Done, and no person answered or settled anything."""
    bad: int = 0
    """Failed or stopped."""
    asked: int = 0
    """Decisions by a chat model."""
    spared: int = 0
    """Decisions by the reflex, which would have been the model's."""
    planned: int = 0
    """Decisions by the Planner."""
    tokens: int = 0
    tokens_spared: int = 0
    judged: int = 0
    """Runs that an outcome of this time graded."""
    rewards: float = 0.0
    """Their sum."""

    @property
    def reward(self) -> float | None:
        """The mean; None where nothing was judged."""
        return self.rewards / self.judged if self.judged else None


_NAMES = tuple(one.name for one in fields(Slot))
_values = attrgetter(*_NAMES)


def total(parts: Iterable[Slot]) -> Slot:
    """Of times that follow each other."""
    rows = [_values(one) for one in parts]
    return Slot(**dict(zip(_NAMES, map(sum, zip(*rows, strict=True)), strict=True))) if rows else Slot()


def slot_of(moment: datetime) -> datetime:
    """The beginning of its five minutes."""
    return moment.replace(minute=moment.minute - moment.minute % 5, second=0, microsecond=0)


def slots(connection: Connection, tenant: str, since: datetime, until: datetime, worth: Worth) -> dict[datetime, Slot]:
    """What happened from one moment until before another, by the beginning of each slot; empty ones are left out."""
    window = Window(since=since, until=until)
    newest = connection.execute(select(func.max(inbox.c.seq))).scalar_one_or_none() or 0
    low = last_before(connection, runs.c.seq, runs.c.created_at, since - SLACK, newest)
    high = last_before(connection, runs.c.seq, runs.c.created_at, until + SLACK, newest)
    # The tenant is compared after the position is: SQLite would go by an index of the tenant, and read all of it.
    mine = (runs.c.tenant.concat("") == tenant, runs.c.seq > low, runs.c.seq <= high, window.holds(runs.c.created_at))
    found: dict[datetime, dict[str, float]] = defaultdict(lambda: defaultdict(int))
    for part in (_runs(connection, mine), _decisions(connection, mine)):
        for minute, counts in part:
            for name, count in counts.items():
                found[slot_of(minute)][name] += count
    came = (outcomes.c.tenant.concat("") == tenant, outcomes.c.seq > low, outcomes.c.seq <= high)
    for run, (moment, graded) in _rewards(connection, (*came, window.holds(outcomes.c.created_at))).items():
        reward = worth(graded)
        if run and reward is not None:
            found[slot_of(moment)]["judged"] += 1
            found[slot_of(moment)]["rewards"] += reward
    return {at: Slot(**{name: _whole(name, count) for name, count in counts.items()}) for at, counts in found.items()}


def _whole(name: str, count: float) -> Any:
    return count if name == "rewards" else int(count)


def _minute(connection: Connection, column: Any) -> ColumnElement[str]:
    """A moment without its seconds, as text: `2026-11-26 14:03`."""
    if connection.dialect.name == "postgresql":
        return func.to_char(func.timezone("UTC", column), "YYYY-MM-DD HH24:MI", type_=Text)
    return func.substr(column, 1, 16, type_=Text)


def _runs(connection: Connection, mine: tuple[Any, ...]) -> Iterator[tuple[datetime, Mapping[str, int]]]:
    minute = _minute(connection, runs.c.created_at).label("minute")
    answered = select(approvals.c.id).where(approvals.c.run == runs.c.id).exists()
    settled = select(effects.c.key).where(effects.c.run == runs.c.id, effects.c.settled_by.is_not(None)).exists()
    touched = case((runs.c.status == "done", or_(answered, settled)), else_=False).label("touched")
    each = select(minute, runs.c.status, touched).where(*mine).subquery()
    columns = (each.c.minute, each.c.status, each.c.touched)
    for row in connection.execute(select(*columns, func.count().label("number")).group_by(*columns)):
        done = row.status == "done"
        yield (
            _moment(row.minute),
            {
                "events": row.number,
                "open": row.number if row.status in OPEN else 0,
                "done": row.number if done else 0,
                "alone": row.number if done and not row.touched else 0,
                "bad": row.number if row.status in ("failed", "stopped") else 0,
            },
        )


def _decisions(connection: Connection, mine: tuple[Any, ...]) -> Iterator[tuple[datetime, Mapping[str, int]]]:
    minute = _minute(connection, runs.c.created_at).label("minute")
    by = decisions.c.decided_by
    who = case((by == PLANNER, "planned"), (by == REFLEX, "spared"), else_="asked").label("who")
    spared = case((by == REFLEX, decisions.c.reflex["spared"].as_integer()), else_=0).label("spared")
    each = (
        select(minute, who, decisions.c.tokens, spared)
        .select_from(runs)
        .join(decisions, decisions.c.run == runs.c.id)
        .where(*mine)
        .subquery()
    )
    sums = (
        func.count().label("number"),
        func.sum(each.c.tokens).label("tokens"),
        func.sum(each.c.spared).label("less"),
    )
    for row in connection.execute(select(each.c.minute, each.c.who, *sums).group_by(each.c.minute, each.c.who)):
        yield _moment(row.minute), {row.who: row.number, "tokens": row.tokens or 0, "tokens_spared": row.less or 0}


def _rewards(connection: Connection, came: tuple[Any, ...]) -> dict[str, tuple[datetime, dict[str, float]]]:
    """By run: when the latest of these outcomes came, and what they say of each goal, the latest last."""
    query = (
        select(rewards.c.run, rewards.c.goal, rewards.c.reward, outcomes.c.created_at)
        .select_from(outcomes)
        .join(rewards, rewards.c.outcome == outcomes.c.id)
        .where(*came, outcomes.c.state == "joined", ~silenced(outcomes.c.tenant, outcomes.c.source))
        .order_by(outcomes.c.seq)
    )
    found: dict[str, tuple[datetime, dict[str, float]]] = {}
    for row in connection.execute(query):
        _, graded = found.get(row.run, (None, {}))
        found[row.run] = (row.created_at, {**graded, row.goal: row.reward})
    return found


def _moment(minute: str) -> datetime:
    return datetime.fromisoformat(minute).replace(tzinfo=UTC)


def open_slots(connection: Connection, tenant: str) -> dict[datetime, int]:
    """How many runs that began in each slot have not ended; by an index, however many have."""
    minute = _minute(connection, runs.c.created_at)
    query = select(minute.label("minute"), func.count().label("number"))
    query = query.where(runs.c.tenant.concat("") == tenant, runs.c.status.in_(OPEN)).group_by(minute)
    found: dict[datetime, int] = defaultdict(int)
    for row in connection.execute(query):
        found[slot_of(_moment(row.minute))] += row.number
    return dict(found)
