"""A suite's result as a person reads it in the terminal. Start with `tell_report`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evals.intervals import share_interval
from evals.scenarios.compare import Change
from evals.scenarios.report import Report

GOOD = {"solved", "asked"}


def tell_report(console: Console, report: Report, changes: Sequence[Change]) -> None:
    """The table of arms, what special kinds of cases do, what went wrong, marks and changes."""
    console.print(_arms(report))
    for arm in report.arms:
        console.print(Text(f"  {arm.name}: {arm.meaning}"))
    console.print(_kinds(report))
    _tell_failures(console, report)
    for change in changes:
        if change.worse or change.difference:
            drop = "DROP: " if change.is_drop else ""
            between = f"{change.difference:+.1%} ({change.low:+.1%} to {change.high:+.1%})"
            worse = ", ".join(change.worse) or "none"
            console.print(Text(f"{drop}{change.arm}, {change.measure}: {between}; worse: {worse}"))
    if changes and not any(change.worse or change.difference for change in changes):
        console.print("Nothing differs from the baseline.")
    for mark in report.marks():
        style = "green" if mark.passed else "bold red"
        console.print(Text("  ok  " if mark.passed else "  NOT ", style=style) + Text(f"{mark.name}: {mark.detail}"))


def _arms(report: Report) -> Table:
    worlds = sorted({case.world for case in report.cases})
    table = Table(title=f"{len(report.cases)} cases of {', '.join(worlds)}, decided by {report.decider}")
    for name in ("arm", "solved", "95 %", "asked", "unsolved", "wrong", "error"):
        table.add_column(name, justify="left" if name == "arm" else "right")
    for arm in report.arms:
        tally = report.of(arm.name)
        low, high = share_interval(tally.solved, tally.cases)
        counts = (tally.asked, tally.unsolved, tally.wrong, tally.errors)
        told = (f"{tally.share:.0%}", f"{low:.0%} - {high:.0%}", *(str(count) for count in counts))
        table.add_row(arm.name, *told)
    return table


def _kinds(report: Report) -> Table:
    kinds = sorted({kind for case in report.cases for kind in case.kinds})
    table = Table(title="Solved, by what is special about a case")
    table.add_column("kind")
    table.add_column("cases", justify="right")
    for arm in report.arms:
        table.add_column(arm.name, justify="right")
    for kind in kinds:
        tallies = [report.of(arm.name, kind) for arm in report.arms]
        table.add_row(kind, str(tallies[0].cases), *(f"{tally.share:.0%}" for tally in tallies))
    return table


def _tell_failures(console: Console, report: Report) -> None:
    products = {arm.name for arm in report.arms if arm.who == "product"}
    for one in report.played:
        told = one.arm in products and one.graded.grade not in GOOD
        if told or one.graded.grade == "error" or (one.arm == "oracle" and one.graded.grade != "solved"):
            why = "; ".join(one.graded.reasons)[:300]
            console.print(Text(f"  {one.arm}: {one.world}/{one.case} {one.graded.grade}: {why}"))
