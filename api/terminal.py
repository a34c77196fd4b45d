"""How commands talk: tables and trees for people, JSON for programs, one line for errors. Start with `Screen`.

Whatever was in an event, a tool's answer or an operator's words is data: no markup and no terminal code is obeyed.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

# Controls, directional overrides (they make text read as what it is not), and halves of surrogate pairs.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
PIPE_WIDTH = 200
"""Columns where nobody looks at a screen: lines are not to be broken."""

STATUS_STYLES: Mapping[str, str] = {
    "done": "green",
    "approved": "green",
    "joined": "green",
    "running": "cyan",
    "queued": "cyan",
    "claimed": "cyan",
    "replayed": "cyan",
    "retrying": "yellow",
    "waiting": "yellow",
    "pending": "yellow",
    "unknown": "bold red",
    "open": "red",
    "revoked": "red",
    "failed": "red",
    "stopped": "red",
    "refused": "red",
    "rejected": "red",
}


class CommandError(Exception):
    """A command cannot do what it was asked; its message is one line or a few, fit to print."""


def clean(value: object) -> str:
    """Text as it may be written to a terminal, on one line or several."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", str(value)).replace("\t", " ")


def line(value: object, most: int = 120) -> str:
    """The same on one line, at most so many characters."""
    text = " ".join(clean(value).split())
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def compact(value: object, most: int = 120) -> str:
    """A JSON value on one line."""
    if value is None:
        return ""
    return line(json.dumps(value, ensure_ascii=False, separators=(", ", ": "), default=str), most)


def size(number: object) -> str:
    """A number of bytes as people read it, in powers of 1024."""
    if not isinstance(number, int):
        return ""
    left = float(number)
    for unit in ("bytes", "KiB", "MiB"):
        if left < 1024:
            return f"{left:.0f} {unit}" if unit == "bytes" else f"{left:.1f} {unit}"
        left /= 1024
    return f"{left:.1f} GiB"


def status(word: object) -> Text:
    """A state, in its colour."""
    return Text(line(word, 20), STATUS_STYLES.get(str(word), ""))


class Screen:
    """Standard output as this command uses it."""

    def __init__(self) -> None:
        width = None if sys.stdout.isatty() else PIPE_WIDTH
        self.console = Console(markup=False, highlight=False, emoji=False, width=width)

    def json(self, value: object) -> None:
        """A value for programs; plain ASCII, so that no terminal code gets through."""
        self.console.file.write(json.dumps(value, indent=2) + "\n")

    def json_line(self, value: object) -> None:
        """One of many values, on a line of its own, at once."""
        self.console.file.write(json.dumps(value) + "\n")
        self.console.file.flush()

    def say(self, text: str, style: str = "") -> None:
        """Lines for people."""
        self.console.print(Text(clean(text), style), soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
        """A list for people; the first column is never cut."""
        if not rows:
            self.say(empty, "dim")
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for number, column in enumerate(columns):
            table.add_column(column, no_wrap=number == 0, overflow="fold")
        for row in rows:
            table.add_row(*(cell if isinstance(cell, Text) else Text(line(cell)) for cell in row))
        self.console.print(table)


def fail(message: str) -> NoReturn:
    """End the command: the message on standard error, exit code 1."""
    sys.stderr.write("".join(f"segue: {clean(part)}\n" for part in message.splitlines() or ["it failed"]))
    raise typer.Exit(1)


@contextmanager
def reported(*errors: type[Exception]) -> Iterator[None]:
    """Errors that say themselves what is wrong end the command without a traceback."""
    expected: tuple[type[Exception], ...] = (CommandError, *errors)
    try:
        yield
    except expected as error:
        fail(str(error) or type(error).__name__)


def parse_json(text: str, option: str) -> Any:
    """JSON given on the command line. A mistake in it is a mistake in the usage."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"is no JSON: {error}", param_hint=option) from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
