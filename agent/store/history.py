"""What happened in a run so far, as its next decision needs it. Start with `history`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, select

from agent.arms import Drawn
from agent.store.decisions import APPROVAL_OF_CALL, EFFECT_OF_CALL
from agent.store.large import Reader, excerpt_of, read
from agent.store.prepared import Prepared
from agent.store.runs import RunRow
from agent.store.tables import approvals, calls, decisions, effects, runs
from agent.types import Call, CallResult, CallState
from tools.types import JsonValue

WHOLE_BYTES = 16 * 1024 * 1024
"""Bytes of JSON of large results, all together, that a decision sees whole beside each tool's last."""

# Built once, as they stand on the path of every decision.
LATER = decisions.c.number > bindparam("after")
ARMS: tuple[ColumnElement[Any], ...] = (
    func.max(decisions.c.arm).filter(LATER).label("arm"),
    func.max(decisions.c.memory_share).filter(LATER).label("memory_share"),
    func.count().filter(LATER, decisions.c.swayed.is_(True)).label("swayed"),
    func.count().filter(LATER, decisions.c.swayed.is_(None)).label("untold"),
)
"""The one arm of all decisions of a try, and how many of them memory swayed, or may have."""
DRAWN = Prepared(select(*ARMS).where(decisions.c.run == bindparam("run")))
UNANSWERED = (
    select(func.count())
    .select_from(approvals)
    .where(approvals.c.run == bindparam("run"), approvals.c.state == "pending")
    .scalar_subquery()
)
_MADE = select(
    func.count().label("decisions"),
    func.count().filter(LATER).label("used"),
    func.coalesce(func.sum(decisions.c.tokens).filter(LATER), 0).label("tokens"),
    func.max(decisions.c.reason).filter(decisions.c.kind == "finish").label("finished"),
    UNANSWERED.label("unanswered"),
    select(runs.c.cancelled_by).where(runs.c.id == bindparam("run")).scalar_subquery().label("cancelled_by"),
    *ARMS,
).where(decisions.c.run == bindparam("run"))
MADE = Prepared(_MADE)
CALLS = Prepared(
    select(
        calls,
        effects.c.state,
        effects.c.result,
        effects.c.large_result,
        effects.c.error,
        effects.c.verified,
        effects.c.like,
        effects.c.settled_by,
        approvals.c.state.label("answer"),
        approvals.c.reason,
    )
    .outerjoin(effects, EFFECT_OF_CALL)
    .outerjoin(approvals, APPROVAL_OF_CALL)
    .where(calls.c.run == bindparam("run"))
    .order_by(calls.c.decision, calls.c.position)
)
DOUBTS = Prepared(
    select(effects.c.key, effects.c.like).where(
        effects.c.tenant == bindparam("tenant"),
        effects.c.subject == bindparam("subject"),
        effects.c.like.is_not(None),
        effects.c.state.in_(("claimed", "unknown")),
    )
)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A run's part in the comparison with and without memory."""

    drawn: Drawn | None
    """None before its first decision, and where no arm was drawn."""
    swayed: bool | None
    """Whether memory sways any of its decisions. Up to the first one that it sways, both arms live through the same."""


UNDECIDED = Compared(drawn=None, swayed=False)
"""Of a run in which nothing was decided yet."""


@dataclass(frozen=True, kw_only=True)
class History:
    """A run's calls with their results, and what it has used up."""

    decisions: int
    used: int
    """Decisions that count against the run's limit: those since its last replay, as calls and tokens do."""
    calls: int
    tokens: int
    results: tuple[CallResult, ...]
    in_doubt: Mapping[str, str]
    """Like-hash -> effect key, for the run's subject: whatever run made it."""
    already: Mapping[str, str]
    """Like-hash -> state, for writes of this run that acted or may have."""
    unfinished: tuple[int, ...]
    """Indices of calls of the last decision that may be made and were not: a crash came between."""
    unanswered: bool
    """An approval or question of the run is open, or an effect unknown."""
    finished: str | None
    """Reason of a last decision that wanted nothing more: a crash came before the run was closed."""
    cancelled_by: str | None
    """Who wants the run cancelled, if anybody."""
    compared: Compared
    """As of its last decision since a replay."""

    @property
    def at_rest(self) -> bool:
        """Whether nothing is left to do, to answer or to close of what was decided."""
        return self.finished is None and not self.unfinished and not self.unanswered


def no_history(connection: Connection, run: RunRow) -> History:
    """Of a run in which nothing was decided yet; only its subject may have calls in doubt."""
    return History(
        decisions=0,
        used=0,
        calls=0,
        tokens=0,
        results=(),
        in_doubt=_in_doubt(connection, run),
        already={},
        unfinished=(),
        unanswered=False,
        finished=None,
        cancelled_by=run.cancelled_by,
        compared=UNDECIDED,
    )


