"""`segue keys`: API keys."""

# No postponed annotations here: typer reads them while the commands are made.

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from api.commands.options import AsJson
from api.terminal import Screen, reported

File = Annotated[
    Path, typer.Option("--keys", envvar="SEGUE_KEYS", help="The keys file; made if need be.", dir_okay=False)
]
FILE = Path("keys.yaml")


class ScopeName(StrEnum):
    """What a key may be used for."""

    EVENTS = "events"
    READ = "read"
    STEER = "steer"
    APPROVE = "approve"
    GOVERN = "govern"
    OPERATE = "operate"


class RoleName(StrEnum):
    """A named set of scopes."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="API keys.", no_args_is_help=True)
    group.callback()(_group)
    group.command("new")(new)
    group.command("list")(list_keys)
    app.add_typer(group, name="keys")


def _group() -> None:
    """API keys: the file holds hashes only."""


def new(
    name: Annotated[
        str, typer.Argument(help="Who will use it; written beside what is done with it.", show_default=False)
    ],
    keys: File = FILE,
    scope: Annotated[
        list[ScopeName] | None,
        typer.Option(
            "--scope",
            help="What it may be used for; several times for several. operate stands for steer, approve and govern. "
            "Without a scope or role: events and read.",
        ),
    ] = None,
    role: Annotated[RoleName | None, typer.Option("--role", help="All that people of this role may do.")] = None,
    tenant: Annotated[str, typer.Option("--tenant", help="Whose data it reaches.")] = "default",
) -> None:
    """Make a key, print it this once, and add its hash to the keys file. A running server must be started again."""
    from api.keyfile import KeyFileError, add_key

    if role is not None and scope:
        raise typer.BadParameter("give --role or --scope, not both: a role is a set of scopes", param_hint="--role")
    scopes = [one.value for one in scope or (ScopeName.EVENTS, ScopeName.READ)]
    with reported(KeyFileError):
        made = add_key(keys, name=name, tenant=tenant, scopes=scopes, role=None if role is None else role.value)
    typer.echo(f"Added {name} to {keys}. This is the key; it is shown this once:", err=True)
    Screen().say(made)


def list_keys(keys: File = FILE, as_json: AsJson = False) -> None:
    """List who has a key, and what they may do with it. A server knows the file as it was when it was started."""
    from agent.roles import in_order, role_of
    from api.keyfile import KeyFileError, read_keys

    screen = Screen()
    with reported(KeyFileError):
        found = read_keys(keys)
    items = [
        {"name": one.name, "tenant": one.tenant, "role": role_of(one.scopes), "scopes": in_order(one.scopes)}
        for one in found
    ]
    if as_json:
        screen.json(items)
        return
    rows = [(one["name"], one["tenant"], one["role"] or "-", ", ".join(one["scopes"] or ())) for one in items]
    screen.table(("name", "tenant", "role", "scopes"), rows, "No keys.")
