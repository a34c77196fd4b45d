"""What episodes tell, in arrays with a row for each, so that hundreds are weighed at once. Start with `Rows.of`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from memory.likeness import Column, column
from memory.telling import Telling

MOST = 32_768
"""Rows after which the arrays begin anew."""

_Numbers: TypeAlias = NDArray[np.float64]
_T = TypeVar("_T", bound=np.generic)


class Rows:
    """Rows of tellings, found by the object: one that changed is another. Not for two threads at once."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._begin()

    def _begin(self) -> None:
        self._row: dict[int, int] = {}
        self._told: list[Telling] = []
        """Kept, so that no other object gets its identity."""
        self._numbers: _Numbers = np.empty((0, 5))
        self._sources: dict[str, int] = {}
        self._source = np.empty(0, np.intp)
        self._facts: dict[str, tuple[int, Column]] = {}
        """By feature, with how many rows are filled in."""

    def of(self, told: Sequence[Telling]) -> NDArray[np.intp]:
        """Their rows, valid until this is called again."""
        new = [one for one in told if id(one) not in self._row]
        if len(self._told) + len(new) > self._most:
            self._begin()
            new = list(told)
        if new:
            self._add(new)
        return np.array([self._row[id(one)] for one in told], np.intp)

    def numbers(self, rows: NDArray[np.intp]) -> tuple[_Numbers, _Numbers, _Numbers, _Numbers, _Numbers]:
        """Trust, when it was closed, the greatest share; mass and number of the crowd, 1 where there is none."""
        trust, closed, loudest, mass, number = self._numbers[rows].T
        return trust, closed, loudest, mass, number

    def sources(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """A number for each source."""
        return self._source[rows]

    def facts(self, name: str, rows: NDArray[np.intp]) -> Column:
        """Of one feature."""
        filled, (codes, numbers) = self._facts.get(name, (0, column(name, ())))
        if filled < len(self._told):
            more = column(name, [one.facts for one in self._told[filled:]])
            codes, numbers = _appended(codes, filled, more[0]), _appended(numbers, filled, more[1])
            self._facts[name] = len(self._told), (codes, numbers)
        return codes[rows], numbers[rows]

    def _add(self, new: Sequence[Telling]) -> None:
        start = len(self._told)
        for one in new:
            if id(one) not in self._row:
                self._row[id(one)] = len(self._told)
                self._told.append(one)
        added = self._told[start:]
        sources = [self._sources.setdefault(one.episode.source, len(self._sources)) for one in added]
        self._numbers = _appended(self._numbers, start, np.array([_numbers(one) for one in added]))
        self._source = _appended(self._source, start, np.array(sources, np.intp))


def _numbers(told: Telling) -> tuple[float, float, float, float, float]:
    together = told.episode.together
    mass, number = (1.0, 1) if together is None else (together.mass, together.number)
    return told.episode.trust, told.closed, told.loudest, mass, number


def _appended(array: NDArray[_T], filled: int, more: NDArray[_T]) -> NDArray[_T]:
    """With these rows after those that are filled; in place where there is room."""
    end = filled + len(more)
    if end > len(array):
        grown = np.empty((max(end, 2 * len(array)), *array.shape[1:]), array.dtype)
        grown[:filled] = array[:filled]
        array = grown
    array[filled:end] = more
    return array
