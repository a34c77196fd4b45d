"""How the demo tells what happened. Everything that came from outside is printed as data, never as markup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from evals.demo.season import Learned


def tell_title(console: Console, title: str) -> None:
    """What comes next."""
    console.print(Text(f"\n{title}", style="bold"))


def tell_sentence(console: Console, sentence: str) -> None:
    """One line of the story; checks in their colour."""
    style = {"✓": "green", "✗": "bold red"}.get(sentence[0], "")
    console.print(Text(_printable(sentence), style=style))


def tell_run(console: Console, run: dict[str, Any], told: set[str]) -> None:
    """What was recalled, decided and done in a run, a line each; what was told of it before is left out."""
    for line, style in _lines(run):
        if f"{run['id']}{line}" not in told:
            told.add(f"{run['id']}{line}")
            console.print(Text(_printable(f"    {line}"), style=style), no_wrap=True, overflow="ellipsis")


def tell_learning(console: Console, learned: Sequence[Learned]) -> None:
    """The table of what memory was worth: without it, with it."""
    table = Table("second half of the season", box=SIMPLE)
    for column in ("without", "with", "difference", "95 % interval"):
        table.add_column(column, justify="right")
    for one in learned:
        values = one.told(one.before), one.told(one.after), one.told(one.after - one.before, signed=True)
        table.add_row(one.measure.name, *values, one.interval)
    console.print(table)


def season_progress(console: Console) -> Progress:
    """A bar per arm."""
    columns = (TextColumn("{task.description:>36}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


def _lines(run: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each with its style."""
    for found in run["evidence"]:
        cases = f"{len(found['episodes'])} like cases"
        yield f"recalled    {found['action']} worked {found['success']:.1f} : {found['failure']:.1f} in {cases}", "cyan"
    states = {effect["key"]: effect["state"] for effect in run["effects"]}
    for decision in run["decisions"]:
        for call in decision["calls"]:
            state = states.get(f"{run['id']}:{decision['number']}:{call['index']}", call["verdict"])
            shown = "waits for an operator" if state == "approval" else state
            yield (
                f"decision {decision['number']}  {call['action']} {shown}: {call['why'] or call['purpose']}",
                "magenta",
            )
    if not any(decision["calls"] for decision in run["decisions"]):
        yield from ((f"decision {one['number']}  {one['reason']}", "dim") for one in run["decisions"])


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
