"""What `segue eval learning` is made of: parts that are played one after another. Start with `Part`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.bench.marks import Mark
from evals.intervals import Spread


class LearningError(Exception):
    """A part could not be played; says why."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be played."""

    seeds: Sequence[int]
    events: int
    """Of a stream of a hidden preference."""
    explore: float
    """Share of choices that try another action."""
    wrong: float
    """How often a wrong tool of a hidden preference works; the right one does in 90 % of the cases."""
    cache: Path
    """Folder of the embedding model."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """A table of a section."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Curves:
    """How arms did in equal parts of a stream, one after another."""

    title: str
    measure: str
    """What is drawn upwards, with its unit."""
    counted: str
    """What is drawn along."""
    events: int
    """To the end of the last part."""
    judged_from: int
    """From this event on figures are taken."""
    arms: Mapping[str, Sequence[Spread]]
    """A mean over seeds for each part."""
    most: float | None = None
    """No value is larger; none is below 0."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Means over seeds side by side."""

    title: str
    measure: str
    rows: Mapping[str, Spread]
    shown: str
    """How a mean is written, as `format` takes it."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """What one part found."""

    name: str
    found: Mapping[str, Any]
    """As `--json` prints it; never NaN or infinite."""
    figures: Sequence[Figures]
    marks: Sequence[Mark]
    settings: Mapping[str, str]
    """What it was played with."""
    compared: Sequence[Compared] = ()
    curves: Sequence[Curves] = ()


Progress = Callable[[int, int, str], None]
"""Done, of how many, and what was done last."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part: its name, and how it is played. `play` blocks, and raises `LearningError`."""

    name: str
    play: Callable[[Asked, Progress], Section]
