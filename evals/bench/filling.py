"""A store and an index filled with a past that was made up, by the product's own code. Start with `fill`."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert

from agent.place import open_memory, open_place
from agent.portfolio.model import Portfolio
from agent.remember import Remembering
from agent.store import episodes as stored
from agent.store.tables import inbox, outcomes, rewards, runs
from evals.bench.made import NOW, Made
from memory.embedding import Embedder
from memory.minilm import DIMENSIONS, GRAPH_VERSION
from memory.types import Episode

CHUNK = 1_000
EMBEDDED = 256
LATER = timedelta(hours=6)
"""Between an episode and its outcome."""


@dataclass(frozen=True, kw_only=True)
class Filled:
    """What it took to fill them."""

    store_s: float
    index_s: float
    """Without the embedding, which is known."""


async def fill(made: Made, place: Path, cache: Path, progress: Callable[[str, int], None]) -> Filled:
    """Write every episode with its run, event, outcome and rewards, then make the index as `memory rebuild` does."""
    vectors = embedded(made, cache, progress)
    embedder = Embedder.open(cache, cache_size=len(made.texts) + EMBEDDED)
    embedder.know(made.texts, vectors)
    async with AsyncExitStack() as stack:
        opened = await open_place(stack, place, None, None)
        began = time.perf_counter()
        for start in range(0, made.count, CHUNK):
            part = [made.episode(number) for number in range(start, min(made.count, start + CHUNK))]
            await opened.database.write(partial(_store, first=start, part=part))
            progress("episodes stored", len(part))
        store_s = time.perf_counter() - began
        memory = await open_memory(stack, opened, embedder, lambda: NOW, discard=True)
        nothing = Portfolio(goals={}, sources=(), chains=(), events={}, outcomes={})
        began, seen = time.perf_counter(), 0

        def tell(done: int) -> None:
            nonlocal seen
            progress("episodes indexed", done - seen)
            seen = done

        await Remembering(opened.database, nothing, memory, lambda: NOW).rebuild(tell)
        return Filled(store_s=store_s, index_s=time.perf_counter() - began)


def embedded(made: Made, cache: Path, progress: Callable[[str, int], None]) -> NDArray[np.float32]:
    """The vectors of all texts; kept under a hash of the texts, so that the next run need not wait."""
    name = hashlib.blake2b("\0".join([str(GRAPH_VERSION), *made.texts]).encode(), digest_size=16).hexdigest()
    kept = cache / f"bench-{name}.npy"
    try:
        found: NDArray[np.float32] = np.load(kept)
        if found.shape == (len(made.texts), DIMENSIONS):
            progress("texts embedded", len(made.texts))
            return found
    except (OSError, ValueError):
        pass
    embedder, parts = Embedder.open(cache), []
    for start in range(0, len(made.texts), EMBEDDED):
        parts.append(embedder.embed(made.texts[start : start + EMBEDDED]))
        progress("texts embedded", len(parts[-1]))
    with NamedTemporaryFile(dir=cache, suffix=".npy", delete=False) as partly:
        np.save(partly, np.concatenate(parts))
    Path(partly.name).replace(kept)
    return np.concatenate(parts)


def _store(connection: Connection, first: int, part: Sequence[Episode]) -> None:
    """The rows of some episodes, as runs leave them; `first` is the number of the first."""
    graded = [(number, one) for number, one in enumerate(part, first) if one.rewards]
    events = [_event(2 * number + 1, one.event_id, one, "run") for number, one in enumerate(part, first)]
    told = [_event(2 * number + 2, f"outcome-{number}", one, "outcome") for number, one in graded]
    connection.execute(insert(inbox), events + told)
    connection.execute(insert(runs), [_run(2 * number + 1, one) for number, one in enumerate(part, first)])
    for one in part:
        stored.write(connection, one)
    if graded:
        connection.execute(insert(outcomes), [_outcome(2 * number + 2, one) for number, one in graded])
        given = [
            {"outcome": one.id, "goal": goal, "run": one.id, "reward": reward}
            for _, one in graded
            for goal, reward in one.rewards.items()
        ]
        connection.execute(insert(rewards), given)


def _event(seq: int, name: str, one: Episode, became: str) -> dict[str, Any]:
    is_run = became == "run"
    moment = one.closed_at if is_run else one.closed_at + LATER
    return {
        "seq": seq,
        "tenant": one.tenant,
        "source": one.source,
        "id": name,
        "type": one.event_type if is_run else "machine.seen",
        "subject": one.subject,
        "time": moment,
        "data": {"text": one.text} if is_run else {},
        "body_hash": hashlib.sha256(name.encode()).hexdigest(),
        "received_at": moment,
        "run": one.id if is_run else None,
        "outcome": None if is_run else one.id,
    }


def _run(seq: int, one: Episode) -> dict[str, Any]:
    return {
        "id": one.id,
        "tenant": one.tenant,
        "seq": seq,
        "event_type": one.event_type,
        "subject": one.subject,
        "source": one.source,
        "status": "done",
        "in_line": False,
        "decided_by": one.decided_by,
        "created_at": one.closed_at,
        "closed_at": one.closed_at,
    }


def _outcome(seq: int, one: Episode) -> dict[str, Any]:
    return {
        "id": one.id,
        "tenant": one.tenant,
        "seq": seq,
        "type": "machine.seen",
        "subject": one.subject,
        "state": "joined",
        "run": one.id,
        "created_at": one.closed_at + LATER,
        "joined_at": one.closed_at + LATER,
    }
