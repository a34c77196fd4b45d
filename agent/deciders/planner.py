"""The embedded decider: retrieval over tools, playbook and evidence, no language model. Start with `Planner.decide`.

A decision is a wave of calls that do not depend on each other. Reads go first; writes follow once they are in; a
question is asked only when nothing else can be done; the run is finished when nothing permitted is worth doing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agent.deciders.expecting import Expectations
from agent.deciders.planner_evidence import EvidencePlanner
from agent.deciders.planner_fields import may_give
from agent.deciders.planner_habits import HabitBooks, HabitPlanner
from agent.deciders.planner_meaning import Similarities
from agent.deciders.planner_playbook import Next, PurposePlanner
from agent.deciders.planner_settings import PlannerSettings
from agent.deciders.planner_turn import Turn, is_alike, listed, quoted, sentence, spoken
from agent.types import Call, Candidate, Decision, Question, Situation
from tools.types import Tool

NAME = "planner"
MAX_REASON = 2_000
_OUTDONE = "another action scores as high or higher"
_EXPLORED = "another action is tried, to learn what it is worth"


@dataclass(frozen=True, kw_only=True)
class _Wave:
    """What one decision does, before it is written down."""

    kind: Literal["act", "ask", "finish"]
    chosen: tuple[Next, ...] = ()
    calls: tuple[Call, ...] = ()
    question: Question | None = None


class Planner:
    """Decides by the playbook's purposes, by evidence and by meaning; asks an operator instead of guessing."""

    def __init__(self, similarities: Similarities, settings: PlannerSettings) -> None:
        self._similarities = similarities
        self._settings = settings
        self._expectations = Expectations(settings.memory.lexical)
        self._habits = HabitBooks()

    @property
    def name(self) -> str:
        """What reports show as `decided_by`."""
        return NAME

    async def decide(self, situation: Situation) -> Decision:
        """The next wave of calls, a question, or the end; deterministic for one situation and one memory."""
        turn = Turn(situation, self._similarities, self._expectations, self._settings)
        nexts = await self._nexts(turn)
        wave = _wave(turn, nexts)
        for one in nexts:
            await _record(turn, one, wave)
        return Decision(
            kind=wave.kind,
            reason=_reason(wave, nexts)[:MAX_REASON],
            calls=wave.calls,
            question=wave.question,
            candidates=(*turn.notes, *_passed_over(turn)),
            decided_by=NAME,
        )

    async def _nexts(self, turn: Turn) -> list[Next]:
        """What every purpose needs next, and what evidence adds; without a playbook what is usual, else a question."""
        situation, evidence = turn.situation, EvidencePlanner(turn)
        if situation.playbook is not None:
            purposes = PurposePlanner(turn, situation.playbook)
            nexts = [await purposes.next_for(purpose) for purpose in situation.playbook]
            return nexts + await evidence.strong(outside={purpose.step for purpose in situation.playbook})
        if _is_turned_down(situation):
            return [Next(kind="skip", purpose=None, why="an operator said no")]
        habits = await self._habits.of(situation)
        if habits is not None:
            return await HabitPlanner(turn, habits).nexts()
        return [await evidence.otherwise()]


def _is_turned_down(situation: Situation) -> bool:
    """Whether all that an operator has said so far is no."""
    turned_down = [result for result in situation.results if result.state == "rejected"]
    said = [result for result in situation.results if result.decided_by == "operator"]
    return bool(turned_down) and all(result in turned_down for result in said)


def _wave(turn: Turn, nexts: Sequence[Next]) -> _Wave:
    """Reads before writes before a question; nothing of it: the end."""
    left = turn.situation.budget.calls
    for kind in ("read", "write"):
        ready = [one for one in nexts if one.kind == kind]
        chosen = _independent(turn, ready) if kind == "write" else ready
        calls = _distinct([call for one in chosen for call in one.calls])[: max(0, left)]
        if calls:
            return _Wave(kind="act", chosen=tuple(chosen), calls=tuple(calls))
        if ready:
            return _Wave(kind="finish")
    for one in nexts:
        if one.kind == "ask":
            return _Wave(kind="ask", chosen=(one,), question=one.question)
    return _Wave(kind="finish")


