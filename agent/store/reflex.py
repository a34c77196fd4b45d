"""What the reflex did and spared, by event type. Start with `noted`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from agent.store.episodes import rewards_of
from agent.store.tables import decisions, runs
from agent.types import ReflexRole


@dataclass(frozen=True, kw_only=True)
class NotedDecision:
    """A decision that the reflex had something to say to."""

    run: str
    event_type: str
    role: ReflexRole
    gave_way: str | None
    agrees: bool | None
    spared: int
    tokens: int


@dataclass(frozen=True, kw_only=True)
class Noted:
    """All of them, and what their runs earned per goal."""

    decisions: Sequence[NotedDecision]
    rewards: Mapping[str, Mapping[str, float]]


def noted(connection: Connection, tenant: str, event_type: str | None) -> Noted:
    """Of one event type, or of all."""
    query = (
        select(
            decisions.c.run,
            runs.c.event_type,
            decisions.c.tokens,
            decisions.c.reflex["role"].as_string().label("role"),
            decisions.c.reflex["gave_way"].as_string().label("gave_way"),
            decisions.c.reflex["agrees"].as_boolean().label("agrees"),
            decisions.c.reflex["spared"].as_integer().label("spared"),
        )
        .join(runs, runs.c.id == decisions.c.run)
        .where(runs.c.tenant == tenant, decisions.c.reflex.is_not(None))
        .order_by(decisions.c.run, decisions.c.number)
    )
    if event_type is not None:
        query = query.where(runs.c.event_type == event_type)
    found = [NotedDecision(**row) for row in connection.execute(query).mappings()]
    return Noted(decisions=found, rewards=rewards_of(connection, list({one.run for one in found})))
