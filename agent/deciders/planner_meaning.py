"""Names as words, and cosines of meaning within one decision. Start with `Meanings`."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from tools.types import Tool

Similarities: TypeAlias = Callable[[str, Mapping[str, str]], Awaitable[Mapping[str, float]]]
"""Cosine of one text to many described things, by the thing's name."""

MAX_TEXT = 2_000
MAX_NAME = 200
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_A-Za-z]+")
_KEEP_S = ("ss", "us", "is", "as")


class Meanings:
    """Cosines asked for once per decision."""

    def __init__(self, similarities: Similarities) -> None:
        self._similarities = similarities
        self._known: dict[tuple[str, str], float] = {}

    async def of(self, text: str, things: Mapping[str, str]) -> dict[str, float]:
        """Cosine of the text to each thing; 0 where none can be had. An empty text means nothing."""
        text = text[:MAX_TEXT].strip()
        if not text:
            return dict.fromkeys(things, 0.0)
        cut = {name: thing[:MAX_TEXT] for name, thing in things.items()}
        missing = {name: thing for name, thing in cut.items() if (text, thing) not in self._known}
        if missing:
            found = await self._similarities(text, missing)
            for name, thing in missing.items():
                cosine = found.get(name, 0.0)
                self._known[text, thing] = cosine if math.isfinite(cosine) else 0.0
        return {name: self._known[text, thing] for name, thing in cut.items()}

    async def of_tools(self, text: str, tools: Sequence[Tool]) -> dict[str, float]:
        """Cosine of the text to each tool's name in words and description, by tool name."""
        return await self.of(text, {tool.name: tool_text(tool) for tool in tools})


def tool_text(tool: Tool) -> str:
    """What a tool is embedded as."""
    return f"{in_words(tool.name)}: {tool.description}"


@lru_cache(maxsize=4_096)
def in_words(name: str) -> str:
    """`stockLevel_2` -> `stock level 2`."""
    return " ".join(part.lower() for part in _PART.findall(name[:MAX_NAME])) or name[:MAX_NAME]


def tokens(name: str) -> tuple[str, ...]:
    """The name's words in lower case and singular, so that names written differently compare equal."""
    return tuple(_singular(part.lower()) for part in _PART.findall(name[:MAX_NAME]))


def _singular(word: str) -> str:
    if len(word) <= 2 or word.endswith(_KEEP_S):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word
