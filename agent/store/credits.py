"""What the latest runs of an event type used as evidence, and how they went. Start with `latest`, then `used_by`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from agent.store.episode_looks import taken_in
from agent.store.episodes import rewards_of
from agent.store.runs import OPEN
from agent.store.tables import decisions, episodes, runs
from agent.store.tidy import Kind


@dataclass(frozen=True, kw_only=True)
class UsedBy:
    """One run."""

    about: frozenset[tuple[str, str]]
    """Episode and action: the one was evidence about the other."""
    taken: frozenset[str]
    """Actions of its effects."""
    rewards: Mapping[str, float]
    """By goal; empty while it goes on, or no outcome has come."""


def latest(connection: Connection, kind: Kind, limit: int) -> tuple[str, ...]:
    """The latest runs of a kind that left an episode."""
    query = select(episodes.c.id).where(kind.own).order_by(episodes.c.closed_at.desc(), episodes.c.id.desc())
    return tuple(connection.execute(query.limit(limit)).scalars())


def used_by(connection: Connection, names: Sequence[str]) -> tuple[UsedBy, ...]:
    """What each of these runs used; those that were removed are left out."""
    rows = connection.execute(
        select(decisions.c.run, decisions.c.evidence, runs.c.status)
        .join(runs, runs.c.id == decisions.c.run)
        .where(decisions.c.run.in_(list(names)))
    ).all()
    about: dict[str, set[tuple[str, str]]] = {}
    for row in rows:
        about.setdefault(row.run, set()).update(_about(row.evidence))
    rewards = rewards_of(connection, list({row.run for row in rows if row.status not in OPEN}))
    taken = taken_in(connection, list(rewards))
    return tuple(
        UsedBy(
            about=frozenset(seen),
            taken=frozenset(action for _, action in taken.get(run, ())),
            rewards=rewards.get(run, {}),
        )
        for run, seen in about.items()
    )


def _about(evidence: Mapping[str, Mapping[str, Sequence[str]]]) -> Iterator[tuple[str, str]]:
    for action, told in evidence.items():
        yield from ((name, action) for name in told["episodes"])
