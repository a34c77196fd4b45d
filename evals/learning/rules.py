"""What a sensible person does in the worlds, as rules for a scripted model. See `RULES`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evals.learning.scripted import Asked, Called, Rules
from evals.worlds.plant_maintenance.events import PREDICTED
from evals.worlds.plant_maintenance.truth import DEAR_SUPPLIER, LATE_FAMILIES, LATE_SUPPLIER
from evals.worlds.retail_care.events import FAILED
from evals.worlds.retail_care.truth import FITTING_TEAM

SLIPS = 0.05
"""Share of the events in which the model takes the wrong one of two."""


def care(asked: Asked) -> list[Called]:
    """Of both kinds of events of the shop."""
    return recover(asked) if asked.event["type"] == FAILED else learn(asked)


def recover(asked: Asked) -> list[Called]:
    """Look up the customer, then keep marketing away and hand over: to a caller, or to the team that knows."""
    data: Mapping[str, Any] = asked.event["data"]
    if not asked.called:
        return [("find_customer", {}), ("list_campaigns", {})]
    if asked.called & {"open_case", "book_callback"}:
        return []
    made: list[Called] = []
    if asked.answers.get("list_campaigns", {}).get("running_count", 0) > 0:
        made.append(("pause_campaigns", {"reason": f"trouble with {data['topic']}"}))
    if data["segment"] == "business":
        return [*made, ("book_callback", {})]
    fitting = FITTING_TEAM[data["topic"]]
    other = "meadow" if fitting == "harbour" else "harbour"
    return [*made, ("open_case", {"team": other if asked.slips(SLIPS) else fitting, "priority": "high"})]


def learn(asked: Asked) -> list[Called]:
    """Teach the chatbot what holds for others too, and go back to normal with the customer."""
    if asked.called:
        return []
    resumed: Called = ("resume_campaigns", {})
    return [("teach_chatbot", {}), resumed] if asked.event["data"].get("teachable", True) else [resumed]


def keep_running(asked: Asked) -> list[Called]:
    """Of both kinds of events of the plant."""
    return avert(asked) if asked.event["type"] == PREDICTED else use_part(asked)


def avert(asked: Asked) -> list[Called]:
    """Look, then plan around the repair and get the part, then send somebody once it is there."""
    window = _window(asked)
    if not asked.called:
        return [("read_sensors", {}), ("what_if", window), ("check_stock", {}), ("list_shipments", window)]
    if not asked.called & {"reserve_part", "order_part"}:
        made: list[Called] = []
        if asked.answers.get("what_if", {}).get("moved_count", 0) > 0:
            made.append(("reschedule", window))
        if asked.answers.get("list_shipments", {}).get("late_count", 0) > 0:
            made.append(("update_promise", window))
        is_free = asked.answers.get("check_stock", {}).get("free", 0) > 0
        return [*made, ("reserve_part", {}) if is_free else _order(asked)]
    if asked.answers.get("reserve_part", {}).get("reserved") and "dispatch_technician" not in asked.called:
        return [("dispatch_technician", window)]
    if "order_part" in asked.called or asked.answers.get("reserve_part", {}).get("reserved"):
        return []
    return [_order(asked)]


def use_part(asked: Asked) -> list[Called]:
    """Send somebody; where the part was late, plan anew."""
    window = _window(asked)
    if not asked.called:
        late = asked.event["data"].get("hours_late", 0) > 0
        return [("dispatch_technician", window), *([("what_if", window)] if late else [])]
    moved = asked.answers.get("what_if", {}).get("moved_count", 0) > 0
    return [("reschedule", window)] if moved and "reschedule" not in asked.called else []


def _window(asked: Asked) -> dict[str, Any]:
    data: Mapping[str, Any] = asked.event["data"]
    return {name: data[name] for name in ("repair_in_hours", "repair_hours") if name in data}


def _order(asked: Asked) -> Called:
    """At the cheap supplier, unless it is late with the part."""
    is_late = asked.event["data"]["part_family"] in LATE_FAMILIES
    fitting, other = (DEAR_SUPPLIER, LATE_SUPPLIER) if is_late else (LATE_SUPPLIER, DEAR_SUPPLIER)
    return ("order_part", {"supplier": other if asked.slips(SLIPS) else fitting})


RULES: Mapping[str, Rules] = {"retail_care": care, "plant_maintenance": keep_running}
