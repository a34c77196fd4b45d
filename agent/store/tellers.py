"""Graded episodes with who told how they turned out. Start with `graded`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from agent.store import episodes
from agent.store.dialects import INSERT, among, listed
from agent.store.prepared import Prepared
from agent.store.sources import silenced
from agent.store.tables import outcomes, rewards
from memory.types import Episode

TOLD = Prepared(
    {
        name: select(rewards.c.run, rewards.c.goal, outcomes.c.source)
        .join(outcomes, outcomes.c.id == rewards.c.outcome)
        .where(among(rewards.c.run, "of", name), ~silenced(outcomes.c.tenant, outcomes.c.source))
        .order_by(outcomes.c.seq)
        for name in INSERT
    }
)


def graded(
    connection: Connection, tenant: str, event_type: str, most: int
) -> tuple[tuple[Episode, ...], Mapping[str, frozenset[str]]]:
    """The latest episodes that have a reward by now, and by id the sources of their outcomes, of the same moment."""
    found = episodes.graded(connection, tenant, event_type, most)
    return found, _tellers(connection, [one.id for one in found])


def _tellers(connection: Connection, runs: Sequence[str]) -> Mapping[str, frozenset[str]]:
    """Of several outcomes the latest speaks for a goal, as in `episodes.rewards_of`."""
    if not runs:
        return {}
    told: dict[str, dict[str, str]] = defaultdict(dict)
    for row in TOLD.on(connection, {"of": listed(connection, runs)}):
        told[row.run][row.goal] = row.source
    return {run: frozenset(sources.values()) for run, sources in told.items()}
