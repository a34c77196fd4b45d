"""The written material of the world: knowledge base, what it lacks, and phrases. Start with `load_catalogue`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

TOPICS = ("delivery", "billing", "technical", "account", "product")
SEGMENTS = ("private", "business", "premium")
TEAMS = ("harbour", "meadow")


@dataclass(frozen=True, kw_only=True)
class Matter:
    """Something customers ask about, in many wordings, and the right answer."""

    id: str
    topic: str
    asks: tuple[str, ...]
    answer: str
    """May hold `{name}` and `{order_id}` where it belongs to one customer."""
    teachable: bool
    """Whether the answer is true for every customer."""


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """All of it."""

    known: tuple[Matter, ...]
    """What the knowledge base has."""
    missing: tuple[Matter, ...]
    """What only the desk knows."""
    phrases: Mapping[str, Any]

    def matter(self, id_: str) -> Matter | None:
        """The matter with this id."""
        return next((matter for matter in (*self.missing, *self.known) if matter.id == id_), None)


def load_catalogue() -> Catalogue:
    """Read the data files beside this module."""
    known = [_matter({**row, "asks": [row["question"], *row["asks"]]}) for row in _read("knowledge")]
    missing = [_matter(row) for row in _read("missing")]
    return Catalogue(known=tuple(known), missing=tuple(missing), phrases=_read("phrases"))


def _matter(row: Mapping[str, Any]) -> Matter:
    asks: Sequence[str] = row["asks"]
    return Matter(
        id=row["id"],
        topic=row["topic"],
        asks=tuple(asks),
        answer=row["answer"],
        teachable=bool(row.get("teachable", True)),
    )


def _read(name: str) -> Any:
    text = files("evals.worlds.retail_care").joinpath("data", f"{name}.yaml").read_text("utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)  # noqa: S506 (a safe loader)
