"""What a scripted chat model gains by what it is shown, as a part of `segue eval learning`. Start with `PART`."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from evals.bench.marks import Mark, at_least
from evals.intervals import Spread
from evals.learning.parts import Asked, Compared, Figures, Part, Progress, Section
from evals.learning.shown import ARMS, measure
from evals.learning.shown import Figures as Shown
from evals.options import told_seeds
from memory.embedding import Embedder

SEEDS = 3
EVENTS = 100


def play(asked: Asked, progress: Progress) -> Section:
    """The same model without evidence, and following it at two rates, over the first few seeds."""
    seeds = list(asked.seeds)[:SEEDS]
    played: dict[str, list[Shown]] = {arm.name: [] for arm in ARMS}
    embedder = Embedder.open(asked.cache)
    with tempfile.TemporaryDirectory(prefix="segue-shown-") as folder:
        for number, seed in enumerate(seeds, 1):
            for one in asyncio.run(measure(seed, EVENTS, Path(folder) / str(seed), embedder)):
                played[one.arm].append(one)
            progress(number, len(seeds), "shown")
    success = {arm: Spread.of([one.success for one in found]) for arm, found in played.items()}
    return Section(
        name=PART.name,
        found={
            "seeds": seeds,
            "events": EVENTS,
            "arms": {arm: _found(found) for arm, found in played.items()},
        },
        figures=(_table(played, len(seeds)),),
        marks=_marks(success),
        settings={"seeds": told_seeds(seeds), "events": f"{EVENTS} a seed"},
        compared=[Compared(title="success by model", measure="share of events", rows=success, shown=".1%")],
    )


def _found(played: Sequence[Shown]) -> Mapping[str, Any]:
    success = Spread.of([one.success for one in played])
    return {
        "success": round(success.mean, 4),
        "success_spread": success.as_json(4),
        "second_half": round(fmean(one.second_half for one in played), 4),
        "tokens": round(fmean(one.tokens for one in played), 1),
        "most_tokens": max(one.most_tokens for one in played),
        "helped": sum(one.helped for one in played),
        "hurt": sum(one.hurt for one in played),
    }


def _table(played: Mapping[str, Sequence[Shown]], seeds: int) -> Figures:
    return Figures(
        title=f"shown: a scripted chat model that follows what it is shown; {seeds} seeds, {EVENTS} events each",
        columns=("model", "success", "second half", "tokens of the system message, mean", "at most"),
        rows=[
            (
                *(arm, f"{found['success']:.1%}", f"{found['second_half']:.1%}"),
                *(f"{found['tokens']:.0f}", f"{found['most_tokens']:.0f}"),
            )
            for arm, found in ((arm, _found(said)) for arm, said in played.items())
        ],
    )


def _marks(success: Mapping[str, Spread]) -> Sequence[Mark]:
    """Each step of following earns more than the one before."""
    arms = list(success)
    return [
        at_least(f"{arm} over {before}, points of success", 5.0, 100 * (success[arm].mean - success[before].mean))
        for before, arm in itertools.pairwise(arms)
    ]


PART = Part(name="shown", play=play)
