"""The work every arm is given: two answers of a model, and two tools called at once between them.

The model and the tools are scripted and live in the arm's own process: they wait as long as the run says and cost next
to nothing, so that what is measured is what lies around them. No import but langchain-core, as foreign servers load it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage

TOOLS = ("look_up", "note")


@dataclass(frozen=True, kw_only=True)
class Waits:
    """How long the model and each tool take, in milliseconds."""

    model_ms: int
    tool_ms: int

    def __str__(self) -> str:
        return f"{self.model_ms}+{self.tool_ms} ms"


async def answer(asked: int, customer: str, waits: Waits) -> AIMessage:
    """The model's answer number `asked`, from 1: two calls first, then that nothing more is to be done."""
    await asyncio.sleep(waits.model_ms / 1000)
    if asked > 1:
        return AIMessage("Nothing more is to be done.")
    arguments = {"customer": customer, "wait_ms": waits.tool_ms}
    return AIMessage(
        "", tool_calls=[{"name": name, "args": arguments, "id": name, "type": "tool_call"} for name in TOOLS]
    )


async def look_up(customer: str, wait_ms: int) -> dict[str, Any]:
    """Look up what is known of a customer."""
    await asyncio.sleep(wait_ms / 1000)
    return {"customer": customer, "tier": "gold"}


async def note(customer: str, wait_ms: int) -> dict[str, Any]:
    """Note that a customer needs attention."""
    await asyncio.sleep(wait_ms / 1000)
    return {"customer": customer, "noted": True}
