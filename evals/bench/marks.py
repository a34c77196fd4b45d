"""What must be reached, and whether it was. Start with `Mark`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

MarkState = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A bound on a figure."""

    name: str
    wanted: str
    state: MarkState
    measured: float | None = None
    why: str | None = None
    """Why it was skipped."""

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        measured = None if self.measured is None else round(self.measured, 3)
        return {
            "name": self.name,
            "wanted": self.wanted,
            "measured": measured,
            "state": self.state,
            "why": self.why,
        }


def at_least(name: str, bound: float, measured: float | None, *, unit: str = "", why: str | None = None) -> Mark:
    """A figure that must not be smaller; None: skipped, and `why` says why."""
    return _mark(name, f"at least {bound:g}{unit}", measured, measured is not None and measured >= bound, why)


def at_most(name: str, bound: float, measured: float | None, *, unit: str = "", why: str | None = None) -> Mark:
    """A figure that must not be larger; None: skipped, and `why` says why."""
    return _mark(name, f"at most {bound:g}{unit}", measured, measured is not None and measured <= bound, why)


def measured(mark: Mark) -> str:
    """With digits enough to tell it from its bound."""
    if mark.measured is None:
        return "-"
    return f"{mark.measured:.2f}" if abs(mark.measured) >= 1 else f"{mark.measured:.3f}"


def verdict(mark: Mark) -> str:
    """Its state, and why where there is more to say."""
    return mark.state if mark.why is None else f"{mark.state}: {mark.why}"


def _mark(name: str, wanted: str, measured: float | None, reached: bool, why: str | None) -> Mark:
    state: MarkState = "skipped" if measured is None else "passed" if reached else "failed"
    return Mark(name=name, wanted=wanted, state=state, measured=measured, why=why if measured is None else None)
