"""The unit that is learned: a tool, or a tool with the values of its `choice` arguments."""

from __future__ import annotations

import json

from agent.canonical import digest
from tools.types import JsonObject, Tool


def action_name(tool: Tool, arguments: JsonObject) -> str:
    """`tool`, or `tool[argument=value,...]` in the order the portfolio lists the choice arguments."""
    chosen = [f"{name}={_plain(arguments[name])}" for name in tool.governance.choice if name in arguments]
    return f"{tool.name}[{','.join(chosen)}]" if chosen else tool.name


def fingerprint(tool: Tool) -> str:
    """Changes when what the tool takes or gives changes."""
    return digest([tool.parameters, tool.returns])[:16]


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
