"""`segue bench tidy`: what housekeeping takes, what it leaves, and what decisions lose. Start with `run_tidy`.

The past is made up of texts that come again and again (`made.Repeated`); each situation is decided before, after, and
once more over an index that was made anew from the tidied store.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from agent.place import Place, open_memory, open_place
from agent.portfolio.model import Portfolio
from agent.remember import Remembering
from agent.tidying import Tidied, Tidying
from evals.bench.errors import BenchError
from evals.bench.filling import fill
from evals.bench.load import percentile
from evals.bench.made import ACTIONS, GOALS, KIND, NOW, TENANT, Repeated, merit
from evals.bench.marks import at_least
from evals.bench.overhead_command import folder
from evals.bench.recall import SAME_DECISIONS, size_mb
from evals.bench.telling import Report
from memory.embedding import Embedder
from memory.recall import Memory
from memory.scoring import scores
from memory.settings import Settings
from memory.types import ActionEvidence

CLOSE = 1e-6
"""Scores that differ by less are of one action as well as of the other."""
POOL = Settings().pool
FEWER = POOL * 19 // 20
NOTHING = Portfolio(goals={}, sources=(), chains=(), events={}, outcomes={})


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The command's options."""

    episodes: int
    texts: int
    compared: int
    cache: Path
    keep: Path | None


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What the evidence says in each situation."""

    scores: Sequence[Mapping[str, float]]
    merit: float
    """What the best actions are worth, on average."""
    p50_ms: float
    p99_ms: float
    """Of a recall, embedding included."""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """Before and after."""

    narrower: Decided
    """Before, with a pool a twentieth smaller: how much decisions hang on what is looked at."""
    before: Decided
    after: Decided
    rebuilt: Decided
    told: Tidied
    seconds: float
    longest_ms: float
    """The longest step."""
    index_mb: tuple[float, float, float]
    store_mb: float


async def run_tidy(asked: Asked, progress: Callable[[str, int], None]) -> Report:
    """Measure and report. Raises `BenchError`, and what opening a memory raises."""
    load, made = os.getloadavg()[0], Repeated(asked.episodes, asked.texts)
    progress("starting", len(made.texts) + 2 * asked.episodes + 4 * asked.compared)
    with folder(asked.keep) as kept:
        place = kept / f"tidy-{asked.episodes}-{asked.texts}"
        if place.exists():
            raise BenchError(f"{str(place)!r} is there already. Remove it, or keep the data in another folder.")
        await fill(made, place, asked.cache, progress)
        looked = await _look(asked, made, place, progress)
    same = _same(looked.before, looked.after)
    again = _same(looked.after, looked.rebuilt)
    marks = (
        at_least("same decisions as before it was tidied", SAME_DECISIONS, same),
        at_least("same decisions over an index made anew", SAME_DECISIONS, again),
    )
    return Report(command="tidy", rows=_rows(looked, same, again), marks=marks, load=load)


async def _look(asked: Asked, made: Repeated, place: Path, progress: Callable[[str, int], None]) -> Looked:
    embedder = Embedder.open(asked.cache)
    sizes = [size_mb(place, "index")]
    async with AsyncExitStack() as stack:
        opened = await open_place(stack, place, None, None)
        memory = await open_memory(stack, opened, embedder, lambda: NOW, settings=replace(Settings(), pool=FEWER))
        narrower = await _decide(asked, made, memory, progress)
    async with AsyncExitStack() as stack:
        opened = await open_place(stack, place, None, None)
        memory = await open_memory(stack, opened, embedder, lambda: NOW)
        before = await _decide(asked, made, memory, progress)
        told, seconds, longest_ms = await _tidy(opened, memory)
        after = await _decide(asked, made, memory, progress)
        sizes.append(size_mb(place, "index"))
    async with AsyncExitStack() as stack:
        opened = await open_place(stack, place, None, None)
        memory = await open_memory(stack, opened, embedder, lambda: NOW, discard=True)
        await Remembering(opened.database, NOTHING, memory, lambda: NOW).rebuild(lambda done: None)
        rebuilt = await _decide(asked, made, memory, progress)
        sizes.append(size_mb(place, "index"))
        store_mb = size_mb(place, "segue.sqlite")
    return Looked(
        narrower=narrower,
        before=before,
        after=after,
        rebuilt=rebuilt,
        told=told,
        seconds=seconds,
        longest_ms=longest_ms,
        index_mb=(sizes[0], sizes[1], sizes[2]),
        store_mb=store_mb,
    )


async def _tidy(place: Place, memory: Memory) -> tuple[Tidied, float, float]:
    """A whole round; what it did, the seconds it took, and the longest step in milliseconds."""
    tidying, began, longest = Tidying(place.database, memory, GOALS, lambda: NOW), time.perf_counter(), 0.0
    while True:
        step = time.perf_counter()
        (told,) = await tidying.tidy(TENANT, [KIND], 0.0)
        longest = max(longest, time.perf_counter() - step)
        if told.finished:
            return told, time.perf_counter() - began, 1000 * longest


async def _decide(asked: Asked, made: Repeated, memory: Memory, progress: Callable[[str, int], None]) -> Decided:
    found, worth, took = [], [], []
    for number in range(asked.compared):
        text, features = made.situation(number)
        began = time.perf_counter()
        said = await memory.recall(tenant=TENANT, event_type=KIND, text=text, features=features, goals=GOALS)
        took.append(1000 * (time.perf_counter() - began))
        found.append(_scores(said))
        worth.append(merit(features, max(sorted(found[-1]), key=lambda action: found[-1][action])))
        progress("situations decided", 1)
    return Decided(
        scores=found, merit=float(np.mean(worth)), p50_ms=percentile(took, 0.5), p99_ms=percentile(took, 0.99)
    )


def _scores(evidence: Mapping[str, ActionEvidence]) -> Mapping[str, float]:
    """Where nothing is expected of one action rather than of another."""
    return scores(dict.fromkeys(ACTIONS, 1 / len(ACTIONS)), evidence, Settings())


def _same(one: Decided, other: Decided) -> float:
    """Share of situations in which the best action of the one is best for the other too."""
    same = []
    for mine, theirs in zip(one.scores, other.scores, strict=True):
        best = max(sorted(mine), key=lambda action: mine[action])
        same.append(theirs[best] >= max(theirs.values()) - CLOSE)
    return float(np.mean(same))


def _rows(looked: Looked, same: float, again: float) -> Sequence[dict[str, Any]]:
    told = looked.told
    arms = (("before", looked.before), ("after", looked.after), ("index made anew", looked.rebuilt))
    return (
        _row("a whole round, s", looked.seconds),
        _row("its longest step, ms", looked.longest_ms),
        _row("episodes the index held before", told.index_before),
        _row("episodes it holds after", told.index_after),
        _row("crowds", told.crowds),
        *(_row(f"index on disk, MB: {name}", size) for (name, _), size in zip(arms, looked.index_mb, strict=True)),
        _row("store on disk, MB", looked.store_mb),
        _row("share of decisions that are the same after", same),
        _row(f"for comparison: untidied, a pool of {FEWER} instead of {POOL}", _same(looked.before, looked.narrower)),
        _row("share of decisions that are the same over an index made anew", again),
        *(_row(f"worth of the best action by evidence: {name}", arm.merit) for name, arm in arms),
        *(_row(f"recall p50, ms: {name}", arm.p50_ms) for name, arm in arms),
        *(_row(f"recall p99, ms: {name}", arm.p99_ms) for name, arm in arms),
    )


def _row(what: str, value: float) -> dict[str, Any]:
    return {"what": what, "value": value}
