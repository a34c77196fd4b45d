"""What the supervisor's nodes do. Each stage may be called again after a crash: it finds what it stored before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from agent.graph import End, Turn
from agent.ids import new_id
from agent.ledger import Ledger
from agent.policy import check
from agent.portfolio.model import Portfolio
from agent.remember import Remembering
from agent.situation import Prepared, Situations, UnknownEventType, read_facts
from agent.store import decisions, episodes, ledger, runs
from agent.store.closing import close_run
from agent.store.database import Database
from agent.store.decisions import CheckedDecision, Pending, Unsent, Verdict
from agent.store.history import History, history
from agent.types import Budget, CallResult, CallState, Candidate, Decider, DeciderError, Decision, Situation
from memory.types import Episode, EpisodeAction

FINISHED = End(status="done", code="finished", detail="the decider wanted nothing more")


class RunStages:
    """The stages of a run against the store, memory, a decider and the ledger."""

    def __init__(
        self,
        database: Database,
        portfolio: Portfolio,
        situations: Situations,
        decider: Decider,
        ledger: Ledger,
        remembering: Remembering,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._portfolio = portfolio
        self._situations = situations
        self._decider = decider
        self._ledger = ledger
        self._remembering = remembering
        self._clock = clock

    async def review(self) -> None:
        """Refuse what was permitted before a stop, was not sent, and is not permitted by the portfolio of now."""
        left = await self._database.read(decisions.unsent)
        if left:
            await self._database.write(lambda connection: self._review(connection, left))

    def _review(self, connection: Connection, left: Sequence[Unsent]) -> None:
        for one in left:
            run = runs.load(connection, one.run)
            why = self._situations.refusal(run, history(connection, run), one.call, approved=one.approved)
            if why is not None:
                ledger.refuse_call(connection, one.run, one.decision, one.index, why)

    async def settle(self, run: str) -> Pending:
        """What is left of the last decision; parks the run if only an operator can go on."""
        now = self._clock()
        return await self._database.write(lambda connection: decisions.settle(connection, run, now))

    async def recall(self, run: str) -> Prepared | End:
        """The situation of the next decision, with the evidence memory has for it."""
        try:
            return await self._situations.prepare(run)
        except UnknownEventType as error:
            return End(status="failed", code="unknown_event_type", detail=str(error))

    async def decide(self, prepared: Prepared | End) -> Turn:
        """Ask the decider within the run's limits, check every call by policy, and store both in one commit."""
        if isinstance(prepared, End):
            return Turn(number=0, end=prepared)
        situation, past = prepared.situation, prepared.past
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
        checked = _check(prepared, decision)
        now = self._clock()
        approval_ids = [new_id() for _ in range(len(checked.verdicts) + 1)]
        run = prepared.run.id
        await self._database.write(lambda connection: decisions.save(connection, run, checked, approval_ids, now))
        return _turn(checked)

    async def act(self, run: str, number: int, index: int) -> CallState:
        """Carry out one call through the ledger."""
        return await self._ledger.perform(run, number, index)

    async def record(self, run: str, end: End) -> None:
        """Close the run and write its episode in one commit, then give the episode to memory."""
        now = self._clock()

        def close(connection: Connection) -> Episode | None:
            row = runs.load(connection, run)
            runs.name_decider(connection, run, self._decider.name)
            # Before the close, which turns down what no operator ever turned down.
            results = history(connection, row).results
            close_run(connection, run, status=end.status, code=end.code, detail=end.detail, now=now)
            kind = self._portfolio.events.get(row.event.type)
            if kind is None:
                return None
            facts = read_facts(row.event, kind, results)
            decided_by = "operator" if any(result.decided_by == "operator" for result in results) else ""
            episode = Episode(
                id=run,
                tenant=row.tenant,
                source=row.event.source,
                event_id=row.event.id,
                event_type=row.event.type,
                subject=row.event.subject,
                text=facts.text,
                features=facts.features,
                actions=_actions(results),
                declined=_declined(results),
                decided_by=decided_by or self._decider.name,
                closed_at=now,
            )
            episodes.write(connection, episode)
            return episode

        episode = await self._database.write(close)
        if episode is not None:
            await self._remembering.remember(episode)


def _interrupted(past: History) -> Turn | None:
    """What a crash left of the last decision, which was stored but not gone through."""
    if past.finished is not None:
        return Turn(number=past.decisions, end=replace(FINISHED, detail=past.finished))
    if past.unfinished or past.unanswered:
        return Turn(number=past.decisions, act=past.unfinished, ask=past.unanswered)
    return None


def _check(prepared: Prepared, decision: Decision) -> CheckedDecision:
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
    )


def _turn(checked: CheckedDecision) -> Turn:
    decision, verdicts = checked.decision, checked.verdicts
    return Turn(
        number=checked.number,
        act=tuple(index for index, verdict in enumerate(verdicts) if verdict.verdict == "permitted"),
        ask=decision.kind == "ask" or any(verdict.verdict == "approval" for verdict in verdicts),
        end=replace(FINISHED, detail=decision.reason) if decision.kind == "finish" else None,
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


def _actions(results: Sequence[CallResult]) -> tuple[EpisodeAction, ...]:
    taken: dict[str, EpisodeAction] = {}
    for result in results:
        if result.state == "done":
            call = result.call
            taken.setdefault(
                call.action,
                EpisodeAction(
                    action=call.action, tool=call.tool, decided_by=result.decided_by, propensity=call.propensity
                ),
            )
    return tuple(taken.values())


def _declined(results: Sequence[CallResult]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(result.call.action for result in results if result.state == "rejected"))
