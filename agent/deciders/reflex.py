"""Uses a proven plan again without asking the chat model. Start with `ReflexDecider.decide`.

What is proven stands in `reflex_plans`, how arguments are bound anew in `rebinding`. Whatever the reflex wants goes
through policy and the ledger like anything else; where it is not sure, the model is asked.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from agent.actions import fingerprint
from agent.deciders.chat_reading import candidates
from agent.deciders.planner_turn import is_alike
from agent.deciders.rebinding import Precedent, Unbound, rebind, sources_now, sources_then
from agent.deciders.reflex_plans import Proof, Unproven, propose
from agent.portfolio.model import Reflex
from agent.types import REFLEX, Call, Decider, Decision, Event, PastRun, ReflexNote, Situation
from memory.settings import Settings

MOST_PRECEDENTS = 30
"""Past runs that an argument's place is read off."""
_SPAN = 2**64


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """What the reflex would decide."""

    calls: tuple[Call, ...]
    proof: Proof


class ReflexDecider:
    """A chat model that is not asked where a proven plan goes on."""

    def __init__(self, model: Decider, reflexes: Mapping[str, Reflex], settings: Settings | None = None) -> None:
        """`reflexes` are those of the event types that have one; for the others the model alone decides."""
        self._model = model
        self._reflexes = reflexes
        self._settings = settings or Settings()

    @property
    def name(self) -> str:
        """The model's, which is who decides wherever nothing is proven."""
        return self._model.name

    async def decide(self, situation: Situation) -> Decision:
        """Go on with the proven plan, or ask the model. Raises `DeciderError` as the model does."""
        reflex = self._reflexes.get(situation.event.type)
        if reflex is None:
            return await self._model.decide(situation)
        try:
            # In a thread, as it takes some hundredths of a second, in which events are to be accepted.
            proposed = await asyncio.to_thread(self._propose, situation, reflex)
        except (Unproven, Unbound) as why:
            reason = why.reason if isinstance(why, Unproven) else "unbound"
            decision = await self._model.decide(situation)
            return _noted(decision, situation, ReflexNote(role="gave_way", why=str(why), gave_way=reason))
        if is_checked(situation.event, reflex.checked):
            return _checked(await self._model.decide(situation), proposed, situation)
        return self._decision(proposed, situation)

    def _propose(self, situation: Situation, reflex: Reflex) -> Proposed:
        proof = propose(situation, reflex, self._settings)
        tools = {tool.name: tool for tool in situation.tools}
        runs = [peer.run for peer in proof.peers[:MOST_PRECEDENTS]]
        then = {run.id: sources_then(run, situation.decision, situation) for run in runs} if proof.wave else {}
        now = sources_now(situation) if proof.wave else {}
        calls: list[Call] = []
        for action in _in_order(proof.wave, runs, situation.decision):
            made = {run.id: _call_of(run, situation.decision, action) for run in runs}
            first = made[runs[0].id]
            past = [Precedent(call=call, sources=then[run]) for run, call in made.items()]
            calls.append(replace(first, arguments=rebind(tools[first.tool], past, now, situation), propensity=1.0))
        return Proposed(calls=tuple(calls), proof=proof)

    def _decision(self, proposed: Proposed, situation: Situation) -> Decision:
        proof = proposed.proof
        weighed = candidates(proposed.calls, None, situation, self._settings)
        decision = Decision(
            kind="act" if proposed.calls else "finish",
            reason=f"Reflex, the model was not asked: {proof.in_words}.",
            calls=proposed.calls,
            candidates=tuple(
                one if one.chosen else replace(one, why_not="not part of the proven plan") for one in weighed
            ),
            decided_by=REFLEX,
        )
        note = ReflexNote(role="used", why=proof.in_words, actions=_actions(proposed.calls), spared=proof.spared)
        return _noted(decision, situation, note)


def is_checked(event: Event, share: float) -> bool:
    """Whether the event's run goes to the model as a check: by its hash, so that it holds for the whole run."""
    hashed = hashlib.sha256(f"reflex\n{event.source}\n{event.id}".encode()).digest()
    return int.from_bytes(hashed[:8]) < share * _SPAN


def _checked(decision: Decision, proposed: Proposed, situation: Situation) -> Decision:
    """The model's decision, with what the reflex would have done beside it."""
    agrees = _agree(decision, proposed, situation)
    actions = _actions(proposed.calls)
    would = f"called {', '.join(actions)}" if actions else "ended the run"
    said = "decided the same" if agrees else would
    note = ReflexNote(
        role="checked",
        why=proposed.proof.in_words,
        actions=actions,
        agrees=agrees,
        spared=proposed.proof.spared,
    )
    return _noted(
        replace(decision, reason=f"{decision.reason} (A check: the reflex would have {said}.)"), situation, note
    )


def _agree(decision: Decision, proposed: Proposed, situation: Situation) -> bool:
    """Whether both do the same, whatever reasons they give; bound arguments are policy's to fill in."""
    mine = {call.action: call for call in proposed.calls}
    theirs = {call.action: call for call in decision.calls}
    return (
        decision.kind == ("act" if mine else "finish")
        and not decision.refused
        and mine.keys() == theirs.keys()
        and len(theirs) == len(decision.calls)
        and all(
            is_alike({**call.arguments, **situation.bound}, {**mine[action].arguments, **situation.bound})
            for action, call in theirs.items()
        )
    )


def _noted(decision: Decision, situation: Situation, note: ReflexNote) -> Decision:
    """With the note, and the fingerprints of the tools that are called: what later runs must find unchanged."""
    called = {call.tool for call in decision.calls}
    schemas = {tool.name: fingerprint(tool) for tool in situation.tools if tool.name in called}
    return replace(decision, reflex=replace(note, schemas=schemas))


def _in_order(wave: frozenset[str], runs: list[PastRun], decision: int) -> list[str]:
    """As the likest run asked for them."""
    calls = [result for result in runs[0].results if result.decision == decision]
    return [result.call.action for result in sorted(calls, key=lambda one: one.index) if result.call.action in wave]


def _call_of(run: PastRun, decision: int, action: str) -> Call:
    return next(result.call for result in run.results if result.decision == decision and result.call.action == action)


def _actions(calls: tuple[Call, ...]) -> tuple[str, ...]:
    return tuple(call.action for call in calls)
