"""`segue tools`: what is registered."""

# No postponed annotations here: typer reads them while the commands are made.

from typing import Any

import typer

from api.commands.listing import Listing, show_items
from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Url


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Registered tools.", no_args_is_help=True)
    group.command("list")(list_tools)
    app.add_typer(group, name="tools")


def list_tools(url: Url = DEFAULT_URL, key: ApiKey = None, as_json: AsJson = False) -> None:
    """List the tools with their governance."""
    show_items(TOOLS, lambda client: client.items("/v1/tools"), url, key, as_json)


def _row(tool: dict[str, Any]) -> tuple[object, ...]:
    return (
        tool.get("name"),
        tool.get("effect"),
        tool.get("risk"),
        "yes" if tool.get("idempotent") else "no",
        tool.get("step") or "",
        tool.get("owner") or "",
        ", ".join(map(str, tool.get("events") or ())),
    )


TOOLS = Listing(
    columns=("tool", "effect", "risk", "idempotent", "step", "owner", "events"),
    row=_row,
    empty="No tool is registered.",
)
