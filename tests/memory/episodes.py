"""Episodes made short for tests. Start with `episode`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from memory.types import Episode, EpisodeAction, Feature

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def episode(
    id_: str,
    *actions: str,
    rewards: Mapping[str, float] | None = None,
    features: Mapping[str, Feature] | None = None,
    text: str = "The customer left angry.",
    tenant: str = "default",
    source: str = "chatbot",
    event_type: str = "support.failed",
    decided_by: str = "planner",
    declined: Iterable[str] = (),
    age_days: float = 0.0,
    trust: float = 1.0,
) -> Episode:
    taken = tuple(
        EpisodeAction(action=action, tool=action.split("[")[0], decided_by=decided_by, propensity=1.0)
        for action in actions
    )
    return Episode(
        id=id_,
        tenant=tenant,
        source=source,
        event_id=f"event-{id_}",
        event_type=event_type,
        subject="customer-1",
        text=text,
        features=features or {},
        actions=taken,
        declined=tuple(declined),
        decided_by=decided_by,
        closed_at=NOW - timedelta(days=age_days),
        trust=trust,
        rewards=rewards or {},
    )
