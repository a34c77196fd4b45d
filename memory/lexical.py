"""Words that a text shares with documents, by BM25 (Robertson and Zaragoza 2009). Start with `Lexicon.scores`.

Words count by their first letters, so that inflected forms meet, in whatever language; no list of stop words is needed,
as a word that most documents have counts for next to nothing.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

LETTERS = 5
"""Of a word that count. On half of MetaTool 4, 5 and 6 did alike."""
SATURATION = 1.2
"""k1: how soon a word said again adds nothing."""
LENGTH = 0.75
"""b: how much a long document's words count less."""
_WORD = re.compile(r"\w+")


class Lexicon:
    """The words of some documents, which do not change."""

    def __init__(self, documents: Mapping[str, str]) -> None:
        self._names = tuple(documents)
        said = [Counter(_terms(text)) for text in documents.values()]
        holders = Counter(term for counts in said for term in counts)
        self._rows = {term: row for row, term in enumerate(holders)}
        lengths = [sum(counts.values()) for counts in said]
        usual = (sum(lengths) / len(lengths) if lengths else 0.0) or 1.0
        self._weights: NDArray[np.float64] = np.zeros((len(self._rows), len(said)))
        for column, (counts, length) in enumerate(zip(said, lengths, strict=True)):
            norm = SATURATION * (1.0 - LENGTH + LENGTH * length / usual)
            for term, times in counts.items():
                rarity = math.log(1.0 + (len(said) - holders[term] + 0.5) / (holders[term] + 0.5))
                self._weights[self._rows[term], column] = rarity * times * (SATURATION + 1.0) / (times + norm)

    def scores(self, text: str) -> Mapping[str, float]:
        """BM25 of the text to each document, by name; 0 where they share no word."""
        rows = [self._rows[term] for term in dict.fromkeys(_terms(text)) if term in self._rows]
        return dict(zip(self._names, self._weights[rows].sum(axis=0).tolist(), strict=True))


def _terms(text: str) -> list[str]:
    return [word[:LETTERS] for word in _WORD.findall(text.lower())]
