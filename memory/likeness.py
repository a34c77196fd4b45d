"""How far the features of two situations agree. Start with `agree`; `agreements` is the same for many at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from memory.settings import Settings
from memory.types import Feature

_NUMBERS = (int, float)


def agree(f: Mapping[str, Feature], f_i: Mapping[str, Feature], mismatch: float = Settings.mismatch) -> float:
    """Product over the features both sides have, in (0, 1] for a mismatch above 0; missing on one side is neutral.

    Categories that differ count `mismatch`. Numbers count mismatch^d, where d is their difference relative to the
    greater of them, at most 1: equal numbers 1, half as much mismatch^0.5, opposite signs `mismatch`.
    """
    product = 1.0
    for name in sorted(f):
        if name in f_i:
            distance = _distance(f[name], f_i[name])
            if distance:
                product *= math.pow(mismatch, distance)
    return product


def _distance(a: Feature, b: Feature) -> float:
    """0 for alike, 1 for different; numbers lie between."""
    if type(a) is str or type(b) is str:
        return 0.0 if a == b else 1.0
    if _is_number(a) and _is_number(b):
        x, y = _finite(a), _finite(b)
        if x is None or y is None or x == y:
            return 0.0
        scale = max(abs(x), abs(y))
        return min(1.0, abs(x / scale - y / scale))
    return 0.0 if type(a) is type(b) and a == b else 1.0


def _is_number(value: Feature) -> bool:
    return isinstance(value, _NUMBERS) and not isinstance(value, bool)


def _finite(value: Feature) -> float | None:
    """A number as a float; None, which says nothing, for NaN, infinity and integers no float can hold."""
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def agreements(
    rows: Sequence[Mapping[str, Feature]], names: Sequence[str], mismatch: float = Settings.mismatch
) -> NDArray[np.float64]:
    """As `agree`, of every row with every row over these features; shape (rows, rows), positive semidefinite.

    For that, a feature that is missing, or a number that is none, is a value of its own here: were it like everything,
    two rows could be as good as equal to a third and yet apart, and a regression over them could take any value.
    """
    apart = np.zeros((len(rows), len(rows)))
    for name in names:
        apart += _apart([row.get(name) for row in rows])
    return np.power(np.float64(mismatch), apart, dtype=np.float64)


def _apart(values: Sequence[Feature | None]) -> NDArray[np.float64]:
    """`_distance` of every value to every value."""
    codes: dict[object, int] = {}
    numbers = {row: number for row, value in enumerate(values) for number in [_number(value)] if number is not None}
    coded = np.array([codes.setdefault(_category(value), len(codes)) for value in values])
    apart: NDArray[np.float64] = (coded[:, None] != coded[None, :]).astype(np.float64)
    if numbers:
        apart[np.ix_(list(numbers), list(numbers))] = _shares(np.array(list(numbers.values())))
    return apart


def _number(value: Feature | None) -> float | None:
    return _finite(value) if value is not None and _is_number(value) else None


def _category(value: Feature | None) -> object:
    """All numbers are one; what is missing, or is no number, is another."""
    if value is None or _is_number(value):
        return _number(value) is not None
    return type(value), value


def _shares(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far any two numbers are apart, relative to the greater of them, at most 1."""
    scale = np.maximum(np.abs(numbers[:, None]), np.abs(numbers[None, :]))
    scale[scale == 0.0] = 1.0
    return np.minimum(1.0, np.abs(numbers[:, None] / scale - numbers[None, :] / scale))
