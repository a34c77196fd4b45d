"""What recall will want is read before anybody waits for it. Start with `read_ahead`."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby

from agent.store import episodes
from agent.store.database import Database
from agent.store.heard import MOST
from memory.recall import Memory, MemoryUnavailable

log = logging.getLogger(__name__)

SECONDS = 3.0
"""So long a start waits for it at most; recalls read the rest."""

TOGETHER = 200
"""As many as a recall looks at."""


async def read_ahead(
    database: Database, memory: Memory, goals: Mapping[str, float], *, seconds: float = SECONDS, most: int = MOST
) -> int:
    """Read the newest episodes, with all that is worked out once for them; how many.

    They are weighed in a situation that is none, so that what a recall keeps is kept.
    """
    until, done = time.monotonic() + seconds, 0
    newest = await database.read(partial(episodes.newest_kinds, limit=most))
    for (tenant, event_type), own in groupby(sorted(newest, reverse=True), key=lambda one: (one[0], one[1])):
        names = [name for _, _, name in own]
        for part in (names[start : start + TOGETHER] for start in range(0, len(names), TOGETHER)):
            if time.monotonic() > until:
                log.info("%d of %d episodes were read ahead", done, len(newest))
                return done
            try:
                await _weigh(memory, tenant, event_type, part, goals)
            except MemoryUnavailable as error:
                log.warning("nothing more is read ahead: %s", error)
                return done
            done += len(part)
    return done


async def _weigh(memory: Memory, tenant: str, event_type: str, ids: Sequence[str], goals: Mapping[str, float]) -> None:
    near = dict.fromkeys(ids, 1.0)
    await memory.weigh(near, tenant=tenant, event_type=event_type, features={}, goals=goals)