def _independent(turn: Turn, writes: Sequence[Next]) -> list[Next]:
    """Leaves out a write that guesses an argument which an earlier write of the wave may give by name."""
    tools = {tool.name: tool for tool in turn.situation.tools}
    kept: list[Next] = []
    givers: list[Tool] = []
    for one in writes:
        guessed = one.planned.filled.guessed if one.planned else ()
        if not any(may_give(giver, name) for giver in givers for name in guessed):
            kept.append(one)
        givers += [tools[call.tool] for call in one.calls if call.tool in tools]
    return kept


def _distinct(calls: Sequence[Call]) -> list[Call]:
    """Each call once, whatever reason it gives."""
    kept: list[Call] = []
    for call in calls:
        if not any(other.tool == call.tool and is_alike(other.arguments, call.arguments) for other in kept):
            kept.append(call)
    return kept


async def _record(turn: Turn, one: Next, wave: _Wave) -> None:
    """Note what was weighed for it, with the reason for whatever was not taken."""
    purpose = one.purpose.text if one.purpose else None
    taken = {call.action for call in one.calls if call in wave.calls} if one in wave.chosen else set()
    weighed = {option.action for option in one.options}
    text = purpose or turn.situation.event_description or turn.situation.text
    reads = [call for call in one.calls if call.action not in weighed] if one.kind == "read" else []
    failed = {result.call.action for result in turn.situation.results if result.state in {"failed", "refused"}}
    for option in [*one.options, *await turn.weighed(reads, text)]:
        why_not = None if option.action in taken else _why_not(one, wave, bool(taken), option.action)
        if why_not is not None and option.action in failed and one.kind != "ask":
            why_not = "it did not work in this run"
        chance = one.chances.get(option.action) if taken else None
        turn.notes.append(option.candidate(purpose=purpose, why_not=why_not, propensity=chance))


def _passed_over(turn: Turn) -> list[Candidate]:
    """Tools of the playbook's steps that no purpose came near enough to weigh, so that the report is complete."""
    situation = turn.situation
    steps = {purpose.step for purpose in situation.playbook or ()}
    noted = {candidate.tool for candidate in turn.notes}
    return [
        Candidate(
            action=tool.name,
            tool=tool.name,
            purpose=None,
            permitted=True,
            prior=0.0,
            success=known.success if known else 0.0,
            failure=known.failure if known else 0.0,
            episodes=known.episodes if known else (),
            score=0.0,
            chosen=False,
            why_not="no purpose that is open means it",
        )
        for tool in situation.tools
        if tool.governance.step in steps and tool.name not in noted
        for known in [situation.evidence.get(tool.name)]
    ]


def _why_not(one: Next, wave: _Wave, served: bool, action: str) -> str:
    """Why an action that was weighed is not taken now."""
    if one.kind == "read" and served and action not in {call.action for call in one.calls}:
        return f"not yet: {one.why}" if one.calls and one.planned is None else _OUTDONE
    if served:
        return _EXPLORED if one.explored else _OUTDONE
    if one.kind in {"skip", "closed"}:
        return one.why
    if one.kind == "ask":
        return "an operator is asked first" if one in wave.chosen else f"not yet: {one.why}"
    if one.planned is not None and action != one.planned.call.action:
        return _OUTDONE
    if wave.kind == "finish":
        return "the run's limit of calls is used up"
    return "not yet: what is known is looked up first" if one.kind == "write" else "the same call is made already"


def _reason(wave: _Wave, nexts: Sequence[Next]) -> str:
    """What is done and why, and what is not, in words an operator understands."""
    if wave.kind == "finish" and any(one.kind in {"read", "write"} for one in nexts):
        return "The run's limit of calls is used up."
    said = [_said(one) for one in wave.chosen]
    rest = [one for one in nexts if one not in wave.chosen and one.purpose is not None]
    wait = "" if wave.kind == "finish" else "not yet, "
    left = [
        f"{quoted(one.purpose.text)}: {'' if one.kind in {'closed', 'skip'} else wait}{one.why}"
        for one in rest
        if one.purpose is not None
    ]
    bare = [one.why for one in nexts if one.purpose is None and one.kind == "skip"]
    if wave.kind == "finish":
        said = ["Nothing permitted is left that is worth doing."]
    return " ".join([*said, *(sentence(text) for text in [*left, *bare])])


def _said(one: Next) -> str:
    what = listed([spoken(call.action) for call in one.calls]) if one.calls else "an operator is asked"
    aim = f" to {quoted(one.purpose.text)}" if one.purpose else ""
    return sentence(f"{what}{aim}: {one.why}")
