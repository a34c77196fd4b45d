"""Which tools of a source are registered, and what the company says about each."""

from __future__ import annotations

from dataclasses import dataclass, field

from tools.types import Governance


@dataclass(frozen=True, kw_only=True)
class ToolSelection:
    """One tool taken from a source."""

    operation: str | None = None
    """Where the source has it: `operationId` or `POST /path`, for Python `module:function`. None: the tool's name."""
    description: str | None = None
    """Replaces the source's own description."""
    governance: Governance = field(default_factory=Governance)
