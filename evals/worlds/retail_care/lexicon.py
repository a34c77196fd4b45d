"""Words that a question and an article share, weighed by how rare they are. Start with `Lexicon.coverage`."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a an the is are was my i you your to of in on for with it and or can do does how what when where why
        which me we our that this be have has there any not no at by from so but if will would am as an
        about please get its into they them he she his her their
        """,
    )
)
SUFFIXES = ("ings", "ing", "edly", "ed", "ies", "es", "s", "ly")
STEM_LETTERS = 7


def stems(text: str) -> list[str]:
    """The words that carry meaning, cut to their stems."""
    return [_stem(word) for word in re.findall(r"[a-z0-9]+", text.lower()) if word not in STOP_WORDS]


class Lexicon:
    """How rare words are among given texts (inverse document frequency)."""

    def __init__(self, texts: Iterable[str]) -> None:
        documents = [set(stems(text)) for text in texts]
        self._documents = len(documents)
        self._counts = Counter(stem for document in documents for stem in document)

    def weight(self, stem: str) -> float:
        """Large for rare words, largest for unknown ones."""
        return math.log(1 + self._documents / (1 + self._counts[stem]))

    def coverage(self, question: frozenset[str], *, asked: frozenset[str], answered: frozenset[str]) -> float:
        """Share of a question's weight found in an article, in [0, 1]; words found only in its answer count half."""
        total = sum(self.weight(stem) for stem in question)
        found = sum(
            self.weight(stem) * (1.0 if stem in asked else 0.5)
            for stem in question
            if stem in asked or stem in answered
        )
        return found / total if total else 0.0


def _stem(word: str) -> str:
    for suffix in SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word.removesuffix(suffix)
            break
    return word[:STEM_LETTERS]
