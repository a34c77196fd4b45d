"""What a check is, and what it finds. Start with `Check`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    state: Literal["ok", "warning", "fail"]
    """`fail`: Segue would not start or not work. `warning`: it would, but perhaps not as it is meant."""
    found: str
    mend: str = ""
    """What to do about it."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a Segue would be started with, and where one runs already."""

    portfolio: tuple[Path, ...]
    data: Path
    database_url: str | None
    model: str | None
    url: str | None
    """Of a running Segue."""
    key: str | None
    environment: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One kind of things to look at. It may block and may raise; what it must not do is change anything."""

    name: str
    look: Callable[[Setup], Iterable[Finding]]
    limit_s: float
    mend_if_slow: str
    """What to do when it has not ended within the limit."""


def ok(found: str) -> Finding:
    """As it should be."""
    return Finding(state="ok", found=found)


def warning(found: str, mend: str) -> Finding:
    """It works, but."""
    return Finding(state="warning", found=found, mend=mend)


def failed(found: str, mend: str) -> Finding:
    """It does not work."""
    return Finding(state="fail", found=found, mend=mend)
