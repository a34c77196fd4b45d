"""Policy: what is permitted, whatever memory, event text, a chat model or an operator's edit says.

Start with `check`.

A call is permitted when its tool is allowed for the event's type, every bound argument equals the event's own field
at any depth, its arguments fit the tool's schema, nothing of its like is in doubt, it was not already done in this
run, and the run's budget still holds it. A permitted call of a high-risk tool waits for an operator's approval of
exactly these arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from agent.actions import action_name
from agent.canonical import canonical, like
from agent.storable import NotStorable, check_json
from agent.store.decisions import Verdict
from agent.types import Call
from tools.arguments import check_arguments
from tools.types import JsonObject, JsonValue, Tool


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What holds for the calls of one decision of one run."""

    tools: Mapping[str, Tool]
    """Every registered tool."""
    allowed: Set[str]
    """Names of the tools the portfolio allows for the event's type."""
    bound: Mapping[str, JsonValue]
    """Argument name -> the only value it may have."""
    subject: str
    event_type: str
    in_doubt: Mapping[str, str]
    """Like-hash -> key of the claimed or unknown effect that blocks it."""
    already: Mapping[str, str]
    """Like-hash -> how a write of this run that may have acted ended."""
    calls_left: int


def check(calls: Sequence[Call], limits: Limits, *, by: str) -> tuple[Verdict, ...]:
    """Policy's word on each call of a decision, in order; `by` is who asked for them."""
    verdicts: list[Verdict] = []
    seen: set[str] = set()
    used = 0
    for asked in calls:
        strange = _strange(asked)
        if strange is not None:
            verdicts.append(Verdict(call=replace(asked, arguments={}), verdict="refused", why=strange, decided_by=by))
            continue
        call = bind(asked, limits)
        hashed = like(call.tool, call.arguments, limits.subject)
        why = refusal(call, limits)
        if why is None and hashed in seen:
            why = "the same call stands twice in this decision"
        if why is None and used >= limits.calls_left:
            why = "the run's limit of calls is used up"
        if why is not None:
            verdicts.append(Verdict(call=call, verdict="refused", why=why, decided_by=by))
            continue
        seen.add(hashed)
        used += 1
        risky = limits.tools[call.tool].governance.risk == "high"
        verdicts.append(Verdict(call=call, verdict="approval" if risky else "permitted", why=None, decided_by=by))
    return tuple(verdicts)


def _strange(call: Call) -> str | None:
    """Why the arguments are nothing that could be compared, stored or sent."""
    try:
        check_json(call.arguments, "arguments")
    except NotStorable as error:
        return str(error)
    return None


def bind(call: Call, limits: Limits) -> Call:
    """Fill in bound arguments the decider left out; a value it did give is never replaced.

    An argument bound to a field that the event lacks stays away: its only permitted value is null.
    """
    tool = limits.tools.get(call.tool)
    if tool is None:
        return call
    properties = tool.parameters.get("properties")
    names = properties.keys() if isinstance(properties, Mapping) else ()
    filled = {
        name: limits.bound[name] for name in names if limits.bound.get(name) is not None and name not in call.arguments
    }
    if not filled:
        return call
    arguments: JsonObject = {**call.arguments, **filled}
    return replace(call, arguments=arguments, action=action_name(tool, arguments))


def refusal(call: Call, limits: Limits) -> str | None:
    """Why the call is not permitted, in words for the decider; None if it is."""
    tool = limits.tools.get(call.tool)
    if tool is None:
        return f"there is no tool {call.tool!r}"
    if call.tool not in limits.allowed:
        return f"tool {call.tool!r} is not allowed for events of type {limits.event_type!r}"
    broken = _broken_binding(call.arguments, limits.bound)
    if broken is not None:
        return broken
    mistakes = check_arguments(tool, call.arguments)
    if mistakes:
        return "the arguments do not fit the tool: " + "; ".join(mistakes)
    if tool.governance.effect == "write":
        hashed = like(call.tool, call.arguments, limits.subject)
        if hashed in limits.in_doubt:
            return f"effect {limits.in_doubt[hashed]!r} of the same call is in doubt until an operator has settled it"
        if hashed in limits.already:
            return f"the same call was already made in this run: {limits.already[hashed]}"
    return None


def _broken_binding(value: JsonValue, bound: Mapping[str, JsonValue]) -> str | None:
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name in bound and canonical(item) != canonical(bound[name]):
                right = "left out, as the event does not have it" if bound[name] is None else repr(bound[name])
                return f"argument {name!r} must be {right}; it was {item!r}"
            deeper = _broken_binding(item, bound)
            if deeper is not None:
                return deeper
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            deeper = _broken_binding(item, bound)
            if deeper is not None:
                return deeper
    return None
