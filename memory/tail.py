"""Vectors of episodes that wait to be written to the index, searched exactly. Start with `Tail`.

Writing to the index costs as much for one episode as for dozens, so episodes gather here first and are found from here
meanwhile. Nothing is kept on disk: the store knows which episodes the index does not hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some waiting episodes of one tenant and event type, in the order they came."""

    tenant: str
    event_type: str
    ids: tuple[str, ...]
    vectors: tuple[NDArray[np.float32], ...]


class Tail:
    """Ids and unit vectors by tenant and event type. For one event loop; it never waits."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str], dict[str, NDArray[np.float32]]] = {}
        self._stacked: dict[tuple[str, str], NDArray[np.float32]] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def holds(self, tenant: str, event_type: str, episode_id: str) -> bool:
        return episode_id in self._kinds.get((tenant, event_type), ())

    def put(self, tenant: str, event_type: str, episode_id: str, vector: NDArray[np.float32]) -> None:
        """Keep the vector; an id that is there gets the new one."""
        rows = self._kinds.setdefault((tenant, event_type), {})
        known = rows.get(episode_id)
        if known is not None and np.array_equal(known, vector):
            return
        self._size += known is None
        rows[episode_id] = vector
        self._stacked.pop((tenant, event_type), None)

    def similarities(self, tenant: str, event_type: str, vector: NDArray[np.float32]) -> Mapping[str, float]:
        """Cosine of every waiting episode to the unit vector, by id."""
        kind = (tenant, event_type)
        rows = self._kinds.get(kind)
        if not rows:
            return {}
        if kind not in self._stacked:
            self._stacked[kind] = np.stack(list(rows.values()))
        cosines = np.clip(self._stacked[kind] @ vector, -1.0, 1.0)
        return dict(zip(rows, cosines.tolist(), strict=True))

    def of(self, tenant: str, event_type: str, ids: Sequence[str]) -> Mapping[str, NDArray[np.float32]]:
        """The vectors of those that wait."""
        rows = self._kinds.get((tenant, event_type), {})
        return {one: rows[one] for one in ids if one in rows}

    def parts(self, most: int) -> Sequence[Part]:
        """All that waits now, at most `most` episodes to a part."""
        parts = []
        for (tenant, event_type), rows in self._kinds.items():
            ids, vectors = tuple(rows), tuple(rows.values())
            for start in range(0, len(ids), most):
                own = slice(start, start + most)
                parts.append(Part(tenant=tenant, event_type=event_type, ids=ids[own], vectors=vectors[own]))
        return parts

    def drop(self, part: Part) -> None:
        """Forget what was written, except ids that got another vector since the part was made."""
        kind = (part.tenant, part.event_type)
        rows = self._kinds.get(kind, {})
        for episode_id, vector in zip(part.ids, part.vectors, strict=True):
            if rows.get(episode_id) is vector:
                del rows[episode_id]
                self._size -= 1
        self._stacked.pop(kind, None)
        if not rows:
            self._kinds.pop(kind, None)

    def remove(self, tenant: str, event_type: str, ids: Sequence[str]) -> None:
        """Forget these, whatever became of them; unknown ids are no error."""
        rows = self._kinds.get((tenant, event_type), {})
        vectors = {one: rows[one] for one in ids if one in rows}
        self.drop(Part(tenant=tenant, event_type=event_type, ids=tuple(vectors), vectors=tuple(vectors.values())))

    def clear(self) -> None:
        self._kinds.clear()
        self._stacked.clear()
        self._size = 0
