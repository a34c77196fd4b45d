"""What `segue eval learning` prints. Start with `told`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE
from rich.console import Group
from rich.table import Table
from rich.text import Text

from evals.bench.marks import Mark, measured, verdict
from evals.learning.parts import Figures, Section
from evals.stream.telling import STYLES


def told(sections: Sequence[Section], seconds: float) -> Group:
    """The tables of every part, the marks, and how long it took."""
    tables = [_table(figures) for section in sections for figures in section.figures]
    marks = [mark for section in sections for mark in section.marks]
    return Group(*tables, _marks(marks), Text(f"took {seconds:.0f} s"))


def _table(figures: Figures) -> Table:
    table = Table(title=figures.title, box=SIMPLE)
    for number, column in enumerate(figures.columns):
        table.add_column(column, justify="right" if number else "left")
    for row in figures.rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _marks(marks: Sequence[Mark]) -> Table:
    table = Table("mark", "wanted", "measured", "", box=SIMPLE)
    for mark in marks:
        state = Text(verdict(mark), style=STYLES[mark.state])
        table.add_row(Text(mark.name), Text(mark.wanted), Text(measured(mark)), state)
    return table
