"""Recall measured in a process that does nothing else, over a store and an index that lie ready. Start with `look`."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from agent.heap import keep_what_is_loaded
from agent.place import Place, open_memory, open_place
from agent.reading_ahead import read_ahead
from agent.store import episodes as stored
from evals.bench.filling import CHUNK, embedded
from evals.bench.made import ACTIONS, GOALS, KIND, NOW, TENANT, Made
from evals.bench.scale import resident_mb
from memory.embedding import Embedder
from memory.index import EXACT
from memory.recall import Memory
from memory.scoring import scores
from memory.settings import Settings
from memory.types import ActionEvidence, Feature
from memory.vectors import Vectors

WARM = 20
PARTS = ("recall", "embedding", "searching", "weighing")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be measured, as it can be sent to another process."""

    place: Path
    cache: Path
    episodes: int
    texts: int
    queries: int
    compared: int
    """Situations in which what the graph finds is held against what is nearest."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """What the graph finds, beside the exact neighbours."""

    found: float
    """Share of the exact ones that it finds."""
    decisions: float
    """Share of situations in which the best action is the same."""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What was seen. Times are milliseconds, one a situation."""

    recall: Sequence[float]
    embedding: Sequence[float]
    searching: Sequence[float]
    weighing: Sequence[float]
    """Reading episodes and rewards from the store, and the formula."""
    processor: Mapping[str, Sequence[float]]
    """Milliseconds of the processor for the same parts, whatever else the machine does."""
    ahead_s: float
    """Reading what is kept in memory, at the start."""
    first_ms: float
    """The first recall after the start."""
    resident_mb: float
    """What the process grew by with the index and its first recalls."""
    agreement: Agreement | None
    """None where all is searched exactly."""


def look(wanted: Wanted) -> Looked:
    """For a process of its own. Raises what opening a memory raises."""
    return asyncio.run(_look(wanted))


async def _look(wanted: Wanted) -> Looked:
    made = Made(wanted.episodes, wanted.texts)
    embedder = Embedder.open(wanted.cache)
    embedder.embed(["the first is slower"])
    before = resident_mb(os.getpid())
    async with AsyncExitStack() as stack:
        place = await open_place(stack, wanted.place, None, None)
        memory = await open_memory(stack, place, embedder, lambda: NOW)
        began = time.perf_counter()
        await read_ahead(place.database, memory, GOALS)
        ahead_s = time.perf_counter() - began
        keep_what_is_loaded()
        took = [await _recall(memory, *made.situation(number)) for number in range(wanted.queries + WARM)]
        resident = resident_mb(os.getpid()) - before
        rest = [made.situation(number) for number in range(len(took), len(took) + wanted.queries)]
        parts = [await _in_parts(embedder, memory, *one) for one in rest]
        processor = [one.processor for one in parts]
        agreement = await _agreement(wanted, made, place, memory, embedder) if wanted.episodes > EXACT else None
    embedding, searching, weighing = zip(*(one.clock for one in parts), strict=True)
    return Looked(
        recall=took[WARM:],
        embedding=embedding,
        searching=searching,
        weighing=weighing,
        processor=dict(zip(PARTS, zip(*processor, strict=True), strict=True)),
        ahead_s=ahead_s,
        first_ms=took[0],
        resident_mb=resident,
        agreement=agreement,
    )


async def _recall(memory: Memory, text: str, features: Mapping[str, Feature]) -> float:
    began = time.perf_counter()
    await memory.recall(tenant=TENANT, event_type=KIND, text=text, features=features, goals=GOALS)
    return 1000 * (time.perf_counter() - began)


@dataclass(frozen=True, kw_only=True)
class _Took:
    """Milliseconds of one recall."""

    clock: tuple[float, float, float]
    """Embedding, searching, weighing."""
    processor: tuple[float, float, float, float]
    """As `PARTS`."""


async def _in_parts(embedder: Embedder, memory: Memory, text: str, features: Mapping[str, Feature]) -> _Took:
    moments = [(time.perf_counter(), time.process_time())]
    await embedder.aembed([text])
    moments.append((time.perf_counter(), time.process_time()))
    near = await memory.near(tenant=TENANT, event_type=KIND, text=text)
    moments.append((time.perf_counter(), time.process_time()))
    await _weigh(memory, near, features)
    moments.append((time.perf_counter(), time.process_time()))
    (e_clock, e), (s_clock, s), (w_clock, w) = (
        (1000 * (after[0] - before[0]), 1000 * (after[1] - before[1])) for before, after in pairwise(moments)
    )
    return _Took(clock=(e_clock, s_clock, w_clock), processor=(e + s + w, e, s, w))


async def _weigh(
    memory: Memory, near: Mapping[str, float], features: Mapping[str, Feature]
) -> Mapping[str, ActionEvidence]:
    return await memory.weigh(near, tenant=TENANT, event_type=KIND, features=features, goals=GOALS)


async def _agreement(wanted: Wanted, made: Made, place: Place, memory: Memory, embedder: Embedder) -> Agreement:
    """Over situations that nothing was measured in."""
    settings = Settings()
    exact = await _exact(made, place, embedded(made, wanted.cache, lambda _, __: None))
    first = 2 * wanted.queries + WARM
    shares, same = [], []
    for number in range(first, first + wanted.compared):
        text, features = made.situation(number)
        (vector,) = await embedder.aembed([text])
        nearest = {one: cosine for one, cosine in exact.nearest(vector, settings.pool) if cosine >= settings.s0}
        found = await memory.near(tenant=TENANT, event_type=KIND, text=text)
        shares.append(len(nearest.keys() & found.keys()) / max(1, len(nearest)))
        same.append(best(await _weigh(memory, nearest, features)) == best(await _weigh(memory, found, features)))
    return Agreement(found=float(np.mean(shares)), decisions=float(np.mean(same)))


async def _exact(made: Made, place: Place, vectors: np.ndarray) -> Vectors:
    """Every episode of the store in memory."""
    row, exact, last = {text: number for number, text in enumerate(made.texts)}, Vectors(), ""
    while page := await place.database.read(partial(stored.page, tenant=TENANT, after=last, limit=CHUNK)):
        exact.put([one.id for one in page], vectors[[row[one.text] for one in page]])
        last = page[-1].id
    return exact


def best(evidence: Mapping[str, ActionEvidence]) -> str:
    """The action with the best score where nothing is expected of one rather than of another."""
    scored = scores(dict.fromkeys(ACTIONS, 1 / len(ACTIONS)), evidence, Settings())
    return max(sorted(scored), key=lambda action: scored[action])
