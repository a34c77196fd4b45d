"""How figures are printed: one JSON object, or tables. Start with `print_report`."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evals.bench.marks import Mark

BUSY = 0.5
"""Load above which figures are not worth quoting."""
STYLES = {"passed": "green", "failed": "bold red", "skipped": "yellow"}


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was measured and what was to be reached."""

    command: str
    rows: Sequence[dict[str, Any]]
    """One a figure or arm; the keys are the columns, None where nothing was measured."""
    marks: Sequence[Mark]
    load: float
    """Processes that wanted a core before it began, by the system's mean over a minute."""
    broken: bool = False
    """A part of it that had to be measured could not be."""
    notes: Sequence[str] = ()
    """What was left out, and why."""

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "command": self.command,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": round(self.load, 2)},
            "rows": list(self.rows),
            "marks": [mark.as_json() for mark in self.marks],
            "notes": list(self.notes),
        }


def print_report(report: Report, *, as_json: bool) -> None:
    """On standard output."""
    console = Console(width=None if Console().is_terminal else 160, soft_wrap=False)
    if as_json:
        print(json.dumps(report.as_json(), indent=2, allow_nan=False))
        return
    if report.rows:
        console.print(_rows(report))
    for note in report.notes:
        console.print(Text(f"left out: {note}", style="yellow"))
    if report.load > BUSY:
        busy = (
            f"the machine was busy with other work (load {report.load:.1f} before it began): trust the ratios at most"
        )
        console.print(Text(busy, style="yellow"))
    console.print(_marks(report.marks))


def exit_code(report: Report) -> int:
    """2 when something could not be measured, 1 when a mark was missed; a skipped one is none."""
    return 2 if report.broken else int(any(mark.state == "failed" for mark in report.marks))


def _rows(report: Report) -> Table:
    table = Table(box=SIMPLE)
    columns = list(report.rows[0])
    for column in columns:
        table.add_column(column, justify="left" if isinstance(report.rows[0][column], str) else "right")
    for row in report.rows:
        table.add_row(*(_told(row[column]) for column in columns))
    return table


def _marks(marks: Sequence[Mark]) -> Table:
    table = Table("mark", "wanted", "measured", "", box=SIMPLE)
    for mark in marks:
        state = Text(mark.state if mark.why is None else f"{mark.state}: {mark.why}", style=STYLES[mark.state])
        table.add_row(mark.name, mark.wanted, _told(mark.measured), state)
    return table


def _told(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}" if abs(value) >= 1000 else f"{value:.1f}"
    return str(value)
