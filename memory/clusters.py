"""Dense clusters of texts, as conditions of rules where episodes have no features. Start with `clusters`."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from memory.conditions import Conditions
from memory.lesson_settings import LessonSettings
from memory.types import Condition

WORDS = 3
"""By which a cluster is named."""
_WORD = re.compile(r"[^\W\d_]{3,20}")


def clusters(
    ids: Sequence[str],
    texts: Sequence[str],
    vectors: NDArray[np.float32],
    settings: LessonSettings,
    seeds: Collection[str] = (),
) -> list[Conditions]:
    """The densest first: an episode with those whose texts are like its own, each in one cluster only for the choosing.

    `vectors` are unit vectors, one a row. Clusters about the `seeds` come before all others, so that one that is known
    keeps its midst.
    """
    alike = vectors @ vectors.T >= settings.dense
    free = np.ones(len(ids), dtype=bool)
    words = [frozenset(_WORD.findall(text.lower())) for text in texts]
    found: list[Conditions] = []
    waiting = [row for row, name in enumerate(ids) if name in seeds]
    while len(found) < settings.most_clusters:
        sizes = (alike & free).sum(axis=1) * free
        middle = waiting.pop(0) if waiting else int(np.lexsort((ids, -sizes))[0]) if len(ids) else -1
        if middle < 0 or (alike[middle] & free).sum() < settings.fewest:
            if waiting:
                continue
            break
        mask = alike[middle]
        condition = Condition(
            what="like", value=ids[middle], least=settings.dense, words=_telling(words, mask, settings.fewest)
        )
        found.append(Conditions(all=(condition,), mask=mask))
        free = free & ~mask
    return found


def _telling(words: Sequence[frozenset[str]], mask: NDArray[np.bool_], fewest: int) -> tuple[str, ...]:
    """Words that at least half of the cluster has, and `fewest` of it, by how much rarer they are elsewhere."""
    own = [said for said, inside in zip(words, mask.tolist(), strict=True) if inside]
    here = Counter(word for said in own for word in said)
    there = Counter(word for said in words for word in said)
    others = len(words) - len(own)
    scored = {
        word: (times / len(own)) * math.log((times / len(own)) / ((there[word] - times + 0.5) / (others + 1.0)))
        for word, times in here.items()
        if times >= max(fewest, len(own) / 2)
    }
    return tuple(sorted(scored, key=lambda word: (-scored[word], word))[:WORDS])
