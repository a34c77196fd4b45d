"""Episodes laid out in two dimensions, so that like ones lie close. Start with `lay_out`.

What is laid out is what recall compares: the text's vector and, beside it, the features. They are scaled so that half
the squared distance of two episodes is the negative logarithm of their likeness as recall takes it,

    |u_i - u_j|^2 / 2 = (1 - cosine) / h + ln(1 / mismatch) * (features that differ)

so episodes with the same text are spread by their features. A number counts the square of its difference, in the range
of the episodes at hand, and what is missing lies in the middle. The two axes are the first principal components, by
singular value decomposition.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.settings import Settings
from memory.types import Feature

MOST_CATEGORIES = 32
"""Values of a feature that have a column of their own, the most frequent; all others share one."""
DIGITS = 4
_NOTHING = 1e-9
"""Share of the variance below which an axis is rounding."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where each episode lies."""

    places: NDArray[np.float64]
    """Shape (episodes, 2), in [-1, 1]; both axes have the same scale."""
    explained: tuple[float, float]
    """Share of the variance along each axis."""


def lay_out(vectors: NDArray[np.float32], features: Sequence[Mapping[str, Feature]], settings: Settings) -> Layout:
    """Lay the episodes out, one row of unit vectors each; the same ones come out the same.

    An axis points to where the column that weighs most in it grows, the first of those that weigh the same.
    """
    count = len(vectors)
    if count != len(features):
        raise ValueError(f"{count} vectors and {len(features)} sets of features. Give one of each for an episode.")
    if count < 2:
        return Layout(places=np.zeros((count, 2)), explained=(0.0, 0.0))
    columns = np.concatenate([vectors / math.sqrt(settings.h), _coded(features, settings)], axis=1, dtype=np.float64)
    columns -= columns.mean(axis=0)
    # The right singular vectors of the columns are those of their products, which are far fewer.
    _, squares, axes = np.linalg.svd(columns.T @ columns, hermitian=True)
    total = float(squares.sum())
    # More than the vectors' own rounding, or all lie on one point.
    if total <= count * np.finfo(np.float32).eps:
        return Layout(places=np.zeros((count, 2)), explained=(0.0, 0.0))
    kept = np.where(squares[:2, np.newaxis] > _NOTHING * total, axes[:2], 0.0)
    places = columns @ np.stack([_turned(axis) for axis in kept]).T
    shares = (squares[:2] / total).round(DIGITS).tolist()
    return Layout(places=(places / np.abs(places).max()).round(DIGITS) + 0.0, explained=(shares[0], shares[1]))


def _turned(axis: NDArray[np.float64]) -> NDArray[np.float64]:
    """The axis or its opposite: a decomposition may give either."""
    weights = np.abs(axis)
    heaviest = axis[np.flatnonzero(weights >= weights.max() * (1 - 1e-6))[0]]
    return -axis if heaviest < 0 else axis


def _coded(features: Sequence[Mapping[str, Feature]], settings: Settings) -> NDArray[np.float64]:
    """A column for each number and each value of a category, shape (episodes, columns)."""
    names = sorted({name for one in features for name in one})
    unlike = math.log(1 / settings.mismatch) if settings.mismatch > 0 else math.log(1 / 1e-3)
    coded = [column for name in names for column in _columns([one.get(name) for one in features], unlike)]
    return np.stack(coded, axis=1) if coded else np.empty((len(features), 0))


def _columns(values: Sequence[Feature | None], unlike: float) -> Iterator[NDArray[np.float64]]:
    """Half the squared distance of two categories is `unlike`, as is that of the least and the greatest number."""
    numbers = {row: number for row, value in enumerate(values) for number in [_number(value)] if number is not None}
    if numbers:
        yield _numeric(numbers, len(values)) * math.sqrt(2 * unlike)
    words = [None if row in numbers or value is None else repr(value) for row, value in enumerate(values)]
    frequent = Counter(word for word in words if word is not None)
    own = sorted(frequent, key=lambda word: (-frequent[word], word))[:MOST_CATEGORIES]
    for word in own:
        yield np.array([one == word for one in words], np.float64) * math.sqrt(unlike)
    if len(frequent) > len(own):
        yield np.array([one is not None and one not in own for one in words], np.float64) * math.sqrt(unlike)


def _numeric(numbers: Mapping[int, float], count: int) -> NDArray[np.float64]:
    """From 0 for the least to 1 for the greatest; in the middle where there is none."""
    column = np.full(count, 0.5)
    given = np.array(list(numbers.values()))
    least, most = given.min(), given.max()
    if most > least:
        # Halved first: the range of two floats may be none.
        column[list(numbers)] = (given / 2 - least / 2) / (most / 2 - least / 2)
    return column


def _number(value: Feature | None) -> float | None:
    """A finite number that is no truth value."""
    if value is None or isinstance(value, str | bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
