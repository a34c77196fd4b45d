"""How far the features of two situations agree. Start with `agree`; `Agreements` is the same for many at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from memory.settings import Settings
from memory.types import Feature

Fact: TypeAlias = tuple[int, float]
"""Of a feature: a code of its category, and the number it is or NaN."""
Facts: TypeAlias = Mapping[str, Fact]

Column: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Codes and numbers of one feature."""

_NUMBERS = (int, float)
_MISSING, _NUMBER = 0, 1
_NOTHING: Fact = (_MISSING, math.nan)


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
    if _says_nothing(a) or _says_nothing(b):
        return 0.0
    if _is_number(a) and _is_number(b):
        x, y = float(a), float(b)
        scale = max(abs(x), abs(y))
        return min(1.0, abs(x / scale - y / scale)) if x != y else 0.0
    return 0.0 if type(a) is type(b) and a == b else 1.0


def _is_number(value: Feature) -> bool:
    return isinstance(value, _NUMBERS) and not isinstance(value, bool)


def _says_nothing(value: Feature) -> bool:
    return _is_number(value) and _finite(value) is None


def _finite(value: Feature) -> float | None:
    """A number as a float; None, which says nothing, for NaN, infinity and integers no float can hold."""
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def facts(features: Mapping[str, Feature]) -> Facts:
    """What is compared of them, worked out once."""
    return {name: _fact(value) for name, value in features.items()}


def _fact(value: Feature) -> Fact:
    """All numbers are one category; those that say nothing are another, as what is missing."""
    if not _is_number(value):
        return hash((type(value), value)), math.nan
    number = _finite(value)
    return (_MISSING, math.nan) if number is None else (_NUMBER, number)


class Agreements:
    """How a situation and others agree over the situation's features."""

    def __init__(self, situation: Facts, others: Callable[[str], Column], count: int, mismatch: float) -> None:
        """`others`: so many of them, by the feature."""
        self._mismatch = mismatch
        self._columns = [_with(fact, others(name)) for name, fact in sorted(situation.items())]
        self._count = count + 1

    def with_situation(self) -> NDArray[np.float64]:
        """`agree` of the situation with each of the others."""
        apart = np.zeros(self._count)
        for codes, numbers in self._columns:
            there = (codes != _MISSING) & (codes[0] != _MISSING)
            apart += np.where(there, _apart(codes[0], codes, numbers[0], numbers), 0.0)
        return np.power(np.float64(self._mismatch), apart, dtype=np.float64)[1:]

    def pairs(self, others: NDArray[np.intp] | None = None) -> NDArray[np.float64]:
        """Of each with each, the situation first, of the others these rows or all; see `agreements`."""
        if others is None or len(others) == self._count - 1:
            return _pairs(self._columns, self._count, self._mismatch)
        rows = np.concatenate([[0], others + 1])
        return _pairs([(codes[rows], numbers[rows]) for codes, numbers in self._columns], len(rows), self._mismatch)


def agreements(rows: Sequence[Facts], names: Collection[str], mismatch: float) -> NDArray[np.float64]:
    """As `agree`, of each with each over these features; shape (rows, rows), positive semidefinite.

    For that, a feature that is missing, or a number that is none, is a value of its own here: were it like everything,
    two rows could be as good as equal to a third and yet apart, and a regression over them could take any value.
    """
    return _pairs([column(name, rows) for name in sorted(names)], len(rows), mismatch)


def _pairs(columns: Sequence[Column], count: int, mismatch: float) -> NDArray[np.float64]:
    apart = np.zeros((count, count))
    for codes, numbers in columns:
        if np.isnan(numbers).all():
            apart += codes[:, None] != codes[None, :]
        else:
            apart += _apart(codes[:, None], codes[None, :], numbers[:, None], numbers[None, :])
    if mismatch == 0.0:
        return np.power(np.float64(mismatch), apart, dtype=np.float64)
    # A power by its exponential, which takes a fifth of the time.
    apart *= math.log(mismatch)
    return np.exp(apart, out=apart)


def column(name: str, rows: Sequence[Facts]) -> Column:
    """One feature of each row."""
    values = [row.get(name, _NOTHING) for row in rows]
    codes, numbers = zip(*values, strict=True) if values else ((), ())
    return np.array(codes, np.int64), np.array(numbers, np.float64)


def _with(fact: Fact, others: Column) -> Column:
    """The situation's before those of others."""
    code, number = fact
    return np.concatenate([np.array([code], np.int64), others[0]]), np.concatenate([[number], others[1]])


def _apart(
    codes: NDArray[np.int64], others: NDArray[np.int64], numbers: NDArray[np.float64], theirs: NDArray[np.float64]
) -> NDArray[np.float64]:
    """`_distance`: 1 for other categories; how far two numbers are apart, relative to the greater, at most 1."""
    apart: NDArray[np.float64] = (codes != others).astype(np.float64)
    if not np.isnan(theirs).all():
        scale = np.maximum(np.abs(numbers), np.abs(theirs))
        scale[scale == 0.0] = 1.0
        shares = np.minimum(1.0, np.abs(numbers / scale - theirs / scale))
        np.copyto(apart, shares, where=~np.isnan(shares))
    return apart
