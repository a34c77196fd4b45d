"""Runs with and without memory, as they are compared. Start with `graded`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, select

from agent.store.sources import silenced
from agent.store.tables import episodes, outcomes, rewards, runs
from memory.types import Arm


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Which runs are compared with each other."""

    tenant: str
    event_type: str
    memory_share: float
    """Those that were given memory with this probability: with others times or rules have changed too."""
    after: datetime | None
    """Those that were closed later."""


@dataclass(frozen=True, kw_only=True)
class GradedRun:
    """A closed run with what it earned."""

    arm: Arm
    swayed: bool | None
    rewards: Mapping[str, float]
    """Per goal; of several outcomes the latest speaks."""


def graded(connection: Connection, compared: Comparison) -> tuple[GradedRun, ...]:
    """Compared runs that have a reward."""
    rows = connection.execute(
        select(episodes.c.id, episodes.c.arm, episodes.c.swayed, rewards.c.goal, rewards.c.reward)
        .join(rewards, rewards.c.run == episodes.c.id)
        .join(outcomes, outcomes.c.id == rewards.c.outcome)
        .where(_is_compared(compared), ~silenced(outcomes.c.tenant, outcomes.c.source))
        .order_by(outcomes.c.seq)
    )
    earned: dict[str, dict[str, float]] = {}
    kinds: dict[str, tuple[Arm, bool | None]] = {}
    for run, arm, swayed, goal, reward in rows:
        kinds[run] = arm, swayed
        earned.setdefault(run, {})[goal] = reward
    return tuple(GradedRun(arm=kinds[run][0], swayed=kinds[run][1], rewards=found) for run, found in earned.items())


def count(connection: Connection, compared: Comparison) -> Mapping[Arm, int]:
    """Compared runs of each arm, graded or not."""
    query = select(episodes.c.arm, func.count()).where(_is_compared(compared)).group_by(episodes.c.arm)
    found: dict[Arm, int] = {arm: number for arm, number in connection.execute(query)}  # noqa: C416  a row is no pair
    return {"memory": 0, "control": 0, **found}


def _is_compared(compared: Comparison) -> ColumnElement[bool]:
    """Runs that are trusted with nothing tell nothing here either, nor do those of revoked sources."""
    mine = and_(
        episodes.c.tenant == compared.tenant,
        episodes.c.event_type == compared.event_type,
        episodes.c.arm.is_not(None),
        episodes.c.memory_share == compared.memory_share,
        episodes.c.trust > 0,
        ~silenced(episodes.c.tenant, episodes.c.source),
    )
    return mine if compared.after is None else and_(mine, episodes.c.closed_at > compared.after)


def kinds(connection: Connection, names: Sequence[str]) -> Mapping[tuple[str, str], int]:
    """How many of the named runs there are of each tenant and event type."""
    query = (
        select(runs.c.tenant, runs.c.event_type, func.count())
        .where(runs.c.id.in_(list(names)))
        .group_by(runs.c.tenant, runs.c.event_type)
    )
    return {(tenant, event_type): number for tenant, event_type, number in connection.execute(query).all()}
