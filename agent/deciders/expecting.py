"""What a text lets one expect of each tool before there is any evidence. Start with `Expectations.of`.

The cosine of the text to the tool's description, to its name with the description and, half as much, to its name alone,
as any of them may be the one that is well written; and the words they share, which embeddings of short texts blur.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent.deciders.planner_meaning import MAX_TEXT, Meanings, in_words, tool_text
from memory.lexical import Lexicon
from tools.types import Tool

KEPT = 64
"""Sets of tools whose words are kept."""
KEPT_TEXTS = 512
"""Texts of which is kept what they let one expect: the description of an event type comes with every event of it."""
NAME_SHARE = 0.5

_Key: TypeAlias = tuple[tuple[str, str], ...]
"""Names and descriptions of tools."""


class Expectations:
    """Keeps the words of tools, and what was expected of them, from one decision to the next."""

    def __init__(self, lexical: float, texts: int = KEPT_TEXTS) -> None:
        self._lexical = lexical
        self._texts = texts
        self._lexicons: OrderedDict[_Key, Lexicon] = OrderedDict()
        self._views: OrderedDict[tuple[str, _Key], NDArray[np.float64]] = OrderedDict()

    async def of(self, meanings: Meanings, texts: Sequence[str], tools: Sequence[Tool]) -> dict[str, float]:
        """By tool name, in the unit of a cosine: the mean over the texts that say anything."""
        said = [text[:MAX_TEXT].strip() for text in texts]
        views = [await self._kept(meanings, text, tools) for text in said if text]
        return {tool.name: sum(view[tool.name] for view in views) / max(1, len(views)) for tool in tools}

    async def _kept(self, meanings: Meanings, text: str, tools: Sequence[Tool]) -> dict[str, float]:
        key = text, tuple((tool.name, tool.description) for tool in tools)
        known = self._views.pop(key, None)
        if known is None:
            view = await self._of_one(meanings, text, tools)
            known = np.array([view[tool.name] for tool in tools])
        self._views[key] = known
        if len(self._views) > self._texts:
            self._views.popitem(last=False)
        return dict(zip((tool.name for tool in tools), known.tolist(), strict=True))

    async def _of_one(self, meanings: Meanings, text: str, tools: Sequence[Tool]) -> dict[str, float]:
        described = await meanings.of(text, {tool.name: tool.description for tool in tools})
        whole = await meanings.of_tools(text, tools)
        named = await meanings.of(text, {tool.name: in_words(tool.name) for tool in tools})
        words = self._lexicon(tools).scores(text)
        return {
            name: (described[name] + whole[name] + NAME_SHARE * named[name]) / (2.0 + NAME_SHARE)
            + self._lexical * words[name]
            for name in described
        }

    def _lexicon(self, tools: Sequence[Tool]) -> Lexicon:
        key = tuple((tool.name, tool.description) for tool in tools)
        known = self._lexicons.pop(key, None)
        # The name says more than a word of the description.
        self._lexicons[key] = known or Lexicon(
            {tool.name: f"{in_words(tool.name)} {tool_text(tool)}"[:MAX_TEXT] for tool in tools}
        )
        if len(self._lexicons) > KEPT:
            self._lexicons.popitem(last=False)
        return self._lexicons[key]
