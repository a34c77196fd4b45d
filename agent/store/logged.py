"""What decisions weighed, of runs whose outcome is known: for valuing other ways to choose. Start with `weighed`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, exists, select

from agent.store.dialects import INSERT, among, listed
from agent.store.episodes import rewards_of
from agent.store.prepared import Prepared
from agent.store.sources import silenced
from agent.store.tables import decisions, episodes, rewards

BATCH = 500

CANDIDATES = Prepared(
    {
        name: select(decisions.c.run, decisions.c.candidates)
        .where(among(decisions.c.run, "of", name), decisions.c.kind == "act")
        .order_by(decisions.c.run, decisions.c.number)
        for name in INSERT
    }
)


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """A graded run with the candidates of its decisions that acted, in order."""

    run: str
    rewards: Mapping[str, float]
    """By goal."""
    decisions: Sequence[Sequence[Mapping[str, Any]]]


def weighed(connection: Connection, tenant: str, event_type: str, most: int) -> Iterator[Weighed]:
    """The latest graded runs of an event type, the newest first, that are trusted; pruned ones are gone."""
    ids = list(
        connection.execute(
            select(episodes.c.id)
            .where(
                episodes.c.tenant == tenant,
                episodes.c.event_type == event_type,
                episodes.c.trust > 0,
                ~silenced(episodes.c.tenant, episodes.c.source),
                exists().where(rewards.c.run == episodes.c.id),
            )
            .order_by(episodes.c.closed_at.desc(), episodes.c.id)
            .limit(most)
        ).scalars()
    )
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        made: dict[str, list[Sequence[Mapping[str, Any]]]] = {}
        for row in CANDIDATES.on(connection, {"of": listed(connection, part)}):
            made.setdefault(row.run, []).append(row.candidates)
        graded = rewards_of(connection, part)
        for run in part:
            yield Weighed(run=run, rewards=graded.get(run, {}), decisions=made.get(run, []))
