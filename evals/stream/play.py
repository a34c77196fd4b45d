"""Plays arms on seeds in processes of their own, with every text embedded once. Start with `play_all`."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from agent.deciders.expecting import Expectations
from agent.deciders.planner_settings import PlannerSettings
from evals.stream.arms import Stage, play
from evals.stream.figures import Played, Report, report
from evals.stream.grader import Stress
from evals.stream.labelled import Labelled, Rows, read
from evals.workers import open_workers
from memory.embedding import Embedder
from memory.minilm import DIMENSIONS, GRAPH_VERSION

EMBEDDED = 256
"""Texts between two signs of progress."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be played."""

    tools: Path
    queries: Path
    rows: Rows
    events: int
    seeds: Sequence[int]
    arms: Sequence[str]
    stresses: Sequence[Stress]
    stressed: Sequence[str]
    """Arms that are played under each stress too."""
    cache: Path
    """Folder of the embedding model and of vectors."""

    @property
    def tasks(self) -> Sequence[tuple[str, int, Stress | None]]:
        """Arm, seed and stress, seed by seed."""
        return [
            (arm, seed, stress)
            for seed in self.seeds
            for stress in (None, *self.stresses)
            for arm in (self.arms if stress is None else self.stressed)
        ]


def play_all(plan: Plan, embedding: Callable[[int, int], None], played: Callable[[str, int], None]) -> Report:
    """The report; `embedding` gets (done, total) texts, `played` the arm and seed of each task that is done.

    Raises `StreamError`.
    """
    began = time.monotonic()
    labelled = read(plan.tools, plan.queries, plan.rows)
    labelled.stream(0, plan.events)
    with tempfile.TemporaryDirectory(prefix="segue-stream-") as folder:
        known = _embed_all(labelled, plan, embedding)
        done: list[Played] = []
        with open_workers(2) as pool:
            waiting = {pool.submit(_play, plan, known, Path(folder), *task): task for task in plan.tasks}
            for future in as_completed(waiting):
                done.append(future.result())
                played(waiting[future][0], waiting[future][1])
    seconds = time.monotonic() - began
    return report(done, tools=len(labelled.tools), events=plan.events, seconds=seconds)


def _play(plan: Plan, known: Path, folder: Path, arm: str, seed: int, stress: Stress | None) -> Played:
    labelled, embedder, expectations = _loaded(plan.tools, plan.queries, plan.rows, plan.cache, known)
    with tempfile.TemporaryDirectory(dir=folder) as own:
        stage = Stage(
            labelled=labelled,
            events=plan.events,
            embedder=embedder,
            folder=Path(own),
            settings=PlannerSettings(),
            expectations=expectations,
        )
        return asyncio.run(play(arm, seed, stress, stage))


@lru_cache(maxsize=1)
def _loaded(
    tools: Path, queries: Path, rows: Rows, cache: Path, known: Path
) -> tuple[Labelled, Embedder, Expectations]:
    """What all arms of a worker share."""
    labelled = read(tools, queries, rows)
    embedder = Embedder.open(cache, cache_size=2 * len(labelled.texts) + 10 * len(labelled.tools))
    texts = _texts(labelled)
    embedder.know(texts, np.load(known, mmap_mode="r"))
    return labelled, embedder, Expectations(PlannerSettings().memory.lexical, texts=len(texts))


def _texts(labelled: Labelled) -> list[str]:
    return list(dict.fromkeys(labelled.texts))


def _embed_all(labelled: Labelled, plan: Plan, progress: Callable[[int, int], None]) -> Path:
    """The file of all texts' vectors; kept under a hash of the texts, so that the next run need not wait."""
    texts = _texts(labelled)
    name = hashlib.blake2b("\0".join([str(GRAPH_VERSION), *texts]).encode(), digest_size=16).hexdigest()
    kept = plan.cache / f"stream-{name}.npy"
    if _is_whole(kept, len(texts)):
        return kept
    embedder = Embedder.open(plan.cache)
    parts = []
    for start in range(0, len(texts), EMBEDDED):
        parts.append(embedder.embed(texts[start : start + EMBEDDED]))
        progress(min(len(texts), start + EMBEDDED), len(texts))
    with tempfile.NamedTemporaryFile(dir=plan.cache, suffix=".npy", delete=False) as partly:
        np.save(partly, np.concatenate(parts))
    Path(partly.name).replace(kept)
    return kept


def _is_whole(kept: Path, texts: int) -> bool:
    try:
        found = np.load(kept, mmap_mode="r")
    except (OSError, ValueError):
        return False
    return bool(found.shape == (texts, DIMENSIONS) and found.dtype == np.float32)
