"""An operator's thumb: the outcome of a run that says well or badly done, no more. Start with `thumb_reward`."""

from __future__ import annotations

from typing import Literal, TypeAlias

from agent.types import Event
from memory.types import EVERY_GOAL
from tools.types import JsonObject

Thumb: TypeAlias = Literal["up", "down"]

THUMB = "segue.thumb"
"""Its type; only an outcome that names its run can be one."""

THUMB_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"thumb": {"enum": ["up", "down"]}, "reason": {"type": "string"}},
    "required": ["thumb"],
    "additionalProperties": False,
}


def thumb_reward(event: Event) -> dict[str, float]:
    """What it says, of every goal that no outcome has graded."""
    return {EVERY_GOAL: 1.0 if event.data.get("thumb") == "up" else 0.0}
