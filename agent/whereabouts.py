"""Where the texts of episodes lie, those too that the index leaves out. Start with `vectors`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from agent.store import tidy
from agent.store.database import Database
from memory.recall import Memory

MOST_EMBEDDED = 256
"""Texts without a vector in the index that are embedded anew, some 5 ms each; the rest is left out."""


async def vectors(
    database: Database, memory: Memory, *, tenant: str, event_type: str, ids: Sequence[str]
) -> Mapping[str, NDArray[np.float32]]:
    """The unit vectors of the episodes' texts: by the index, by the episode that speaks for them, or embedded anew.

    Those that wait to be indexed are left out. Raises `MemoryUnavailable`.
    """
    found = dict(await memory.vectors(tenant=tenant, event_type=event_type, ids=ids))
    missing = [one for one in ids if one not in found]
    if not missing:
        return found
    elsewhere = await database.read(lambda connection: tidy.elsewhere(connection, tenant, missing))
    voices = {name: one.voice for name, one in elsewhere.items() if one.voice is not None}
    spoken = await memory.vectors(tenant=tenant, event_type=event_type, ids=sorted(set(voices.values())))
    found |= {name: spoken[voice] for name, voice in voices.items() if voice in spoken}
    texts = dict.fromkeys(one.text for name, one in elsewhere.items() if name not in found)
    anew = await memory.embed(list(texts)[:MOST_EMBEDDED])
    return found | {name: anew[one.text] for name, one in elsewhere.items() if name not in found and one.text in anew}


async def closeness(
    database: Database, memory: Memory, *, tenant: str, event_type: str, text: str, ids: Sequence[str]
) -> Mapping[str, float]:
    """Cosine of the text to that of each of these episodes that is known. Raises `MemoryUnavailable`."""
    known = await vectors(database, memory, tenant=tenant, event_type=event_type, ids=ids)
    vector = (await memory.embed([text]))[text]
    return {name: float(np.clip(own @ vector, -1.0, 1.0)) for name, own in known.items()}
