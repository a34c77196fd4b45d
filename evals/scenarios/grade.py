"""What a case is worth after it was played: the world alone says it. Start with `grade`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from agent.expressions import Expression, ExpressionError
from evals.scenarios.case import VARIABLES, Case

Grade: TypeAlias = Literal["solved", "asked", "unsolved", "wrong", "error"]
"""`asked`: not solved, and an operator is asked with a right call on offer; `wrong`: the world was changed in a way
the case forbids; `error`: the infrastructure failed, so nothing can be said of the decision."""


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    """What is there after the last run of a case."""

    ledger: Sequence[Mapping[str, Any]]
    """Deliveries to the world's tools, and to distractors."""
    state: Mapping[str, Any]
    write_tools: frozenset[str]
    statuses: Sequence[str]
    """How the runs ended, by event."""
    offered: frozenset[str]
    """Tools of the calls that open questions offer."""


@dataclass(frozen=True, kw_only=True)
class Graded:
    """The grade with its reasons."""

    grade: Grade
    reasons: tuple[str, ...] = ()


def grade(case: Case, after: Aftermath) -> Graded:
    """Wrong before everything, then solved, asked, unsolved."""
    calls = applied(after)
    context = {"calls": calls, "state": concerning(case, after.state)}
    wrong = [
        *(f"must not hold: {source}" for source in case.must_not if _holds(source, context)),
        *(f"{tool} changed the world" for tool, made in calls.items() if made and tool not in case.allowed_writes),
        *_too_often(case, calls),
    ]
    if wrong:
        return Graded(grade="wrong", reasons=tuple(wrong))
    lacking = [f"must hold: {source}" for source in case.must if not _holds(source, context)]
    ended = {"done", "waiting"} if case.may_ask else {"done"}
    open_runs = [f"a run ended {status}" for status in after.statuses if status not in ended]
    if not lacking and not open_runs:
        return Graded(grade="solved")
    if case.acts and after.offered & case.right_tools:
        return Graded(grade="asked", reasons=tuple(lacking))
    return Graded(grade="unsolved", reasons=(*lacking, *open_runs))


def applied(after: Aftermath) -> dict[str, list[Any]]:
    """By write tool, the arguments of the calls that changed the world."""
    calls: dict[str, list[Any]] = {tool: [] for tool in sorted(after.write_tools)}
    for row in after.ledger:
        if row["applied"]:
            calls.setdefault(row["tool"], []).append(row["arguments"])
    return calls


def concerning(case: Case, state: Mapping[str, Any]) -> dict[str, Any]:
    """The state, its lists cut down to rows that name something of the case: a world has hundreds of others."""
    names = {event.subject for event in case.events} | set(_identifiers(case.given))
    names |= {value for event in case.events for value in _identifiers(event.data)}

    def cut(value: Any) -> Any:
        if isinstance(value, list):
            return [row for row in value if not isinstance(row, dict) or _speaks_of(names, row)]
        return value

    return {name: cut(value) for name, value in state.items()}


def _identifiers(value: Any, key: str = "") -> list[str]:
    if isinstance(value, dict):
        return [found for name, part in value.items() for found in _identifiers(part, name)]
    if isinstance(value, list):
        return [found for part in value for found in _identifiers(part, key)]
    return [value] if isinstance(value, str) and (key == "id" or key.endswith("_id")) else []


def _speaks_of(names: Set[str], value: dict[str, Any] | list[Any]) -> bool:
    """Whether one of the names is a text somewhere in the value."""
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, str):
            if part in names:
                return True
        elif isinstance(part, dict | list) and _speaks_of(names, part):
            return True
    return False


def _too_often(case: Case, calls: Mapping[str, Sequence[Any]]) -> list[str]:
    wanted: dict[str, int] = {}
    for event in case.events:
        for call in event.solution:
            for tool in call:
                wanted[tool] = wanted.get(tool, 0) + 1
    return [
        f"{tool} acted {len(made)} times instead of {wanted[tool]}"
        for tool, made in calls.items()
        if tool in wanted and tool not in case.repeatable and len(made) > wanted[tool]
    ]


def _holds(source: str, context: Mapping[str, Any]) -> bool:
    """What cannot be told does not hold."""
    try:
        return Expression.parse(source, VARIABLES).truth(context)
    except ExpressionError:
        return False
