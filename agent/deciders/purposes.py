"""How far each purpose of a playbook has come in this run, and whether its condition holds. Start with `standing`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agent.expressions import Expression, ExpressionError, MissingField
from agent.types import CallResult, Purpose, Situation
from tools.types import JsonValue

State: TypeAlias = Literal["open", "served", "rejected", "failed", "unknown", "waiting", "closed"]
"""`failed`: a call failed or was refused and another may be tried; `closed`: an operator's own answer did not work."""

Truth: TypeAlias = Literal["true", "false", "untold", "broken"]
"""Of a condition; `untold`: it reads something that is not there, or not yet."""

VARIABLES = frozenset({"event", "events", "data", "subject", "features", "results", "steps", "failed"})


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a purpose stands."""

    state: State
    failed: tuple[CallResult, ...] = ()
    """Calls for it that failed or were refused."""

    @property
    def in_words(self) -> str:
        """Why nothing more is done for it."""
        return {
            "open": "not begun",
            "served": "done",
            "rejected": "an operator said no",
            "failed": "its call failed",
            "unknown": "its effect is in doubt until an operator has settled it",
            "waiting": "it waits for an operator",
            "closed": "what the operator asked for did not work",
        }[self.state]


def standing(purpose: Purpose, situation: Situation, *, writes: bool) -> Standing:
    """The state of a purpose from the run's results; a read does not serve a purpose that means a write."""
    effects = {tool.name: tool.governance.effect for tool in situation.tools}
    steps = {tool.name: tool.governance.step for tool in situation.tools}
    own = [
        result
        for result in situation.results
        if (
            result.call.purpose == purpose.text
            # An operator who answers with a call of their own need not say which purpose it serves.
            or (
                result.call.purpose is None
                and result.decided_by == "operator"
                and steps.get(result.call.tool) == purpose.step
            )
        )
        and (not writes or effects.get(result.call.tool, "write") == "write")
    ]
    return judge(own, reads=not writes)


def judge(results: list[CallResult], *, reads: bool) -> Standing:
    """The state that a purpose's own calls add up to. A read in doubt is a failed one: it changed nothing."""
    states = {result.state for result in results}
    failed = tuple(
        result for result in results if result.state in {"failed", "refused"} or (reads and result.state == "unknown")
    )
    for state in ("done", "rejected", "unknown", "waiting"):
        if state in states and not (reads and state == "unknown"):
            return Standing(state="served" if state == "done" else state, failed=failed)
    if not failed:
        return Standing(state="open")
    by_operator = any(result.decided_by == "operator" for result in failed)
    return Standing(state="closed" if by_operator else "failed", failed=failed)


class Conditions:
    """Evaluates `when` over what is known in this decision."""

    def __init__(self, situation: Situation) -> None:
        self._context = context(situation)
        self._parsed: dict[str, Expression] = {}

    def truth(self, when: str | None) -> tuple[Truth, str]:
        """Whether the condition holds, and what is wrong where it cannot be told."""
        if when is None or not when.strip():
            return "true", ""
        try:
            if when not in self._parsed:
                self._parsed[when] = Expression.parse(when, VARIABLES)
            return ("true" if self._parsed[when].truth(self._context) else "false"), ""
        except MissingField as error:
            return "untold", error.problem
        except ExpressionError as error:
            return "broken", error.problem

    def reads(self, when: str) -> frozenset[tuple[str, ...]]:
        """The paths a condition reads; none for one that is no expression."""
        self.truth(when)
        expression = self._parsed.get(when)
        return expression.paths if expression is not None else frozenset()


def context(situation: Situation) -> Mapping[str, JsonValue]:
    """The variables of a condition: results by tool and by step are those of the last call that was done.

    `failed` has the reasons of tools that were called in vain.
    """
    event = situation.event
    step_of = {tool.name: tool.governance.step for tool in situation.tools}
    results: dict[str, JsonValue] = {}
    steps: dict[str, JsonValue] = {}
    failed: dict[str, JsonValue] = {}
    for result in situation.results:
        if result.state == "done":
            results[result.call.tool] = result.result
            step = step_of.get(result.call.tool)
            if step is not None:
                steps[step] = result.result
        elif result.state in {"failed", "refused"}:
            failed[result.call.tool] = result.error or ""
    return {
        "event": {
            "id": event.id,
            "type": event.type,
            "source": event.source,
            "subject": event.subject,
            "time": event.time.isoformat(),
        },
        "events": [{"id": one.id, "time": one.time.isoformat(), "data": one.data} for one in situation.events],
        "data": event.data,
        "subject": event.subject,
        "features": dict(situation.features),
        "results": results,
        "steps": steps,
        "failed": {tool: why for tool, why in failed.items() if tool not in results},
    }
