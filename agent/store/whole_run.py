"""One run with everything that is known of it. Start with `show_run`.

It is what is read most: by pages that follow a run, by commands that wait for one, by the chat. So its statements are
prepared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, select

from agent.store.lessons import shown_to
from agent.store.prepared import Prepared
from agent.store.queries import (
    Shown,
    approval_row,
    by_outcome,
    effect_row,
    iso,
    outcome_row,
    outcomes_with_events,
    run_row,
    runs_with_events,
)
from agent.store.sizes import stored_bytes
from agent.store.tables import approvals, calls, decisions, effects, inbox, outcomes, rewards, runs

_OF: BindParameter[str] = bindparam("of")
_RUN = Prepared(runs_with_events().where(runs.c.id == _OF, runs.c.tenant == bindparam("by")))
_EVENTS = Prepared(
    select(inbox.c.source, inbox.c.id, inbox.c.time, inbox.c.data).where(inbox.c.run == _OF).order_by(inbox.c.seq)
)
_DECISIONS = Prepared(select(decisions).where(decisions.c.run == _OF).order_by(decisions.c.number))
_CALLS = Prepared(select(calls).where(calls.c.run == _OF).order_by(calls.c.decision, calls.c.position))
_EFFECTS = Prepared(select(effects).where(effects.c.run == _OF).order_by(effects.c.decision, effects.c.position))
_APPROVALS = Prepared(
    select(approvals).where(approvals.c.run == _OF).order_by(approvals.c.created_at, approvals.c.position)
)
_OUTCOMES = Prepared(outcomes_with_events().where(outcomes.c.run == _OF))
_REWARDS = Prepared(
    select(rewards.c.outcome, rewards.c.goal, rewards.c.reward)
    .join(outcomes, outcomes.c.id == rewards.c.outcome)
    .where(outcomes.c.run == _OF)
)


def show_run(connection: Connection, tenant: str, run: str) -> Shown | None:
    """A run as a JSON object; None for an id that is none of the tenant's."""
    of = {"of": run}
    found = _RUN.on(connection, of | {"by": tenant}).mappings()
    if not found:
        return None
    row = found[0]
    made = _DECISIONS.on(connection, of).mappings()
    return {
        **run_row(row),
        "arm": made[-1]["arm"] if made else None,
        "swayed": _swayed(made),
        "gathered": _gathered(connection, run) if row["events"] > 1 else [],
        "decisions": _decisions(connection, run, made),
        "effects": [effect_row(one) for one in _EFFECTS.on(connection, of).mappings()],
        "approvals": [approval_row(one) for one in _APPROVALS.on(connection, of).mappings()],
        "evidence": _latest_evidence(made),
        "outcomes": outcomes_of(connection, run),
        "stored_bytes": stored_bytes(connection, [run]),
    }


def outcomes_of(connection: Connection, run: str) -> list[Shown]:
    """Outcomes that were joined to a run, with the rewards of each."""
    found = _OUTCOMES.on(connection, {"of": run}).mappings()
    graded = by_outcome(_REWARDS.on(connection, {"of": run})) if found else {}
    return [outcome_row(row, graded) for row in found]


def _swayed(made: Sequence[Mapping[str, Any]]) -> bool | None:
    """Whether memory sways any of the run's decisions; None where nobody can say."""
    told = {one["swayed"] for one in made}
    return True if True in told else False if told == {False} else None


def _gathered(connection: Connection, run: str) -> list[Shown]:
    """The events of a run that handles several, in the order they came."""
    found = _EVENTS.on(connection, {"of": run})
    return [{"source": row.source, "id": row.id, "time": iso(row.time), "data": row.data} for row in found]


def _decisions(connection: Connection, run: str, made: Sequence[Mapping[str, Any]]) -> list[Shown]:
    asked: dict[int, list[Shown]] = {}
    for row in _CALLS.on(connection, {"of": run}):
        asked.setdefault(row.decision, []).append(
            {
                "index": row.position,
                "tool": row.tool,
                "arguments": row.arguments,
                "action": row.action,
                "purpose": row.purpose,
                "propensity": row.propensity,
                "decided_by": row.decided_by,
                "verdict": row.verdict,
                "why": row.why,
            }
        )
    shown = shown_to(connection, run)
    return [
        {
            "number": row["number"],
            "kind": row["kind"],
            "reason": row["reason"],
            "decided_by": row["decided_by"],
            "tokens": row["tokens"],
            "candidates": row["candidates"],
            "calls": asked.get(row["number"], []),
            "lessons": shown.get(row["number"], []),
            "degraded": row["degraded"],
            "arm": row["arm"],
            "swayed": row["swayed"],
            "decided_at": iso(row["decided_at"]),
        }
        for row in made
    ]


def _latest_evidence(made: Sequence[Mapping[str, Any]]) -> list[Shown]:
    """What memory said at the run's last decision that had evidence, by action."""
    latest: Mapping[str, Any] = next((one["evidence"] for one in reversed(made) if one["evidence"]), {})
    return [{"action": action, **told} for action, told in sorted(latest.items())]
