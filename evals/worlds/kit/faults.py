"""Faults that tools can be made to have, for tests of what Segue does about them. Kept in memory only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Mode = Literal["slow", "fail", "refuse", "die_after_effect", "garbage"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to deliveries of one tool."""

    mode: Mode
    seconds: float = 30.0
    """How long `slow` waits before acting."""
    left: int | None = None
    """Deliveries it still hits; None: until switched off."""


class Faults:
    """The faults in force, by tool; `*` stands for every tool and yields to a tool's own."""

    def __init__(self) -> None:
        self._by_tool: dict[str, Fault] = {}

    def put(self, tool: str, fault: Fault) -> None:
        """Put a fault in force, in place of the tool's former one."""
        self._by_tool[tool] = fault

    def remove(self, tool: str) -> None:
        """Switch a tool's fault off; `*` switches every fault off."""
        if tool == "*":
            self._by_tool.clear()
        self._by_tool.pop(tool, None)

    def hit(self, tool: str) -> Fault | None:
        """The fault that this delivery meets, counted."""
        name = tool if tool in self._by_tool else "*"
        fault = self._by_tool.get(name)
        if fault is not None and fault.left is not None:
            if fault.left <= 1:
                del self._by_tool[name]
            else:
                self._by_tool[name] = replace(fault, left=fault.left - 1)
        return fault

    def shown(self) -> list[dict[str, object]]:
        """For `/_world/state`."""
        return [
            {"tool": tool, "mode": fault.mode, "seconds": fault.seconds, "times_left": fault.left}
            for tool, fault in self._by_tool.items()
        ]
