"""`segue memory show|search`: the episodes, and those like a text."""

# No postponed annotations here: typer reads them while the commands are made.

from typing import Annotated, Any

import typer

from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Limit, Url
from api.terminal import Screen, line, reported


def show_memory(limit: Limit = 50, url: Url = DEFAULT_URL, key: ApiKey = None, as_json: AsJson = False) -> None:
    """List episodes, oldest first, with the rewards known by now."""
    from api.client import connected

    screen = Screen()
    with reported(), connected(url, key) as client:
        items = client.pages("/v1/memory/episodes", limit)
    if as_json:
        screen.json(items)
        return
    screen.table(
        ("episode", "type", "text", "actions", "rewards", "closed"), [_row(one) for one in items], "No episodes."
    )


def search_memory(
    text: Annotated[str, typer.Argument(help="What the episodes are to be like.", show_default=False)],
    event_type: Annotated[str, typer.Option("--type", help="Event type of the episodes.", show_default=False)],
    k: Annotated[int, typer.Option("--k", min=1, max=100, help="How many.")] = 10,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """The episodes most like a text, most similar first."""
    from api.client import connected, listed

    screen = Screen()
    with reported(), connected(url, key) as client:
        items = listed(client.get("/v1/memory/search", type=event_type, text=text, k=k))
    if as_json:
        screen.json(items)
        return
    rows = [(f"{one.get('similarity', 0):.3f}", *_row(one)) for one in items]
    screen.table(("like", "episode", "type", "text", "actions", "rewards", "closed"), rows, "No episodes.")


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    rewards = one.get("rewards") or {}
    return (
        one.get("id"),
        one.get("event_type"),
        line(one.get("text"), 60),
        ", ".join(str(action.get("action")) for action in one.get("actions") or ()) or "nothing",
        ", ".join(f"{goal} {reward:.2f}" for goal, reward in rewards.items()),
        one.get("closed_at"),
    )
