"""Vectors of one kind of episode in memory, searched exactly. Start with `Vectors.nearest`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from memory.minilm import DIMENSIONS

Found: TypeAlias = tuple[tuple[str, float], ...]
"""Ids with their cosines, nearest first."""

TIE = 1e-5
"""Cosines that differ by less are equal: that much is rounding."""
_ROOM = 64


class Vectors:
    """Unit vectors by id. Not for two threads at once."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._ids: list[str] = []
        self._matrix = np.empty((_ROOM, DIMENSIONS), np.float32)

    def __len__(self) -> int:
        return len(self._ids)

    def put(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Keep a vector for each id; one that is there gets the new one."""
        self._make_room(len(self._ids) + len(ids))
        for name, vector in zip(ids, vectors, strict=True):
            row = self._rows.setdefault(name, len(self._ids))
            if row == len(self._ids):
                self._ids.append(name)
            self._matrix[row] = vector

    def remove(self, ids: Iterable[str]) -> None:
        """Forget these; unknown ones are no error. The last row takes the place of a removed one."""
        for name in ids:
            row = self._rows.pop(name, None)
            if row is None:
                continue
            last = self._ids.pop()
            if last != name:
                self._ids[row], self._rows[last] = last, row
                self._matrix[row] = self._matrix[len(self._ids)]

    def nearest(self, vector: NDArray[np.float32], k: int) -> Found:
        """The k with the greatest cosine to the unit vector; of those equal to five digits the greatest id first."""
        if k < 1 or not self._ids:
            return ()
        cosines = np.clip(self._matrix[: len(self._ids)] @ vector, -1.0, 1.0)
        rows = np.arange(len(cosines))
        if k < len(cosines):
            # All that may be equal to the k-th, so that the ids decide among them.
            rows = np.flatnonzero(cosines >= np.partition(cosines, -k)[-k] - 2 * TIE)
        return nearest([self._ids[row] for row in rows], cosines[rows].astype(np.float64), k)

    def of(self, ids: Iterable[str]) -> Mapping[str, NDArray[np.float32]]:
        """The vectors of those that are here."""
        here = [name for name in ids if name in self._rows]
        return dict(zip(here, self._matrix[[self._rows[name] for name in here]], strict=True)) if here else {}

    def _make_room(self, size: int) -> None:
        if size > len(self._matrix):
            grown = np.empty((max(size, len(self._matrix) * 3 // 2), DIMENSIONS), np.float32)
            grown[: len(self._ids)] = self._matrix[: len(self._ids)]
            self._matrix = grown


def nearest(ids: Sequence[str], cosines: NDArray[np.float64], k: int) -> Found:
    """The k greatest cosines with their ids, nearest first; of those equal to five digits the greatest id first."""
    by_id = sorted(range(len(ids)), key=ids.__getitem__, reverse=True)
    order = np.array(by_id, np.intp)[np.argsort(-np.round(cosines[by_id], 5), kind="stable")[: max(k, 0)]]
    return tuple(zip([ids[row] for row in order.tolist()], cosines[order].tolist(), strict=True))
