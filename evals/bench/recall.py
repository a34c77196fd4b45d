"""`segue bench recall`: what it takes to recall like episodes from a long past. Start with `run_recall`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.bench.errors import BenchError
from evals.bench.filling import Filled, fill
from evals.bench.load import percentile
from evals.bench.made import Made
from evals.bench.marks import Mark, at_least, at_most
from evals.bench.overhead_command import folder
from evals.bench.recalling import Looked, Wanted, look
from evals.bench.telling import Report
from evals.workers import open_workers
from memory.index import EXACT

FEW, FEW_MS = 10_000, 15.0
MANY, MANY_MS = 200_000, 40.0
SAME_DECISIONS = 0.99


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The command's options."""

    episodes: int
    texts: int
    queries: int
    compared: int
    cache: Path
    keep: Path | None


async def run_recall(asked: Asked, progress: Callable[[str, int], None]) -> Report:
    """Measure and report. Raises `BenchError`, and what opening a memory raises."""
    load = os.getloadavg()[0]
    made = Made(asked.episodes, asked.texts)
    situations = 2 * asked.queries + asked.compared
    progress("starting", len(made.texts) + 2 * asked.episodes + situations)
    with folder(asked.keep) as kept:
        place = kept / f"recall-{asked.episodes}-{asked.texts}"
        if place.exists():
            raise BenchError(f"{str(place)!r} is there already. Remove it, or keep the data in another folder.")
        filled = await fill(made, place, asked.cache, progress)
        wanted = Wanted(
            place=place,
            cache=asked.cache,
            episodes=asked.episodes,
            texts=asked.texts,
            queries=asked.queries,
            compared=asked.compared,
        )
        with open_workers(1) as pool:
            looked = await asyncio.wrap_future(pool.submit(look, wanted))
        progress("situations recalled", situations)
        sizes = {part: size_mb(place, part) for part in ("index", "segue.sqlite")}
    rows = [*_times(asked, looked), *_rest(filled, looked, sizes)]
    return Report(command="recall", rows=rows, marks=recall_marks(asked.episodes, looked), load=load)


def recall_marks(episodes: int, looked: Looked) -> tuple[Mark, ...]:
    """What the issue of the outcome memory set."""
    took = percentile(looked.recall, 0.99)
    other = f"measured with {episodes:,} episodes"
    same = None if looked.agreement is None else looked.agreement.decisions
    exact = f"up to {EXACT:,} episodes all are searched"
    return (
        *(
            at_most(
                f"p99 of recall with {count:,} episodes, embedding included",
                bound,
                took if fits else None,
                unit=" ms",
                why=other,
            )
            for count, bound, fits in (
                (FEW, FEW_MS, episodes == FEW),
                (MANY, MANY_MS, episodes == MANY),
            )
        ),
        at_least("same decisions as with the exact neighbours", SAME_DECISIONS, same, why=exact),
    )


def _times(asked: Asked, looked: Looked) -> Iterator[dict[str, Any]]:
    for what, took in (
        ("recall, embedding included", looked.recall),
        ("of it: embedding the text", looked.embedding),
        ("of it: searching", looked.searching),
        ("of it: reading and weighing", looked.weighing),
    ):
        yield _row(f"{what}, ms", p50=percentile(took, 0.5), p99=percentile(took, 0.99), of=len(took))
    for part, took in looked.processor.items():
        what = f"processor time of {part}, ms"
        yield _row(what, p50=percentile(took, 0.5), p99=percentile(took, 0.99), of=len(took))
    yield _row("episodes read at the start, s", value=looked.ahead_s)
    yield _row("first recall after the start, ms", value=looked.first_ms, of=1)
    if looked.agreement is not None:
        yield _row("share of the exact neighbours found", value=looked.agreement.found, of=asked.compared)
        yield _row("share of decisions that are the same", value=looked.agreement.decisions, of=asked.compared)


def _rest(filled: Filled, looked: Looked, sizes: dict[str, float]) -> Sequence[dict[str, Any]]:
    return (
        _row("index made, without the embedding, s", value=filled.index_s),
        _row("episodes stored, s", value=filled.store_s),
        _row("index on disk, MB", value=sizes["index"]),
        _row("store on disk, MB", value=sizes["segue.sqlite"]),
        _row("resident memory for it, MB", value=looked.resident_mb),
    )


def _row(
    what: str, *, value: float | None = None, p50: float | None = None, p99: float | None = None, of: int | None = None
) -> dict[str, Any]:
    return {"what": what, "value": value, "p50": p50, "p99": p99, "of": of}


def size_mb(place: Path, part: str) -> float:
    """Of a part of a data directory, on disk."""
    files = (place / part).rglob("*") if (place / part).is_dir() else place.glob(f"{part}*")
    return sum(file.stat().st_size for file in files if file.is_file()) / 2**20
