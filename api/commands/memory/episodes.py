"""`segue memory show|search`: the episodes, and those like a text."""

# No postponed annotations here: typer reads them while the commands are made.

from typing import Annotated, Any
from urllib.parse import quote

import typer

from api.commands.listing import Listing, show_items
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
    if episode is None:
        show_items(EPISODES, lambda client: client.pages("/v1/memory/episodes", limit), url, key, as_json)
    else:
        _show_one(episode, url, key, as_json=as_json)


def _show_one(episode: str, url: str, key: str | None, *, as_json: bool) -> None:
    from api.client import connected
    from api.episode_tree import episode_tree

    with reported(), connected(url, key) as client:
        found = client.get(f"/v1/memory/episodes/{quote(episode, safe='')}")
    if as_json:
        Screen().json(found)
    else:
        Screen().console.print(episode_tree(found))


def search_memory(
    text: Annotated[str, typer.Argument(help="What the episodes are to be like.", show_default=False)],
    event_type: Annotated[str, typer.Option("--type", help="Event type of the episodes.", show_default=False)],
    k: Annotated[int, typer.Option("--k", min=1, max=100, help="How many.")] = 10,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """The episodes most like a text, most similar first."""
    query = {"type": event_type, "text": text, "k": k}
    show_items(FOUND, lambda client: client.items("/v1/memory/search", **query), url, key, as_json)


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


def _found(one: dict[str, Any]) -> tuple[object, ...]:
    return (f"{one.get('similarity', 0):.3f}", *_row(one))


COLUMNS = ("episode", "type", "text", "actions", "rewards", "closed")
EPISODES = Listing(columns=COLUMNS, row=_row, empty="No episodes.")
FOUND = Listing(columns=("like", *COLUMNS), row=_found, empty="No episodes.")
