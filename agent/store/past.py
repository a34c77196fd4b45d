"""Closed runs whose outcome is known or that an operator had a say in, with what was known and done in them.

Start with `graded`, then `lived`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    Case,
    Column,
    Connection,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
)

from agent.store.decisions import APPROVAL_OF_CALL, EFFECT_OF_CALL
from agent.store.episodes import rewards_of
from agent.store.history import call_result
from agent.store.runs import OPEN
from agent.store.sources import silenced
from agent.store.tables import approvals, calls, decisions, effects, episodes, inbox, outcomes, rewards, runs
from agent.types import CallResult, PastTurn
from memory.types import Feature
from tools.types import JsonObject

MAX_DATA = 32_000
MAX_RESULT = 8_000
"""Characters of JSON from which an event's data, and a result, are left out: 200 runs are looked at together."""


@dataclass(frozen=True, kw_only=True)
class LivedRun:
    """A closed run's event and calls; what was too large of them is empty."""

    subject: str
    data: JsonObject
    results: tuple[CallResult, ...]
    features: Mapping[str, Feature]
    turns: tuple[PastTurn, ...]
    """Of a run that ended by itself and handled one event."""
    settled: bool
    """False for a run that failed, or is handled again after it: what it did may still change."""


def _if_short(column: Column[Any], most: int) -> Case[Any]:
    return case((func.length(cast(column, Text)) <= most, column), else_=null())


ANSWERED = and_(approvals.c.run == episodes.c.id, approvals.c.answered_by.is_not(None))
# What would speak if no source were revoked, and what speaks.
TOLD = and_(episodes.c.trust > 0, or_(exists().where(rewards.c.run == episodes.c.id), exists().where(ANSWERED)))
HEARD = exists().where(
    rewards.c.run == episodes.c.id,
    outcomes.c.id == rewards.c.outcome,
    ~silenced(outcomes.c.tenant, outcomes.c.source),
)
SPEAKS = and_(
    episodes.c.trust > 0,
    ~silenced(episodes.c.tenant, episodes.c.source),
    or_(HEARD, exists().where(ANSWERED)),
)
LATEST_FIRST = (episodes.c.closed_at.desc(), episodes.c.id)
GRADED = (
    select(episodes.c.id)
    .where(episodes.c.tenant == bindparam("tenant"), episodes.c.event_type == bindparam("event_type"), SPEAKS)
    .order_by(*LATEST_FIRST)
    .limit(bindparam("most"))
)
PLACED = (
    select(
        episodes.c.id,
        func.row_number()
        .over(
            # Those that a revocation silences have places of their own: they take none, and come back whole.
            partition_by=(
                episodes.c.tenant,
                episodes.c.event_type,
                case((SPEAKS, literal("")), else_=episodes.c.source),
            ),
            order_by=LATEST_FIRST,
        )
        .label("place"),
    )
    .where(TOLD)
    .subquery()
)
IDS: BindParameter[Sequence[str]] = bindparam("ids", expanding=True)
EVENTS = (
    select(
        runs.c.id,
        runs.c.subject,
        runs.c.status,
        runs.c.events,
        _if_short(inbox.c.data, MAX_DATA).label("data"),
        episodes.c.features,
    )
    .join(inbox, inbox.c.seq == runs.c.seq)
    .outerjoin(episodes, episodes.c.id == runs.c.id)
    .where(runs.c.id.in_(IDS))
)
CALLS = (
    select(
        calls,
        effects.c.state,
        case((effects.c.large_result.is_(None), _if_short(effects.c.result, MAX_RESULT)), else_=null()).label("result"),
        effects.c.error,
        effects.c.verified,
        approvals.c.state.label("answer"),
        approvals.c.reason,
    )
    .outerjoin(effects, EFFECT_OF_CALL)
    .outerjoin(approvals, APPROVAL_OF_CALL)
    .where(calls.c.run.in_(IDS))
    .order_by(calls.c.run, calls.c.decision, calls.c.position)
)

TURNS = (
    select(decisions.c.run, decisions.c.number, decisions.c.kind, decisions.c.tokens, decisions.c.reflex)
    .where(decisions.c.run.in_(IDS))
    .order_by(decisions.c.run, decisions.c.number)
)


def graded(connection: Connection, tenant: str, event_type: str, most: int) -> Mapping[str, Mapping[str, float]]:
    """The latest runs of an event type with their rewards per goal, none while there is only an operator's word.

    Runs that are trusted with nothing are left out, and what came from a revoked source.
    """
    asked = {"tenant": tenant, "event_type": event_type, "most": most}
    ids = list(connection.execute(GRADED, asked).scalars())
    known = rewards_of(connection, ids)
    return {run: known.get(run, {}) for run in ids}


def looked_at(connection: Connection, most: int) -> frozenset[str]:
    """The runs that `graded` finds, of every tenant and event type, and those it would find but for a revocation."""
    return frozenset(connection.execute(select(PLACED.c.id).where(PLACED.c.place <= most)).scalars())


def lived(connection: Connection, ids: Sequence[str]) -> Mapping[str, LivedRun]:
    """What those runs met and did."""
    if not ids:
        return {}
    made: dict[str, list[CallResult]] = defaultdict(list)
    for row in connection.execute(CALLS, {"ids": list(ids)}).mappings():
        made[row["run"]].append(call_result(row))
    turns = _turns(connection, ids)
    events = connection.execute(EVENTS, {"ids": list(ids)})
    return {
        row.id: LivedRun(
            subject=row.subject,
            data=row.data or {},
            results=tuple(made[row.id]),
            features=row.features or {},
            turns=tuple(turns[row.id]) if row.status == "done" and row.events == 1 else (),
            settled=row.status not in ("failed", *OPEN),
        )
        for row in events
    }


def _turns(connection: Connection, ids: Sequence[str]) -> Mapping[str, Sequence[PastTurn]]:
    found: dict[str, list[PastTurn]] = defaultdict(list)
    for row in connection.execute(TURNS, {"ids": list(ids)}):
        note = row.reflex or {}
        tokens = note["spared"] if note.get("role") == "used" else row.tokens
        found[row.run].append(
            PastTurn(number=row.number, kind=row.kind, tokens=tokens, schemas=note.get("schemas", {}))
        )
    return found
