"""Arguments of a proven call, found anew for the event at hand. Start with `rebind`.

An argument is bound the way it was every time: to the field that held its value in each of the past runs, or to the one
value that it always had. Nothing is taken over from a single run, and nothing is made up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from agent.deciders.filling import is_explanation, same_json
from agent.deciders.planner_fields import Fields
from agent.deciders.planner_values import NOTHING, Nothing, required
from agent.types import Call, PastRun, Situation
from tools.arguments import check_arguments
from tools.types import JsonObject, JsonValue, Tool

Sources: TypeAlias = Mapping[tuple[str, ...], JsonValue]
"""The values that arguments can come from, by where they stand."""


@dataclass(frozen=True, kw_only=True)
class Precedent:
    """A call as a past run made it, and what that run knew then."""

    call: Call
    sources: Sources


class Unbound(Exception):
    """An argument cannot be found anew; says which and why."""


def sources_now(situation: Situation) -> Sources:
    """What is known in the run at hand."""
    fields: dict[tuple[str, ...], JsonValue] = {("event", "subject"): situation.event.subject}
    for one in Fields(situation):
        fields.setdefault(("result" if one.origin else "event", *one.path), one.value)
    return fields


def sources_then(run: PastRun, decision: int, situation: Situation) -> Sources:
    """What was known in a past run before that decision."""
    bound = {
        name: result.call.arguments[name]
        for result in run.results
        for name in situation.bound
        if name in result.call.arguments
    }
    then = replace(
        situation,
        event=replace(situation.event, subject=run.subject, data=run.data),
        bound=bound,
        results=tuple(result for result in run.results if result.decision < decision),
    )
    return sources_now(then)


def rebind(tool: Tool, past: Sequence[Precedent], now: Sources, situation: Situation) -> JsonObject:
    """The arguments of the call that is like the past ones. Raises `Unbound`."""
    arguments: dict[str, JsonValue] = {}
    for name in dict.fromkeys(name for one in past for name in one.call.arguments):
        if name in situation.bound:
            if situation.bound[name] is not None:
                arguments[name] = situation.bound[name]
            continue
        given = [one for one in past if name in one.call.arguments]
        value = _traced([(one.call.arguments[name], one.sources) for one in given], now)
        if len(given) < len(past) or isinstance(value, Nothing):
            if is_explanation(name) and name not in required(tool.parameters):
                continue
            why = "was not always given" if len(given) < len(past) else "came from no one field and had no one value"
            raise Unbound(f"{name!r} of {tool.name!r} {why}")
        arguments[name] = value
    problems = check_arguments(tool, arguments)
    if problems:
        raise Unbound(f"{tool.name!r} would not take the arguments: {'; '.join(problems)}")
    return arguments


def _traced(past: Sequence[tuple[JsonValue, Sources]], now: Sources) -> JsonValue | Nothing:
    """The value now that has the place of the past ones; nothing where that is not clear."""
    first = past[0][0]
    same = all(same_json(value, first) for value, _ in past)
    held = [path for path, value in past[0][1].items() if same_json(value, first)]
    places = [path for path in held if all(path in at and same_json(at[path], value) for value, at in past)]
    found = [now[path] for path in places if path in now] + ([first] if same else [])
    if found and (same or len(past) > 1):
        return found[0] if all(same_json(one, found[0]) for one in found) else NOTHING
    if isinstance(first, Mapping) and all(
        isinstance(value, Mapping) and value.keys() == first.keys() for value, _ in past
    ):
        return _traced_parts(first, past, now)
    return NOTHING


def _traced_parts(first: JsonObject, past: Sequence[tuple[JsonValue, Sources]], now: Sources) -> JsonValue | Nothing:
    made: dict[str, JsonValue] = {}
    for name in first:
        part = _traced([(value[name], at) for value, at in past if isinstance(value, Mapping)], now)
        if isinstance(part, Nothing):
            return NOTHING
        made[name] = part
    return made
