"""Invented companies for the Planner's tests, and a run in memory. Start with `Company.run`; real MiniLM embeddings."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.deciders.planner import Planner
from agent.deciders.planner_settings import PlannerSettings
from agent.types import Budget, Call, CallResult, CallState, Decision, Event, Purpose, Question, Situation
from memory.embedding import Embedder
from memory.types import ActionEvidence
from tools.arguments import check_arguments
from tools.types import Governance, JsonObject, JsonValue, Risk, Tool, ToolEffect

Handler = Callable[[JsonObject], JsonValue]
Operator = Callable[[Question], Sequence[Call]]
"""The calls an operator wants made; none turns everything down."""

MAX_DECISIONS = 15


class Refused(Exception):
    """A tool declines a call."""


class Died(Exception):
    """A tool dies in the middle of a call."""


@functools.cache
def embedder() -> Embedder:
    """The real model, loaded once."""
    return Embedder.open(Path(tempfile.gettempdir()) / "segue-embedding-cache")


async def similarities(text: str, things: Mapping[str, str]) -> Mapping[str, float]:
    """Cosines by the real model."""
    vectors = await embedder().aembed([text, *things.values()])
    return dict(zip(things, (vectors[1:] @ vectors[0]).tolist(), strict=True))


def planner(**settings: Any) -> Planner:
    """A Planner over real embeddings."""
    return Planner(similarities, PlannerSettings(**settings))


def tool(
    name: str,
    description: str,
    parameters: Mapping[str, JsonObject],
    *,
    required: Sequence[str] | None = None,
    effect: ToolEffect = "write",
    step: str | None = None,
    risk: Risk = "low",
    choice: tuple[str, ...] = (),
    returns: Mapping[str, JsonObject] | None = None,
) -> Tool:
    """A tool; all its parameters are required unless said otherwise."""
    return Tool(
        name=name,
        description=description,
        parameters={
            "type": "object",
            "properties": dict(parameters),
            "required": list(parameters if required is None else required),
            "additionalProperties": False,
        },
        returns={"type": "object", "properties": dict(returns)} if returns is not None else None,
        source="invented",
        governance=Governance(effect=effect, step=step, risk=risk, choice=choice),
    )


def situation(
    *,
    data: JsonObject,
    tools: Sequence[Tool] = (),
    playbook: Sequence[Purpose] | None = None,
    bound: Mapping[str, JsonValue] | None = None,
    text: str = "",
    description: str = "",
    evidence: Mapping[str, ActionEvidence] | None = None,
    results: Sequence[CallResult] = (),
    subject: str = "subject-1",
    calls: int = 40,
) -> Situation:
    """A situation with sensible rest."""
    event = Event(
        source="/invented",
        id="1",
        type="invented.event",
        subject=subject,
        time=datetime(2026, 3, 1, tzinfo=UTC),
        data=data,
    )
    return Situation(
        run="run-1",
        decision=1 + max((result.decision for result in results), default=0),
        event=event,
        event_description=description,
        text=text,
        features={},
        goals={"good": 1.0},
        tools=tuple(tools),
        bound=bound or {},
        playbook=None if playbook is None else tuple(playbook),
        evidence=evidence or {},
        results=tuple(results),
        budget=Budget(decisions=12, calls=calls, seconds=600.0, tokens=100_000),
    )


def result(
    call: Call,
    *,
    state: CallState = "done",
    value: JsonValue = None,
    decision: int = 1,
    index: int = 0,
    by: str = "planner",
) -> CallResult:
    """How a call ended."""
    error = None if state == "done" else "it did not work"
    return CallResult(decision=decision, index=index, call=call, state=state, result=value, error=error, decided_by=by)


def evidence(action: str, success: float, failure: float, episodes: int = 6) -> Mapping[str, ActionEvidence]:
    """What so many like episodes say of an action."""
    ids = tuple(f"{action}-{number}" for number in range(episodes))
    return {action: ActionEvidence(action=action, success=success, failure=failure, episodes=ids)}


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a run did."""

    decisions: tuple[Decision, ...]
    results: tuple[CallResult, ...]

    @property
    def waves(self) -> list[list[str]]:
        """The tools called, decision by decision."""
        return [[call.tool for call in decision.calls] for decision in self.decisions if decision.calls]

    @property
    def questions(self) -> list[Question]:
        return [decision.question for decision in self.decisions if decision.question is not None]

    def calls(self, name: str) -> list[Call]:
        """The calls made of one tool."""
        return [one.call for one in self.results if one.call.tool == name and one.state == "done"]


@dataclass(frozen=True, kw_only=True)
class Company:
    """Tools with what they do."""

    tools: Sequence[Tool]
    handlers: Mapping[str, Handler] = field(default_factory=dict)

    async def run(self, start: Situation, decider: Planner | None = None, operator: Operator | None = None) -> Ran:
        """Drive a run to its end, or to a question nobody answers. Fails when it does not end."""
        decider = decider or planner()
        decisions: list[Decision] = []
        results: list[CallResult] = list(start.results)
        for number in range(1, MAX_DECISIONS + 1):
            now = replace(start, tools=tuple(self.tools), decision=number, results=tuple(results))
            decision = await decider.decide(now)
            decisions.append(decision)
            if decision.kind == "finish" or (decision.kind == "ask" and operator is None):
                return Ran(decisions=tuple(decisions), results=tuple(results))
            calls, by = list(decision.calls), "planner"
            if decision.question is not None and operator is not None:
                calls, by = list(operator(decision.question)), "operator"
                results += [
                    result(option, state="rejected", decision=number, index=90 + index, by="operator")
                    for index, option in enumerate(decision.question.options)
                    if option not in calls
                ]
            results += [self._made(call, number, index, by) for index, call in enumerate(calls)]
        raise AssertionError(f"the run did not end: {[decision.reason for decision in decisions]}")

    def _made(self, call: Call, number: int, index: int, by: str) -> CallResult:
        known = {one.name: one for one in self.tools}
        mistakes = check_arguments(known[call.tool], call.arguments)
        if mistakes:
            return result(call, state="refused", decision=number, index=index, by=by)
        try:
            value = self.handlers[call.tool](call.arguments) if call.tool in self.handlers else {"ok": True}
        except Refused:
            return result(call, state="failed", decision=number, index=index, by=by)
        except Died:
            return result(call, state="unknown", decision=number, index=index, by=by)
        return result(call, value=value, decision=number, index=index, by=by)


TEXT: JsonObject = {"type": "string", "minLength": 1}
NUMBER: JsonObject = {"type": "number"}
INTEGER: JsonObject = {"type": "integer"}
