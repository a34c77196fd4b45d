"""The permitted tools as a chat model's functions, and the question to the operator. Start with `functions`."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from agent.types import Situation
from tools.errors import shorten
from tools.types import JsonValue, Tool

MAX_FUNCTIONS = 128
"""What OpenAI's interface takes in one request."""
MAX_DESCRIPTION = 1024
_ASK = "ask_operator"
_NOT_AT_THE_TOP = frozenset({"anyOf", "oneOf", "allOf", "not", "enum", "if", "then", "else"})
"""Keywords OpenAI's interface refuses beside a function's `type: object`; policy checks the whole schema anyway."""


def ask_name(situation: Situation) -> str:
    """Name of the built-in function: `ask_operator`, unless a company's tool has it."""
    taken = {tool.name for tool in situation.tools}
    if _ASK not in taken:
        return _ASK
    return next(name for number in count(2) if (name := f"{_ASK}_{number}") not in taken)


def functions(situation: Situation) -> list[dict[str, Any]]:
    """Function definitions in OpenAI's form, the question to the operator last.

    Above 127 tools those of the playbook's steps come first, then those with evidence; the rest is left out.
    """
    shown = offered(situation)
    return [*(function(tool, situation.bound) for tool in shown), _ask_function(ask_name(situation))]


def offered(situation: Situation) -> tuple[Tool, ...]:
    """The tools whose functions fit into one request, in the portfolio's order."""
    room = MAX_FUNCTIONS - 1
    if len(situation.tools) <= room:
        return situation.tools
    steps = {purpose.step for purpose in situation.playbook or ()}
    known = {action.split("[", 1)[0] for action in situation.evidence}
    ranked = sorted(situation.tools, key=lambda tool: (tool.governance.step not in steps, tool.name not in known))
    kept = {tool.name for tool in ranked[:room]}
    return tuple(tool for tool in situation.tools if tool.name in kept)


def parameters(tool: Tool, bound: Mapping[str, JsonValue]) -> dict[str, Any]:
    """The tool's schema without the bound arguments, which policy fills in."""
    schema: dict[str, Any] = {key: value for key, value in tool.parameters.items() if key not in _NOT_AT_THE_TOP}
    properties = schema.get("properties")
    kept = properties if isinstance(properties, Mapping) else {}
    required = schema.get("required")
    schema["type"] = "object"
    schema["properties"] = {name: value for name, value in kept.items() if name not in bound}
    if isinstance(required, list | tuple):
        schema["required"] = [name for name in required if name not in bound]
    schema.pop("dependentRequired", None)
    return schema


def function(tool: Tool, bound: Mapping[str, JsonValue]) -> dict[str, Any]:
    """One definition in OpenAI's form."""
    governance = tool.governance
    note = "Only reads." if governance.effect == "read" else "Changes something."
    if governance.risk == "high":
        note += " High risk: waits for an operator's approval."
    text = shorten(tool.description, MAX_DESCRIPTION - len(note) - 1)
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": f"{text} {note}".strip(),
            "parameters": parameters(tool, bound),
        },
    }


def _ask_function(name: str) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": "Ask a human operator instead of guessing. Call it alone: beside other calls it is dropped.",
            "parameters": {
                "type": "object",
                "properties": {
                    "question": {"type": "string", "description": "What the operator is to decide, in plain words."},
                    "tool": {"type": "string", "description": "The function you would call, if you have one in mind."},
                    "arguments": {"type": "object", "description": "Its arguments as far as you know them."},
                },
                "required": ["question"],
            },
        },
    }
