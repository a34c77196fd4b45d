"""How the demo tells what happened. Everything that came from outside is printed as data, never as markup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evals.check import Check
from evals.demo.season import Learned


def tell_sentence(console: Console, sentence: str) -> None:
    """One line of the story; checks in their colour."""
    style = {"✓": "green", "✗": "bold red"}.get(sentence[0], "")
    console.print(Text(_printable(sentence), style=style))


def tell_run(console: Console, run: dict[str, Any]) -> None:
    """What was recalled, decided and done in a run."""
    for found in run["evidence"]:
        told = f"{found['action']} worked {found['success']:.1f} : {found['failure']:.1f}"
        console.print(Text(_printable(f"    recalled  {told} in {len(found['episodes'])} like cases"), style="cyan"))
    for decision in run["decisions"]:
        console.print(Text(_printable(f"    decision {decision['number']}  {decision['reason']}"), style="dim"))
        for call in decision["calls"]:
            why = f": {call['why']}" if call["why"] else ""
            console.print(Text(_printable(f"        {call['verdict']:<9} {call['action']}{why}")))
    for effect in run["effects"]:
        console.print(Text(_printable(f"    effect    {effect['tool']} {effect['state']}"), style="magenta"))


def tell_learning(console: Console, learned: Sequence[Learned], checks: Sequence[Check]) -> None:
    """The table of what memory was worth, and its checks."""
    table = Table(title="second half of the season")
    for column in ("measure", "without memory", "with memory", "difference, 95 % over paired events", "events"):
        table.add_column(column, justify="right" if column != "measure" else "left")
    for one in learned:
        number = "{:.0%}" if one.measure == "churn" else "{:.1f}"
        signed = "{:+.0%}" if one.measure == "churn" else "{:+.1f}"
        table.add_row(
            one.measure,
            number.format(one.before),
            number.format(one.after),
            f"{signed.format(one.low)} to {signed.format(one.high)}",
            str(one.events),
        )
    console.print(table)
    for check in checks:
        tell_sentence(console, f"{'✓' if check.passed else '✗'} {check.name}: {check.detail}")


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