def history(connection: Connection, run: RunRow, read_large: Reader = read) -> History:
    """Read it in one consistent view.

    Results are whole. Only of a run with more than `WHOLE_BYTES` of large ones the oldest are excerpts, a text each;
    the last result of each tool is whole even then, since that is what `results.tool` speaks of.
    """
    made = MADE.on(connection, {"run": run.id, "after": run.after_decision}).one()
    rows = _calls(connection, run.id)
    whole = read_large(connection, run.tenant, _seen_whole(rows))
    return History(
        decisions=made.decisions,
        used=made.used,
        calls=sum(row["state"] is not None and row["decision"] > run.after_decision for row in rows),
        tokens=made.tokens,
        results=tuple(_result(row, whole) for row in rows if _still_counts(row, run.after_decision)),
        in_doubt=_in_doubt(connection, run),
        already={
            row["like"]: row["state"] if row["state"] == "done" else f"{row['state']}, {row['error']}"
            for row in rows
            if row["like"] is not None
            and (row["state"] == "done" or (row["settled_by"] is None and _may_have_acted(row)))
        },
        unfinished=tuple(row["position"] for row in rows if row["decision"] == made.decisions and _is_open(row)),
        unanswered=made.unanswered > 0 or any(row["state"] == "unknown" for row in rows),
        finished=made.finished,
        cancelled_by=made.cancelled_by,
        compared=_compared(made),
    )


def compared(connection: Connection, run: RunRow) -> Compared:
    """The run's part in the comparison, by the decisions stored so far."""
    return _compared(DRAWN.on(connection, {"run": run.id, "after": run.after_decision}).one())


def _compared(made: Any) -> Compared:
    drawn = None if made.arm is None else Drawn(arm=made.arm, memory_share=made.memory_share)
    return Compared(drawn=drawn, swayed=True if made.swayed else None if made.untold else False)


def _calls(connection: Connection, run: str) -> Sequence[Mapping[Any, Any]]:
    return CALLS.on(connection, {"run": run}).mappings()


def _still_counts(row: Mapping[Any, Any], after: int) -> bool:
    """What failed before a replay may be tried again; what was done then is done."""
    return row["decision"] > after or row["state"] in ("done", "unknown")


def _seen_whole(rows: Sequence[Mapping[Any, Any]]) -> set[str]:
    """Digests of the large results that are read, the latest first."""
    wanted: set[str] = set()
    tools: set[str] = set()
    total = 0
    for row in reversed(rows):
        if row["state"] != "done":
            continue
        is_last = row["tool"] not in tools
        tools.add(row["tool"])
        digest = row["large_result"]
        if digest is None or digest in wanted:
            continue
        size = row["result"]["bytes"]
        if is_last or total + size <= WHOLE_BYTES:
            wanted.add(digest)
            total += size
    return wanted


def _result(row: Mapping[Any, Any], whole: Mapping[str, JsonValue]) -> CallResult:
    result, digest = call_result(row), row["large_result"]
    if digest is None:
        return result
    return replace(result, result=whole[digest] if digest in whole else excerpt_of(row["result"]))


def _is_open(row: Mapping[Any, Any]) -> bool:
    may_act = row["verdict"] == "permitted" or (row["verdict"] == "approval" and row["answer"] == "approved")
    return may_act and row["state"] in (None, "claimed")


def _may_have_acted(row: Mapping[Any, Any]) -> bool:
    return row["state"] == "failed" and str(row["error"]).startswith(NONSENSE)


NONSENSE = "answered nonsense"
"""How the error of a call begins whose tool claimed success unreadably; its like is not repeated in the same run."""


def call_result(row: Mapping[Any, Any]) -> CallResult:
    """A row of a call with its effect and approval, as deciders see it."""
    return CallResult(
        decision=row["decision"],
        index=row["position"],
        call=Call(
            tool=row["tool"],
            arguments=row["arguments"],
            action=row["action"],
            purpose=row["purpose"],
            propensity=row["propensity"],
            prior=row["prior"],
        ),
        state=_state(row),
        result=row["result"],
        error=row["error"] if row["state"] is not None else _why(row),
        decided_by=row["decided_by"],
        verified=row["verified"],
    )


def _state(row: Mapping[Any, Any]) -> CallState:
    state: CallState
    if row["state"] in ("done", "failed", "unknown"):
        state = row["state"]
    elif row["verdict"] in ("refused", "rejected"):
        state = row["verdict"]
    elif row["answer"] == "rejected":
        state = "rejected"
    else:
        state = "waiting"
    return state


def _why(row: Mapping[Any, Any]) -> str | None:
    if row["answer"] == "rejected":
        return f"an operator said no{': ' + row['reason'] if row['reason'] else ''}"
    why: str | None = row["why"]
    return why


def _in_doubt(connection: Connection, run: RunRow) -> Mapping[str, str]:
    rows = DOUBTS.on(connection, {"tenant": run.tenant, "subject": run.event.subject})
    return {row.like: row.key for row in rows if row.like is not None}
