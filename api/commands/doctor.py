"""`segue doctor`: what is well, what is not, and how to mend it."""

# No postponed annotations here: typer reads them while the commands are made.

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from api.commands.options import DEFAULT_DATA, ApiKey, AsJson, Data, DatabaseUrl
from api.doctor.finding import Finding, Setup
from api.terminal import Screen, clean

STYLES = {"ok": "green", "warning": "yellow", "fail": "red"}
NAME_WIDTH = 14


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    portfolio: Annotated[
        list[Path] | None,
        typer.Option(
            "--portfolio",
            envvar="SEGUE_PORTFOLIO",
            help=f"Portfolio file; several times for several. In SEGUE_PORTFOLIO separated by {os.pathsep!r}.",
            show_default=False,
        ),
    ] = None,
    data: Data = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", envvar="SEGUE_MODEL", help="Chat model (OPENAI_BASE_URL, OPENAI_API_KEY).", show_default=False
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", envvar="SEGUE_URL", help="A running Segue, to look at too.", show_default=False),
    ] = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Look at everything a Segue needs, and say how to mend it. Changes nothing; exit code 1 if something fails."""
    setup = Setup(
        portfolio=tuple(portfolio or ()),
        data=data,
        database_url=database_url or None,
        model=model or None,
        url=url or None,
        key=key,
        environment=dict(os.environ),
    )
    _report(setup, as_json)


def _report(setup: Setup, as_json: bool) -> None:
    from api.doctor.examine import examine
    from api.doctor.limits import left_behind

    screen = Screen()
    screen.console.file = sys.stdout
    found: list[dict[str, Any]] = []
    with _hushed():
        for name, finding in examine(setup):
            found.append({"check": name, "state": finding.state, "found": finding.found, "mend": finding.mend})
            if not as_json:
                _print(screen, name, finding)
    _finish(screen, found, as_json)
    failed = any(one["state"] == "fail" for one in found)
    if left_behind():
        # Something hangs that cannot be stopped, and Python would wait for parts of it.
        screen.console.file.flush()
        os._exit(int(failed))
    if failed:
        raise typer.Exit(1)


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Modules of tools are imported, and may print or be compiled; what parts log would stand between the findings."""
    before = logging.root.manager.disable, sys.dont_write_bytecode
    logging.disable(logging.CRITICAL)
    sys.dont_write_bytecode = True
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        logging.disable(before[0])
        sys.dont_write_bytecode = before[1]


def _print(screen: Screen, name: str, finding: Finding) -> None:
    first, *others = clean(finding.found).splitlines() or [""]
    text = Text.assemble((f"{finding.state:<8}", STYLES[finding.state]), (f"{name:<{NAME_WIDTH}} ", "bold"), first)
    screen.console.print(text, soft_wrap=True)
    margin = " " * (8 + NAME_WIDTH + 1)
    for line in others:
        screen.say(margin + line)
    if finding.mend:
        screen.say(f"{margin}-> {finding.mend}")


def _finish(screen: Screen, found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        screen.json(found)
        return
    counts = {state: sum(one["state"] == state for one in found) for state in STYLES}
    if counts["fail"]:
        screen.say(f"Failed: {counts['fail']}, warnings: {counts['warning']}.")
    else:
        screen.say("Nothing failed" + (f", warnings: {counts['warning']}." if counts["warning"] else "."))
