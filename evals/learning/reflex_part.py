"""The reflex as a part of `segue eval learning`: the shop with a scripted chat model. Start with `PART`."""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool

from evals.intervals import Spread
from evals.learning.parts import Asked, Compared, Figures, LearningError, Part, Progress, Section
from evals.learning.reflex import REFLEX, HalfFigures, ReflexFigures, play_reflex
from evals.options import told_seeds
from evals.seasons.retail import WORLD

SEEDS = 5
"""The first so many are played: two streams each, the whole product with every message over HTTP."""


def play(asked: Asked, progress: Progress) -> Section:
    """As `segue eval reflex`."""
    seeds = list(asked.seeds)[:SEEDS]
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress(done, 2 * len(seeds), "reflex")

    try:
        figures = play_reflex(WORLD, seeds, progress=count)
    except (ValueError, BrokenProcessPool) as error:
        raise LearningError(f"the reflex could not be played: {error}") from error
    rows = [*_rows("first", figures.first), *_rows("second", figures.second)]
    table = Figures(
        title=f"reflex: {len(seeds)} seeds, {figures.events} {figures.stage.what} each",
        columns=("half", "", "model calls", "tokens", "mean reward", "difference (95 %)"),
        rows=rows,
    )
    return Section(
        name=PART.name,
        found=figures.as_json(),
        figures=(table,),
        marks=figures.marks,
        settings={
            "seeds": told_seeds(seeds),
            "events": f"{figures.events} a seed",
            "reflex": ", ".join(f"{name} {value:g}" for name, value in REFLEX.items()),
        },
        compared=[_compared(figures)],
    )


def _compared(figures: ReflexFigures) -> Compared:
    halves = {"first half": figures.first, "second half": figures.second}
    return Compared(
        title="with the reflex less without",
        measure="difference in mean reward",
        rows={name: Spread(mean=one.difference, low=one.low, high=one.high) for name, one in halves.items()},
        shown="+.4f",
    )


def _rows(name: str, half: HalfFigures) -> list[tuple[str, ...]]:
    difference = f"{half.difference:+.4f} ({half.low:+.4f} to {half.high:+.4f})"
    return [
        (name, "model asked", f"{half.asked.model_calls:,}", f"{half.asked.tokens:,}", f"{half.asked.reward:.4f}", ""),
        (
            *("", "with reflex", f"{half.reflex.model_calls:,}", f"{half.reflex.tokens:,}"),
            *(f"{half.reflex.reward:.4f}", difference),
        ),
    ]


PART = Part(name="reflex", play=play)
