"""`segue memory show|search`: the episodes, and those like a text."""

# No postponed annotations here: typer reads them while the commands are made.

from typing import Annotated, Any
from urllib.parse import quote

import typer

from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Limit, Url
from api.terminal import Screen, line, reported


def show_memory(
    episode: Annotated[str | None, typer.Argument(help="One episode, whole.", show_default=False)] = None,
    limit: Limit = 50,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """List episodes, oldest first, with the rewards known by now; or show one, whole."""
    from api.client import connected

    screen = Screen()
    if episode is not None:
        _show_one(screen, episode, url, key, as_json=as_json)
        return
    with reported(), connected(url, key) as client:
        items = client.pages("/v1/memory/episodes", limit)
    if as_json:
        screen.json(items)
        return
    screen.table(
        ("episode", "type", "text", "actions", "rewards", "closed"), [_row(one) for one in items], "No episodes."
    )


def _show_one(screen: Screen, episode: str, url: str, key: str | None, *, as_json: bool) -> None:
    from api.client import connected
    from api.episode_tree import episode_tree

    with reported(), connected(url, key) as client:
        found = client.get(f"/v1/memory/episodes/{quote(episode, safe='')}")
    if as_json:
        screen.json(found)
    else:
        screen.console.print(episode_tree(found))


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
