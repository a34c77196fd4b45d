"""Figures of a reflex as a person reads them in the terminal. Start with `told`."""

from __future__ import annotations

from rich.box import SIMPLE
from rich.console import Group
from rich.table import Table
from rich.text import Text

from evals.bench.marks import Mark
from evals.learning.reflex import HalfFigures, ReflexFigures


def told(figures: ReflexFigures) -> Group:
    """The table of halves, what the checks said, and the marks."""
    table = Table(box=SIMPLE, pad_edge=False)
    for column in ("half", "", "model calls", "tokens", "mean reward", "difference (95 %)"):
        table.add_column(column, justify="left" if column in ("half", "") else "right")
    for name, half in (("first", figures.first), ("second", figures.second)):
        table.add_row(name, "model asked", *_cells(half.asked.model_calls, half.asked.tokens, half.asked.reward), "")
        table.add_row(
            "", "with reflex", *_cells(half.reflex.model_calls, half.reflex.tokens, half.reflex.reward), _interval(half)
        )
    seeds = "1 seed" if len(figures.seeds) == 1 else f"{len(figures.seeds)} seeds"
    return Group(
        Text(f"{figures.stage.world}: {seeds}, {figures.events} {figures.stage.what} each"),
        table,
        Text(
            f"Saved in the second half: {figures.second.saved_percent:.1f} % of the calls, "
            f"{figures.second.tokens_saved_percent:.1f} % of the tokens."
        ),
        Text(f"Checks: the model decided the same in {figures.agreed} of {figures.checks}."),
        *(Text(_mark(mark)) for mark in figures.marks),
    )


def _cells(calls: int, tokens: int, reward: float) -> tuple[str, str, str]:
    return f"{calls:,}", f"{tokens:,}", f"{reward:.4f}"


def _interval(half: HalfFigures) -> str:
    return f"{half.difference:+.4f} ({half.low:+.4f} to {half.high:+.4f})"


def _mark(mark: Mark) -> str:
    measured = "" if mark.measured is None else f", measured {mark.measured:.4g}"
    return f"{mark.state}: {mark.name}, {mark.wanted}{measured}{f' ({mark.why})' if mark.why else ''}"
