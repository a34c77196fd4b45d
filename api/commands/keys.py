"""`segue keys`: API keys."""

# No postponed annotations here: typer reads them while the commands are made.

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from api.terminal import Screen, reported


class ScopeName(StrEnum):
    """What a key may be used for."""

    EVENTS = "events"
    READ = "read"
    OPERATE = "operate"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="API keys.", no_args_is_help=True)
    group.callback()(_group)
    group.command("new")(new)
    app.add_typer(group, name="keys")


def _group() -> None:
    """API keys: the file holds hashes only."""


def new(
    name: Annotated[
        str, typer.Argument(help="Who will use it; written beside what is done with it.", show_default=False)
    ],
    keys: Annotated[
        Path, typer.Option("--keys", envvar="SEGUE_KEYS", help="The keys file; made if need be.", dir_okay=False)
    ] = Path("keys.yaml"),
    scope: Annotated[
        list[ScopeName], typer.Option("--scope", help="What it may be used for; several times for several.")
    ] = [ScopeName.EVENTS, ScopeName.READ],  # noqa: B006  typer copies it
    tenant: Annotated[str, typer.Option("--tenant", help="Whose data it reaches.")] = "default",
) -> None:
    """Make a key, print it this once, and add its hash to the keys file. A running server must be started again."""
    from api.keyfile import KeyFileError, add_key

    with reported(KeyFileError):
        made = add_key(keys, name=name, tenant=tenant, scopes=[one.value for one in scope])
    typer.echo(f"Added {name} to {keys}. This is the key; it is shown this once:", err=True)
    Screen().say(made)
