"""The reflex as a part of `segue eval learning`: the shop with a scripted chat model. Start with `PART`."""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool

from evals.learning.parts import Asked, Figures, LearningError, Part, Progress, Section
from evals.learning.reflex import HalfFigures, play_reflex

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
        figures = play_reflex(seeds, progress=count)
    except (ValueError, BrokenProcessPool) as error:
        raise LearningError(f"the reflex could not be played: {error}") from error
    rows = [*_rows("first", figures.first), *_rows("second", figures.second)]
    table = Figures(
        title=f"reflex: {len(seeds)} seeds, {figures.events} failed conversations each",
        columns=("half", "", "model calls", "tokens", "mean reward", "difference (95 %)"),
        rows=rows,
    )
    return Section(name=PART.name, found=figures.as_json(), figures=(table,), marks=figures.marks)


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
