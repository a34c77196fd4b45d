"""What a sensible person does in the worlds, as rules for a scripted model. See `RULES`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evals.learning.scripted import Asked, Called, Rules
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


RULES: Mapping[str, Rules] = {"retail_care": care}
