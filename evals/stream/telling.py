"""Figures of streams as a person reads them in the terminal. Start with `told`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich.box import SIMPLE
from rich.console import Group
from rich.table import Table
from rich.text import Text

from evals.bench.marks import Mark, measured, verdict
from evals.intervals import Spread
from evals.stream.figures import ArmFigures, Report, split

COLUMNS = (
    "arm",
    "last quarter",
    "whole stream",
    "over no_memory, points (95 %)",
    "over cosine, points (95 %)",
    "negative transfer",
    "regret, events",
)
NOTHING = "-"
STYLES = {"passed": "green", "failed": "bold red", "skipped": "yellow"}


def told(report: Report) -> Group:
    """The table of arms, what they come to, and the table of marks."""
    return Group(_arms(report), *(Text(line) for line in in_short(report)), _marks(report.marks))


def heading(report: Report) -> str:
    """What was played."""
    seeds = "1 seed" if len(report.seeds) == 1 else f"{len(report.seeds)} seeds"
    return f"{seeds}, {report.events} events each, {report.tools} tools"


def cells(one: ArmFigures) -> tuple[str, ...]:
    """An arm under `COLUMNS`. What is compared with itself is left out."""
    plain = split(one.arm)[0]
    return (
        one.arm,
        _share(one.last_quarter),
        _share(one.success),
        NOTHING if plain == "no_memory" else _spread(one.gain),
        NOTHING if plain == "cosine" else _spread(one.gain_over_cosine),
        NOTHING if plain == "no_memory" else _share(one.negative_transfer),
        NOTHING if one.regret is None else f"{one.regret:.1f}",
    )


def in_short(report: Report) -> Iterator[str]:
    """What the arms come to together, a sentence a line."""
    yield f"gap from cosine to ceiling closed: {_share(report.ceiling_gap_closed)}"
    yield f"gap from no_memory to own_ceiling closed: {_share(report.own_ceiling_gap_closed)}"
    if report.recall_p50_ms is not None and report.recall_p99_ms is not None:
        yield f"recall: p50 {report.recall_p50_ms:.2f} ms, p99 {report.recall_p99_ms:.2f} ms"
    for arm, events in report.recovery.items():
        found = f"after {events:g} events" if math.isfinite(events) else "never"
        yield f"{arm} made good half of its loss: {found}"
    for arm, off in report.switched_off.items():
        when = "" if off.event is None else f", at event {off.event:g} (median)"
        yield f"{arm}: memory switched off on {off.seeds} of {off.of} seeds{when}"
    yield f"took {report.seconds:.0f} s"


def _arms(report: Report) -> Table:
    table = Table(title=heading(report), box=SIMPLE)
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "arm" else "right")
    for one in report.arms:
        table.add_row(*(Text(cell) for cell in cells(one)))
    return table


def _marks(marks: Sequence[Mark]) -> Table:
    table = Table("mark", "wanted", "measured", "", box=SIMPLE)
    for mark in marks:
        state = Text(verdict(mark), style=STYLES[mark.state])
        table.add_row(Text(mark.name), Text(mark.wanted), Text(measured(mark)), state)
    return table


def _share(share: float | None) -> str:
    return NOTHING if share is None else f"{share:.1%}"


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return NOTHING
    if not math.isfinite(spread.low):
        return f"{spread.mean:+.1f}"
    return f"{spread.mean:+.1f} ({spread.low:+.1f} to {spread.high:+.1f})"
