"""Closed runs whose outcome is known or that an operator had a say in, with what was known and done in them.

Start with `graded_runs`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, and_, exists, or_, select

from agent.store.decisions import APPROVAL_OF_CALL, EFFECT_OF_CALL
from agent.store.episodes import rewards_of
from agent.store.history import call_result
from agent.store.tables import approvals, calls, effects, episodes, inbox, rewards, runs
from agent.types import CallResult
from tools.types import JsonObject


@dataclass(frozen=True, kw_only=True)
class GradedRun:
    """A run as it was, and its reward per goal, none while there is only an operator's word."""

    id: str
    data: JsonObject
    results: tuple[CallResult, ...]
    rewards: Mapping[str, float]


_ANSWERED = and_(approvals.c.run == episodes.c.id, approvals.c.answered_by.is_not(None))


def graded_runs(connection: Connection, tenant: str, event_type: str, most: int) -> tuple[GradedRun, ...]:
    """The latest of an event type; runs that are trusted with nothing are left out."""
    found = connection.execute(
        select(episodes.c.id, inbox.c.data)
        .join(runs, runs.c.id == episodes.c.id)
        .join(inbox, inbox.c.seq == runs.c.seq)
        .where(
            episodes.c.tenant == tenant,
            episodes.c.event_type == event_type,
            episodes.c.trust > 0,
            or_(exists().where(rewards.c.run == episodes.c.id), exists().where(_ANSWERED)),
        )
        .order_by(episodes.c.closed_at.desc(), episodes.c.id)
        .limit(most)
    ).all()
    ids = [row.id for row in found]
    graded, made = rewards_of(connection, ids), _results(connection, ids)
    return tuple(
        GradedRun(id=row.id, data=row.data, results=tuple(made[row.id]), rewards=graded.get(row.id, {}))
        for row in found
    )


def _results(connection: Connection, ids: list[str]) -> Mapping[str, list[CallResult]]:
    made: dict[str, list[CallResult]] = defaultdict(list)
    rows = connection.execute(
        select(
            calls,
            effects.c.state,
            effects.c.result,
            effects.c.error,
            approvals.c.state.label("answer"),
            approvals.c.reason,
        )
        .outerjoin(effects, EFFECT_OF_CALL)
        .outerjoin(approvals, APPROVAL_OF_CALL)
        .where(calls.c.run.in_(ids))
        .order_by(calls.c.run, calls.c.decision, calls.c.position)
    )
    for row in rows.mappings():
        made[row["run"]].append(call_result(row))
    return made
