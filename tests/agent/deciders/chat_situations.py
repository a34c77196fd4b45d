"""Situations the chat decider's tests start from. Start with `situation`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from agent.types import Budget, Call, CallResult, CallState, Event, Purpose, Situation
from memory.types import ActionEvidence
from tools.types import Governance, JsonObject, JsonValue, Tool


def tool(name: str, properties: Mapping[str, Any], required: tuple[str, ...] = (), **governance: Any) -> Tool:
    """A tool whose parameters are the properties."""
    return Tool(
        name=name,
        description=f"Does {name}.",
        parameters={"type": "object", "properties": properties, "required": list(required)},
        returns=None,
        source="shop",
        governance=Governance(**governance),
    )


LOOK = tool("look_up_order", {"order_id": {"type": "string"}}, ("order_id",), effect="read", step="look")
ORDER = tool(
    "order_parts",
    {"order_id": {"type": "string"}, "supplier": {"type": "string"}, "amount": {"type": "integer"}},
    ("order_id", "supplier", "amount"),
    step="order",
    choice=("supplier",),
)
TELL = tool("tell_customer", {"order_id": {"type": "string"}, "note": {"type": "string"}}, ("note",), risk="high")


def event(data: JsonObject | None = None) -> Event:
    """An event about order o-7."""
    return Event(
        source="/shop",
        id="e-1",
        type="order.delayed",
        subject="o-7",
        time=datetime(2026, 11, 1, 12, 0, tzinfo=UTC),
        data={"order_id": "o-7", "days": 3} if data is None else data,
    )


def situation(
    *,
    tools: tuple[Tool, ...] = (LOOK, ORDER, TELL),
    data: JsonObject | None = None,
    bound: Mapping[str, JsonValue] | None = None,
    playbook: tuple[Purpose, ...] | None = None,
    evidence: Mapping[str, ActionEvidence] | None = None,
    results: tuple[CallResult, ...] = (),
    seconds: float = 60.0,
) -> Situation:
    """A situation in which order o-7 is late."""
    return Situation(
        run="r-1",
        decision=1 + max((result.decision for result in results), default=0),
        event=event(data),
        event_description="An order is late.",
        text="order o-7 is 3 days late",
        features={"days": 3},
        goals={"satisfaction": 0.7, "margin": 0.3},
        tools=tools,
        bound=bound or {},
        playbook=playbook,
        evidence=evidence or {},
        results=results,
        budget=Budget(decisions=5, calls=9, seconds=seconds, tokens=50_000),
    )


def result(
    decision: int,
    index: int,
    name: str,
    state: CallState,
    *,
    arguments: JsonObject | None = None,
    value: JsonValue = None,
    error: str | None = None,
    decided_by: str = "scripted",
) -> CallResult:
    """How an earlier call ended."""
    call = Call(tool=name, arguments=arguments or {}, action=name)
    return CallResult(
        decision=decision, index=index, call=call, state=state, result=value, error=error, decided_by=decided_by
    )


def seen(action: str, success: float, failure: float) -> ActionEvidence:
    """Evidence from two episodes."""
    return ActionEvidence(action=action, success=success, failure=failure, episodes=("ep-1", "ep-2"))
