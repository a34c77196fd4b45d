"""The unit that is learned: a tool, or a tool with the values of its `choice` arguments."""

from __future__ import annotations

import json

from agent.canonical import digest
from tools.types import Governance, JsonObject, Tool

NOTHING = Tool(
    name="(nothing)",
    description="",
    parameters={"type": "object", "properties": {}},
    returns=None,
    source="segue",
    governance=Governance(),
)
"""Stands for calling none, where that is weighed against the tools: it is learned of as they are, and never called.
No tool of a source can have its name."""


def action_name(tool: Tool, arguments: JsonObject) -> str:
    """`tool`, or `tool[argument=value,...]` in the order the portfolio lists the choice arguments."""
    chosen = [f"{name}={_plain(arguments[name])}" for name in tool.governance.choice if name in arguments]
    return f"{tool.name}[{','.join(chosen)}]" if chosen else tool.name


def fingerprint(tool: Tool) -> str:
    """Changes when what the tool takes or gives changes."""
    return digest([tool.parameters, tool.returns])[:16]


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
