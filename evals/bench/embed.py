"""`segue bench embed`: what the vector of a text costs, on one core. Start with `run_embed`."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from evals.bench.load import percentile
from evals.bench.made import Made
from evals.bench.marks import Mark, at_most
from evals.bench.telling import Report
from memory.embedding import Embedder
from memory.minilm import find_model_files

TOKENS = 30
"""Tokens of every text, with those that begin and end it."""
MOST_MS = 5.0
WARM = 20
SIZES = (1, 8, 32)
"""Texts that are embedded together."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The command's options."""

    texts: int
    cache: Path
    """Where the model's graph is kept."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Texts embedded so many at a time."""

    size: int
    took_ms: Sequence[float]
    """A text, of each batch."""
    processor_ms: float
    """A text, on the mean."""


async def run_embed(asked: Asked, progress: Callable[[str, int], None]) -> Report:
    """Measure and report. Raises `EmbeddingError` and OSError."""
    load = os.getloadavg()[0]
    progress("starting", asked.texts * len(SIZES))
    texts = texts_of(TOKENS)
    embedder = Embedder.open(asked.cache, cache_size=1)
    for text in itertools.islice(texts, WARM):
        embedder.embed([text])
    batches = [measure(embedder, list(itertools.islice(texts, asked.texts)), size, progress) for size in SIZES]
    alone = batches[0]
    rows = [_row(batch, percentile(alone.took_ms, 0.5)) for batch in batches]
    return Report(command="embed", rows=rows, marks=embed_marks(alone), load=load)


def embed_marks(alone: Batch) -> tuple[Mark, ...]:
    """What the issue of the outcome memory set."""
    name = f"p50 of a text of {TOKENS} tokens, alone, on one core"
    return (at_most(name, MOST_MS, percentile(alone.took_ms, 0.5), unit=" ms"),)


def measure(embedder: Embedder, texts: Sequence[str], size: int, progress: Callable[[str, int], None]) -> Batch:
    """Embed them all, none of which the embedder knows. It works on one thread: on one core."""
    took: list[float] = []
    used = time.process_time()
    for start in range(0, len(texts), size):
        batch = texts[start : start + size]
        began = time.perf_counter()
        embedder.embed(batch)
        took.append(1000 * (time.perf_counter() - began) / len(batch))
        progress(f"{size} at a time", len(batch))
    used = time.process_time() - used
    return Batch(size=size, took_ms=took, processor_ms=1000 * used / len(texts))


def texts_of(tokens: int) -> Iterator[str]:
    """Texts of exactly so many tokens, none twice."""
    tokenizer = Tokenizer.from_file(str(find_model_files().tokenizer))
    tokenizer.no_padding()
    seen: set[str] = set()
    for number in itertools.count():
        text, _ = Made(1, 1).situation(number)
        if len(tokenizer.encode(text).ids) < tokens:
            text += " It is not the first time this year."
        words = text.split()
        while words and len(tokenizer.encode(" ".join(words)).ids) > tokens:
            words.pop()
        text = " ".join(words)
        if len(tokenizer.encode(text).ids) == tokens and text not in seen:
            seen.add(text)
            yield text


def _row(batch: Batch, alone_ms: float) -> dict[str, Any]:
    median = percentile(batch.took_ms, 0.5)
    return {
        "texts at a time": batch.size,
        "batches": len(batch.took_ms),
        "p50 ms a text": median,
        "p99 ms a text": percentile(batch.took_ms, 0.99),
        "CPU ms a text": batch.processor_ms,
        "x alone": median / alone_ms,
    }
