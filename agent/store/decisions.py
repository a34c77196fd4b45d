"""Decisions with their calls and approvals, and what of the last one is still to be done. Start with `save`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select, update

from agent.arms import Drawn
from agent.canonical import digest
from agent.store import lessons
from agent.store.dialects import inserting, unless_there
from agent.store.prepared import Prepared
from agent.store.runs import HELD_BY, Start, Superseded, held_by, stop_clock
from agent.store.tables import approvals, calls, decisions, effects, runs
from agent.types import Call, Candidate, Decision, ReflexNote
from tools.types import JsonObject


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What policy says of one call."""

    call: Call
    verdict: Literal["permitted", "approval", "refused", "rejected"]
    why: str | None
    decided_by: str


@dataclass(frozen=True, kw_only=True)
class CheckedDecision:
    """A decision after the check: what is stored of it."""

    tenant: str
    number: int
    decision: Decision
    candidates: tuple[Candidate, ...]
    verdicts: tuple[Verdict, ...]
    evidence: JsonObject
    degraded: str | None
    """Why memory could not be asked, if it could not."""
    drawn: Drawn | None
    swayed: bool | None
    """Whether the other arm would have decided otherwise; None where it was not looked at."""
    lessons: tuple[str, ...] = ()
    """Ids of those the decider was shown."""


@dataclass(frozen=True, kw_only=True)
class Pending:
    """What is left to do of a run's last decision."""

    number: int
    act: tuple[int, ...]
    """Indices of calls that may be carried out now."""
    wait: bool
    """An operator's answer or settlement is missing."""


# Built once, as they stand on the path of every decision.
DECIDE = Prepared(unless_there(decisions))
HOLD_AND_NAME = Prepared(update(runs).where(*HELD_BY).values(decided_by=bindparam("by")))
CALLS = Prepared(inserting(calls))
LAST = select(func.coalesce(func.max(decisions.c.number), 0)).where(decisions.c.run == bindparam("run"))
UNANSWERED = select(approvals.c.id).where(approvals.c.run == bindparam("run"), approvals.c.state == "pending").limit(1)
UNKNOWN = select(effects.c.key).where(effects.c.run == bindparam("run"), effects.c.state == "unknown").limit(1)
EFFECT_OF_CALL = and_(
    effects.c.run == calls.c.run, effects.c.decision == calls.c.decision, effects.c.position == calls.c.position
)
APPROVAL_OF_CALL = and_(
    approvals.c.run == calls.c.run,
    approvals.c.decision == calls.c.decision,
    approvals.c.position == calls.c.position,
    approvals.c.kind == "call",
)
OPEN_CALLS = (
    select(calls.c.position, calls.c.verdict, effects.c.state, approvals.c.state.label("answer"))
    .outerjoin(effects, EFFECT_OF_CALL)
    .outerjoin(approvals, APPROVAL_OF_CALL)
    .where(calls.c.run == bindparam("run"), calls.c.decision == bindparam("number"))
    .order_by(calls.c.position)
)
UNSENT = (
    select(calls)
    .outerjoin(effects, EFFECT_OF_CALL)
    .outerjoin(approvals, APPROVAL_OF_CALL)
    .where(
        calls.c.run == bindparam("run"),
        effects.c.key.is_(None),
        or_(
            calls.c.verdict == "permitted",
            and_(calls.c.verdict == "approval", approvals.c.state == "approved"),
        ),
    )
)


def save(
    connection: Connection, start: Start, checked: CheckedDecision, approval_ids: Sequence[str], now: datetime
) -> None:
    """Store a decision, its calls and the approvals they need, once; a second time changes nothing.

    `approval_ids` are new ids, at least one more than there are calls. Raises `Superseded`.
    """
    decision, run = checked.decision, start.run
    if HOLD_AND_NAME.on(connection, {**held_by(start), "by": decision.decided_by}).rowcount == 0:
        raise Superseded(start)
    stored = DECIDE.on(
        connection,
        {
            "run": run,
            "number": checked.number,
            "kind": decision.kind,
            "reason": decision.reason,
            "decided_by": decision.decided_by,
            "tokens": decision.tokens,
            "candidates": [_candidate(candidate) for candidate in checked.candidates],
            "evidence": checked.evidence,
            "degraded": checked.degraded,
            "reflex": _note(decision.reflex),
            "decided_at": now,
            "arm": checked.drawn.arm if checked.drawn else None,
            "memory_share": checked.drawn.memory_share if checked.drawn else None,
            "swayed": checked.swayed,
        },
    )
    if stored.rowcount == 0:
        return
    lessons.show(connection, run, checked.number, checked.lessons)
    if checked.verdicts:
        rows = [_call(run, checked.number, index, verdict) for index, verdict in enumerate(checked.verdicts)]
        CALLS.many(connection, rows)
    for index, verdict in enumerate(checked.verdicts):
        if verdict.verdict == "approval":
            _ask(connection, run, checked, index, approval_ids[index], now)
    if decision.question is not None:
        _ask_question(connection, run, checked, approval_ids[-1], now)


