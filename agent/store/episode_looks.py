"""What is looked up of episodes beside recall: the newest of a type, the story of one. Start with `newest`, `story`.

That an episode was used stands nowhere by itself: the decisions that saw it keep its id in their evidence.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, cast, func, select

from agent.store import episodes as stored
from agent.store.decisions import EFFECT_OF_CALL
from agent.store.runs import OPEN
from agent.store.sources import revision, silenced
from agent.store.tables import calls, decisions, effects, episodes, lessons, runs
from memory.types import Episode

LOOKED_AT = 5_000
"""Runs after an episode's own that are looked at for its use."""
PART = 1_000


@dataclass(frozen=True, kw_only=True)
class Newest:
    """The newest episodes of an event type."""

    total: int
    episodes: Sequence[Episode]
    """Newest first."""


@dataclass(frozen=True, kw_only=True)
class Marks:
    """Each is another one when what it is of has changed."""

    newest: str | None
    """The newest episode of an event type."""
    lessons: Hashable
    """Versions of lessons of the type, and which of them were retired."""
    sources: int
    """Which sources are revoked."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """A decision of the episode's own run."""

    number: int
    reason: str
    decided_by: str
    decided_at: datetime
    actions: Sequence[str]
    """That became effects."""
    evidence: Mapping[str, Mapping[str, Any]]
    """What memory said, by action."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A later run that had the episode among the evidence of a decision."""

    run: str
    ended: bool
    decided_at: datetime
    """The first of those decisions."""
    about: frozenset[str]
    """Actions it was evidence for or against."""
    taken: frozenset[str]
    """Actions of the run's effects."""
    rewards: Mapping[str, float]
    """Of the run, by goal; empty until an outcome has come."""


@dataclass(frozen=True, kw_only=True)
class Uses:
    """Later runs that had the episode among their evidence."""

    seen: Sequence[Seen]
    """Newest first."""
    looked_at: int
    """Runs of the event type that were looked at, the first ones after the episode."""
    all_looked_at: bool


@dataclass(frozen=True, kw_only=True)
class Story:
    """An episode, how it was decided, and what it was used for since."""

    episode: Episode
    indexed: bool
    decisions: Sequence[Told]
    """Empty where the run was removed."""
    uses: Uses


def newest(connection: Connection, tenant: str, event_type: str, limit: int) -> Newest:
    """With the rewards known by now; nothing of a revoked source."""
    kind = (
        episodes.c.tenant == tenant,
        episodes.c.event_type == event_type,
        ~silenced(episodes.c.tenant, episodes.c.source),
    )
    total = connection.execute(select(func.count()).select_from(episodes).where(*kind)).scalar_one()
    latest = select(episodes.c.id).where(*kind).order_by(episodes.c.closed_at.desc(), episodes.c.id.desc()).limit(limit)
    names = list(connection.execute(latest).scalars())
    found = {one.id: one for one in stored.fetch(connection, tenant, names)}
    return Newest(total=total, episodes=[found[name] for name in names])


def marks(connection: Connection, tenant: str, event_type: str) -> Marks:
    """What there is by now."""
    kind = (episodes.c.tenant == tenant, episodes.c.event_type == event_type)
    query = select(episodes.c.id).where(*kind).order_by(episodes.c.closed_at.desc(), episodes.c.id.desc()).limit(1)
    told = select(func.count(), func.max(lessons.c.id), func.max(lessons.c.retired_at)).where(
        lessons.c.tenant == tenant, lessons.c.event_type == event_type
    )
    return Marks(
        newest=connection.execute(query).scalar_one_or_none(),
        lessons=tuple(connection.execute(told).one()),
        sources=revision(connection, tenant),
    )


def story(connection: Connection, tenant: str, name: str) -> Story | None:
    """None for an id that is none of the tenant's."""
    found = stored.fetch(connection, tenant, [name])
    if not found:
        return None
    return Story(
        episode=found[0],
        indexed=connection.execute(select(episodes.c.indexed).where(episodes.c.id == name)).scalar_one(),
        decisions=_told(connection, name),
        uses=_uses(connection, found[0]),
    )


def _told(connection: Connection, run: str) -> Sequence[Told]:
    rows = connection.execute(select(decisions).where(decisions.c.run == run).order_by(decisions.c.number)).all()
    taken = taken_in(connection, [run]).get(run, ())
    return [
        Told(
            number=row.number,
            reason=row.reason,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
            actions=[action for number, action in taken if number == row.number],
            evidence=row.evidence,
        )
        for row in rows
    ]


def _uses(connection: Connection, episode: Episode) -> Uses:
    """Ids grow with time, so the runs that can have seen it come after its own."""
    later = (
        select(runs.c.id)
        .where(runs.c.id > episode.id, runs.c.tenant == episode.tenant, runs.c.event_type == episode.event_type)
        .order_by(runs.c.id)
    )
    looked_at = list(connection.execute(later.limit(LOOKED_AT + 1)).scalars())
    within = later.limit(LOOKED_AT).subquery()
    found = connection.execute(
        select(decisions.c.run, decisions.c.decided_at, decisions.c.evidence, runs.c.status)
        .join(within, within.c.id == decisions.c.run)
        .join(runs, runs.c.id == decisions.c.run)
        .where(cast(decisions.c.evidence, Text).contains(f'"{episode.id}"', autoescape=True))
        .order_by(decisions.c.run.desc(), decisions.c.number)
    ).all()
    by_run: dict[str, list[Any]] = {}
    for row in found:
        by_run.setdefault(row.run, []).append(row)
    taken, rewards = taken_in(connection, list(by_run)), stored.rewards_of(connection, list(by_run))
    seen = [
        Seen(
            run=run,
            ended=rows[0].status not in OPEN,
            decided_at=rows[0].decided_at,
            about=frozenset(_about(episode.id, [row.evidence for row in rows])),
            taken=frozenset(action for _, action in taken.get(run, ())),
            rewards=rewards.get(run, {}),
        )
        for run, rows in by_run.items()
    ]
    return Uses(seen=seen, looked_at=min(len(looked_at), LOOKED_AT), all_looked_at=len(looked_at) <= LOOKED_AT)


def _about(name: str, evidence: Sequence[Mapping[str, Mapping[str, Any]]]) -> Iterator[str]:
    for said in evidence:
        yield from (action for action, told in said.items() if name in told["episodes"])


def taken_in(connection: Connection, names: Sequence[str]) -> Mapping[str, Sequence[tuple[int, str]]]:
    """Of each run the actions that became effects, with the number of their decision."""
    taken: dict[str, list[tuple[int, str]]] = {}
    for start in range(0, len(names), PART):
        rows = connection.execute(
            select(calls.c.run, calls.c.decision, calls.c.action)
            .join(effects, EFFECT_OF_CALL)
            .where(calls.c.run.in_(names[start : start + PART]))
            .order_by(calls.c.run, calls.c.decision, calls.c.position)
        )
        for row in rows:
            taken.setdefault(row.run, []).append((row.decision, row.action))
    return taken
