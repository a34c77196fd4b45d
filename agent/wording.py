"""Whoever words a lesson, and which wording can stand. Start with `Word`, then `sound`."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from memory.lessons import text_of
from memory.types import Distilled

LONGEST = 200
"""Characters of a wording."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, kw_only=True)
class Worded:
    """What a chat model said of a rule."""

    words: str | None
    """None where it said nothing that can stand."""
    model: str
    tokens: int


Word: TypeAlias = Callable[[Distilled, str], Awaitable[Worded]]
"""A rule and the description of its event type -> a sentence; never raises for a fault of the model."""


def sound(words: str, found: Distilled) -> str | None:
    """The sentence on one line, if it can stand: short, naming every action, with no number the rule does not have."""
    line = " ".join(words.split()).strip().strip('"')
    if not line or len(line) > LONGEST or not line.isprintable() or set("<>") & set(line):
        return None
    if not all(action in line for action in found.rule.actions):
        return None
    return line if set(_NUMBER.findall(line)) <= set(_NUMBER.findall(text_of(found))) else None