def save_call(connection: Connection, run: str, number: int, index: int, verdict: Verdict) -> None:
    """Store one call of a decision with policy's word on it."""
    CALLS.on(connection, _call(run, number, index, verdict))


def _call(run: str, number: int, index: int, verdict: Verdict) -> dict[str, object]:
    call = verdict.call
    return {
        "run": run,
        "decision": number,
        "position": index,
        "tool": call.tool,
        "arguments": call.arguments,
        "action": call.action,
        "purpose": call.purpose,
        "propensity": call.propensity,
        "prior": call.prior,
        "decided_by": verdict.decided_by,
        "verdict": verdict.verdict,
        "why": verdict.why,
    }


def _ask(
    connection: Connection, run: str, checked: CheckedDecision, index: int, approval_id: str, now: datetime
) -> None:
    """Open an approval bound to exactly these arguments."""
    call = checked.verdicts[index].call
    connection.execute(
        insert(approvals).values(
            id=approval_id,
            tenant=checked.tenant,
            run=run,
            decision=checked.number,
            position=index,
            kind="call",
            tool=call.tool,
            arguments=call.arguments,
            arguments_hash=digest(call.arguments),
            state="pending",
            created_at=now,
        )
    )


def _ask_question(connection: Connection, run: str, checked: CheckedDecision, approval_id: str, now: datetime) -> None:
    question = checked.decision.question
    if question is None:
        return
    options = [
        {"tool": call.tool, "arguments": call.arguments, "action": call.action, "purpose": call.purpose}
        for call in question.options
    ]
    first = question.options[0] if question.options else None
    connection.execute(
        insert(approvals).values(
            id=approval_id,
            tenant=checked.tenant,
            run=run,
            decision=checked.number,
            position=len(checked.verdicts),
            kind="question",
            tool=first.tool if first else None,
            arguments=first.arguments if first else None,
            question={"text": question.text, "options": options, "missing": list(question.missing)},
            state="pending",
            created_at=now,
        )
    )


def _candidate(candidate: Candidate) -> JsonObject:
    return {
        "action": candidate.action,
        "tool": candidate.tool,
        "purpose": candidate.purpose,
        "permitted": candidate.permitted,
        "prior": round(candidate.prior, 4),
        "evidence": {"success": round(candidate.success, 4), "failure": round(candidate.failure, 4)},
        "episodes": list(candidate.episodes),
        "score": round(candidate.score, 4),
        "chosen": candidate.chosen,
        "why_not": candidate.why_not,
        "propensity": candidate.propensity,
    }


def _note(note: ReflexNote | None) -> JsonObject | None:
    if note is None:
        return None
    return {
        "role": note.role,
        "why": note.why,
        "gave_way": note.gave_way,
        "actions": list(note.actions),
        "agrees": note.agrees,
        "spared": note.spared,
        "schemas": dict(note.schemas),
    }


def pending(connection: Connection, run: str) -> Pending:
    """What of the run's last decision is still to be done or waited for."""
    number = connection.execute(LAST, {"run": run}).scalar_one()
    rows = connection.execute(OPEN_CALLS, {"run": run, "number": number}).all()
    act = tuple(
        row.position
        for row in rows
        if row.state in (None, "claimed")
        and (row.verdict == "permitted" or (row.verdict == "approval" and row.answer == "approved"))
    )
    asks = connection.execute(UNANSWERED, {"run": run}).first() is not None
    wait = asks or connection.execute(UNKNOWN, {"run": run}).first() is not None
    return Pending(number=number, act=act, wait=wait)


def settle(connection: Connection, run: str, now: datetime) -> Pending:
    """What is left to do of a run that is held; parks it when only an operator can go on with it."""
    left = pending(connection, run)
    if left.wait and not left.act:
        stop_clock(connection, run, now, status="waiting")
    return left


@dataclass(frozen=True, kw_only=True)
class Unsent:
    """A call that may be made and was not."""

    decision: int
    index: int
    approved: bool
    """An operator approved it or asked for it."""
    call: Call


def unsent(connection: Connection, run: str) -> tuple[Unsent, ...]:
    """Calls of a run that a stop left between permission and claim."""
    rows = connection.execute(UNSENT, {"run": run}).all()
    return tuple(
        Unsent(
            decision=row.decision,
            index=row.position,
            approved=row.verdict == "approval" or row.decided_by == "operator",
            call=Call(tool=row.tool, arguments=row.arguments, action=row.action),
        )
        for row in rows
    )
