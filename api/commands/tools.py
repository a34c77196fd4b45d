"""`segue tools`: what is registered."""

# No postponed annotations here: typer reads them while the commands are made.

import typer

from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Url
from api.terminal import Screen, reported


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Registered tools.", no_args_is_help=True)
    group.command("list")(list_tools)
    app.add_typer(group, name="tools")


def list_tools(url: Url = DEFAULT_URL, key: ApiKey = None, as_json: AsJson = False) -> None:
    """List the tools with their governance."""
    from api.client import connected, listed

    screen = Screen()
    with reported(), connected(url, key) as client:
        items = listed(client.get("/v1/tools"))
    if as_json:
        screen.json(items)
        return
    rows = [
        (
            tool.get("name"),
            tool.get("effect"),
            tool.get("risk"),
            "yes" if tool.get("idempotent") else "no",
            tool.get("step") or "",
            tool.get("owner") or "",
            ", ".join(map(str, tool.get("events") or ())),
        )
        for tool in items
    ]
    screen.table(("tool", "effect", "risk", "idempotent", "step", "owner", "events"), rows, "No tool is registered.")
