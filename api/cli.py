"""The command `segue`. Start with `main`; `api.commands` has a module per command.

Commands of other packages come through the entry point group `segue.commands`: each loads to a function
`register(app: typer.Typer) -> None`. Heavy things are imported inside commands, so that `--help` is quick.
"""

from __future__ import annotations

import sys
from importlib import metadata
from typing import Annotated

import typer

from api.commands import (
    activity,
    approvals,
    chat,
    console,
    dead,
    doctor,
    effects,
    inbox,
    init,
    keys,
    memory,
    outcomes,
    pauses,
    prune,
    runs,
    send,
    serve,
    tools,
    worker,
)

GROUP = "segue.commands"


def build_cli() -> typer.Typer:
    """The application with every command, those of other packages too."""
    app = typer.Typer(
        name="segue",
        help="Closes the pauses between a company's AI tools: business events in, coordinated tool calls out, "
        "the outcome remembered.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        add_completion=False,
    )
    app.callback()(_root)
    for module in (
        init,
        doctor,
        serve,
        worker,
        send,
        runs,
        outcomes,
        chat,
        inbox,
        approvals,
        effects,
        pauses,
        dead,
        activity,
        tools,
        memory,
        prune,
        keys,
        console,
    ):
        module.register(app)
    _register_others(app)
    return app


def main() -> None:
    """Run the command line."""
    build_cli()()


def _register_others(app: typer.Typer) -> None:
    for entry in sorted(metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            entry.load()(app)
        except Exception as error:  # noqa: BLE001  a broken extension must not take the other commands with it
            sys.stderr.write(f"segue: the commands of {entry.value!r} are missing: {type(error).__name__}: {error}\n")


def _version(wanted: bool) -> None:
    if wanted:
        try:
            typer.echo(f"segue {metadata.version('segue')}")
        except metadata.PackageNotFoundError:
            typer.echo("segue (not installed as a package)")
        raise typer.Exit


def _root(
    _version_wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Hold the options that stand before any command."""
