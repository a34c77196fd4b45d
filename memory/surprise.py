"""How much better than expected actions did in like situations. Start with `surprises`.

Kernel ridge regression: with K_ij the likeness of episodes i and j, and k_i that of episode i to the situation at hand,

    alpha = (K + ridge * diag(doubt))^-1 k          D(a) = sum over i that took a of alpha_i * amount_i

A crowd of like episodes says one thing once, and what the nearer ones explain is not counted again farther away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Surprise:
    """What one episode tells beyond what was expected."""

    similarity: float
    """Cosine of its text to the text at hand."""
    vector: NDArray[np.float32]
    source: str
    doubt: float
    """Variance of its noise as a multiple of the usual one: more for what is old or little trusted."""
    amounts: Mapping[str, float]
    """Reward less what was expected, in [-1, 1], by action."""


def surprises(heard: Sequence[Surprise], agreements: NDArray[np.float64], settings: Settings) -> Mapping[str, float]:
    """D(a) by action, of which each source gives at most `source_pull` in either direction.

    `agreements`: how the features agree, of the situation and each of those heard with each, shape (n + 1, n + 1).
    """
    alpha = _shares(heard, agreements, settings)
    by_source: dict[str, dict[str, float]] = {}
    for one, share in zip(heard, alpha.tolist(), strict=True):
        for action, amount in one.amounts.items():
            of = by_source.setdefault(action, {})
            of[one.source] = of.get(one.source, 0.0) + share * amount
    pull = settings.source_pull
    return {action: sum(max(-pull, min(pull, said)) for said in of.values()) for action, of in by_source.items()}


def _shares(heard: Sequence[Surprise], agreements: NDArray[np.float64], settings: Settings) -> NDArray[np.float64]:
    vectors = np.stack([one.vector for one in heard])
    here = np.array([one.similarity for one in heard])
    likeness = _kernel((vectors @ vectors.T).astype(np.float64), settings)
    likeness *= agreements[1:, 1:]
    likeness.flat[:: len(heard) + 1] += settings.ridge * np.array([one.doubt for one in heard])
    return np.asarray(np.linalg.solve(likeness, _kernel(here, settings) * agreements[1:, 0]))


def _kernel(cosines: NDArray[np.float64], settings: Settings) -> NDArray[np.float64]:
    """Of the texts; in place."""
    np.clip(cosines, -1.0, 1.0, out=cosines)
    cosines -= 1.0
    cosines /= settings.h_surprise
    return np.exp(cosines, out=cosines)
