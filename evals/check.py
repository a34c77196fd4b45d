"""Something a demo or a measurement looks at, and whether it is so. See `Check`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Check:
    """Something that must be so, and what was found."""

    name: str
    passed: bool
    detail: str

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {"name": self.name, "passed": self.passed, "detail": self.detail}
