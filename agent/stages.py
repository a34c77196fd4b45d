"""What the supervisor's nodes do. Each stage may be called again after a crash: it finds what it stored before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from agent.arms import sways
from agent.graph import FINISHED, End, Turn
from agent.ids import new_id
from agent.ledger import Ledger
from agent.policy import check
from agent.portfolio.model import Portfolio
from agent.recording import Recording
from agent.situation import Prepared, Situations, UnknownEventType
from agent.store import decisions, ledger, runs
from agent.store.database import Database
from agent.store.decisions import CheckedDecision, Pending, Verdict
from agent.store.history import History, history
from agent.store.runs import Start
from agent.types import Budget, CallState, Candidate, Decider, DeciderError, Decision, Situation

WANTS_NOTHING = End(status="done", code=FINISHED, detail="the decider wanted nothing more")


class RunStages:
    """The stages of a run against the store, memory, a decider and the ledger."""

    def __init__(
        self,
        database: Database,
        portfolio: Portfolio,
        situations: Situations,
        decider: Decider,
        ledger: Ledger,
        recording: Recording,
        clock: Callable[[], datetime],
        shadow: Decider | None,
    ) -> None:
        """`shadow` decides what the other arm would have decided; None where that costs a model's call."""
        self._database = database
        self._portfolio = portfolio
        self._situations = situations
        self._decider = decider
        self._ledger = ledger
        self._recording = recording
        self._clock = clock
        self._shadow = shadow

    async def settle(self, start: Start) -> Pending:
        """What is left of the last decision; parks the run if only an operator can go on.

        Calls that were permitted earlier and were not sent are refused if the portfolio of now does not permit them.
        """
        now = self._clock()

        def settle(connection: Connection) -> Pending:
            if runs.hold(connection, start) is not None:
                return Pending(number=0, act=(), wait=False)
            if start.segment:
                self._review(connection, start.run)
            return decisions.settle(connection, start.run, now)

        return await self._database.write(settle)

    def _review(self, connection: Connection, name: str) -> None:
        left = decisions.unsent(connection, name)
        if not left:
            return
        run = runs.load(connection, name)
        for one in left:
            why = self._situations.refusal(run, history(connection, run), one.call, approved=one.approved)
            if why is not None:
                ledger.refuse_call(connection, name, one.decision, one.index, why)

    async def recall(self, run: str, *, fresh: bool, before: Prepared | None) -> Prepared | End:
        """The situation of the next decision, with the evidence memory has for it."""
        try:
            return await self._situations.prepare(run, fresh=fresh, before=before)
        except UnknownEventType as error:
            return End(status="failed", code="unknown_event_type", detail=str(error))

    async def decide(self, start: Start, prepared: Prepared | End) -> Turn:
        """Ask the decider within the run's limits, check every call by policy, and store both in one commit."""
        if isinstance(prepared, End):
            return Turn(number=0, end=prepared)
        situation, past = prepared.situation, prepared.past
        if past.cancelled_by is not None:
            end = End(status="cancelled", code="cancelled", detail=f"by {past.cancelled_by}")
            return Turn(number=past.decisions, end=end)
        interrupted = _interrupted(past)
        if interrupted is not None:
            return interrupted
        exhausted = _exhausted(situation.budget)
        if exhausted is not None:
            return Turn(number=past.decisions, end=exhausted)
        try:
            decision = await self._decider.decide(situation)
        except DeciderError as error:
            return Turn(number=past.decisions, end=End(status="failed", code=error.code, detail=error.detail))
        swayed = await sways(self._shadow, decision, situation, prepared.other)
        checked = _check(prepared, decision, swayed)
        now = self._clock()
        approval_ids = [new_id() for _ in range(len(checked.verdicts) + 1)]
        await self._database.write(lambda connection: decisions.save(connection, start, checked, approval_ids, now))
        return _turn(checked)

    async def act(self, start: Start, number: int, indices: Sequence[int]) -> tuple[CallState, ...]:
        """Carry out calls of one decision through the ledger, all at once."""
        return await self._ledger.perform(start, number, indices)

    async def record(self, start: Start, end: End, prepared: Prepared | None = None) -> None:
        """End the run."""
        await self._recording.record(start, end, prepared)


def _interrupted(past: History) -> Turn | None:
    """What a crash left of the last decision, which was stored but not gone through."""
    if past.finished is not None:
        return Turn(number=past.decisions, end=replace(WANTS_NOTHING, detail=past.finished))
    if past.unfinished or past.unanswered:
        return Turn(number=past.decisions, act=past.unfinished, ask=past.unanswered)
    return None


def _check(prepared: Prepared, decision: Decision, swayed: bool | None) -> CheckedDecision:
    situation = prepared.situation
    verdicts = check(decision.calls, prepared.limits, by=decision.decided_by)
    verdicts += tuple(
        Verdict(call=result.call, verdict="refused", why=result.error, decided_by=decision.decided_by)
        for result in decision.refused
    )
    return CheckedDecision(
        tenant=prepared.run.tenant,
        number=situation.decision,
        decision=decision,
        candidates=_with_verdicts(decision.candidates, verdicts),
        verdicts=verdicts,
        evidence=_evidence(situation),
        degraded=prepared.degraded,
        drawn=prepared.drawn,
        swayed=swayed,
        lessons=decision.lessons,
    )


def _turn(checked: CheckedDecision) -> Turn:
    decision, verdicts = checked.decision, checked.verdicts
    return Turn(
        number=checked.number,
        act=tuple(index for index, verdict in enumerate(verdicts) if verdict.verdict == "permitted"),
        ask=decision.kind == "ask" or any(verdict.verdict == "approval" for verdict in verdicts),
        end=replace(WANTS_NOTHING, detail=decision.reason) if decision.kind == "finish" else None,
    )


def _exhausted(budget: Budget) -> End | None:
    used_up = {
        "limit_decisions": budget.decisions <= 0,
        "limit_calls": budget.calls <= 0,
        "limit_seconds": budget.seconds <= 0,
        "limit_tokens": budget.tokens <= 0,
    }
    for code, is_used_up in used_up.items():
        if is_used_up:
            what = code.removeprefix("limit_")
            return End(status="stopped", code=code, detail=f"the run's limit of {what} is used up")
    return None


def _evidence(situation: Situation) -> dict[str, dict[str, float | list[str]]]:
    return {
        action: {
            "success": round(found.success, 4),
            "failure": round(found.failure, 4),
            "surprise": round(found.surprise, 4),
            "episodes": list(found.episodes),
        }
        for action, found in situation.evidence.items()
    }


def _with_verdicts(candidates: Sequence[Candidate], verdicts: Sequence[Verdict]) -> tuple[Candidate, ...]:
    """The candidates, with policy's refusals written where they belong."""
    refused = {verdict.call.action: verdict for verdict in verdicts if verdict.verdict == "refused"}
    weighed = {candidate.action for candidate in candidates}
    told = tuple(
        replace(candidate, permitted=False, chosen=False, why_not=f"refused: {refused[candidate.action].why}")
        if candidate.chosen and candidate.action in refused
        else candidate
        for candidate in candidates
    )
    unweighed = tuple(
        Candidate(
            action=action,
            tool=verdict.call.tool,
            purpose=verdict.call.purpose,
            permitted=False,
            prior=0.0,
            success=0.0,
            failure=0.0,
            episodes=(),
            score=0.0,
            chosen=False,
            why_not=f"refused: {verdict.why}",
        )
        for action, verdict in refused.items()
        if action not in weighed
    )
    return told + unweighed
