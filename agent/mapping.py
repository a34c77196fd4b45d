"""The map of an event type's episodes, as the console draws it. Start with `draw`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from agent import whereabouts
from agent.store import episode_looks
from agent.store.database import Database
from agent.store.queries import Shown, iso
from memory.map import lay_out
from memory.recall import Memory
from memory.rewards import combined
from memory.settings import Settings
from memory.types import Episode

ASKED = 500
"""Vectors that are asked for at a time, so that recall does not wait for all of them."""
WORDS = 120
"""Characters of a text that are shown."""


async def draw(
    database: Database, memory: Memory, goals: Mapping[str, float], *, tenant: str, event_type: str, limit: int
) -> Shown:
    """The newest episodes, each where it lies. Raises `MemoryUnavailable`."""
    found = await database.read(lambda connection: episode_looks.newest(connection, tenant, event_type, limit))
    names = [one.id for one in found.episodes]
    vectors: dict[str, NDArray[np.float32]] = {}
    for start in range(0, len(names), ASKED):
        part = names[start : start + ASKED]
        vectors |= await whereabouts.vectors(database, memory, tenant=tenant, event_type=event_type, ids=part)
    placed = [one for one in found.episodes if one.id in vectors]
    points, explained = await asyncio.to_thread(_points, placed, vectors, goals)
    return {
        "type": event_type,
        "episodes": found.total,
        "not_indexed": len(names) - len(placed),
        "explained_variance": explained,
        "points": points,
    }


def _points(
    placed: Sequence[Episode], vectors: Mapping[str, NDArray[np.float32]], goals: Mapping[str, float]
) -> tuple[list[Shown], list[float]]:
    if not placed:
        return [], [0.0, 0.0]
    # In an order of their own, so that the sums do not depend on which of them is the newest.
    rows = sorted(placed, key=lambda one: one.id)
    layout = lay_out(np.stack([vectors[one.id] for one in rows]), [one.features for one in rows], Settings())
    places = {one.id: place for one, place in zip(rows, layout.places.tolist(), strict=True)}
    return [_point(one, places[one.id], goals) for one in placed], list(layout.explained)


def _point(episode: Episode, place: Sequence[float], goals: Mapping[str, float]) -> Shown:
    reward = combined(episode.rewards, goals)
    return {
        "x": place[0],
        "y": place[1],
        "episode": episode.id,
        "actions": [taken.action for taken in episode.actions if taken.done],
        "reward": None if reward is None else round(reward, 4),
        "source": episode.source,
        "subject": episode.subject,
        "closed_at": iso(episode.closed_at),
        "text": " ".join(episode.text.split())[:WORDS],
    }
