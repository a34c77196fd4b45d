"""`segue memory sources|revoke|restore`: where what is remembered came from, and whether it may speak."""

# No postponed annotations here: typer reads them while the commands are made.

from typing import Annotated, Any

import typer

from api.commands.listing import Listing, show_items
from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Limit, Url
from api.terminal import Screen, line, reported, status

Source = Annotated[
    str, typer.Option("--source", help="As events and outcomes name it: see segue memory sources.", show_default=False)
]
Reason = Annotated[str | None, typer.Option("--reason", help="Kept beside it.")]


def list_sources(
    revoked: Annotated[bool, typer.Option("--revoked", help="Only those that are revoked.")] = False,
    limit: Limit = 50,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """List sources of events and outcomes by name, with how much of memory came from each."""
    show_items(
        SOURCES,
        lambda client: client.pages("/v1/memory/sources", limit, state="revoked" if revoked else None),
        url,
        key,
        as_json,
    )


def revoke_source(
    source: Source,
    reason: Reason = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Let nothing that came, or will come, from a source speak in any decision, until it is restored."""
    from api.client import connected

    if not yes:
        typer.confirm(f"Nothing from {line(source)} will speak in any decision. Revoke it?", abort=True, err=True)
    screen = Screen()
    with reported(), connected(url, key) as client:
        found = client.post_json("/v1/memory/revocations", {"source": source, "reason": reason})
    if as_json:
        screen.json(found)
        return
    was = "" if found.get("changed") else "was already "
    screen.say(
        f"{source} {was or 'is '}revoked by {found.get('by')} since {found.get('since')}: {_much(found)} unheard"
    )
    if found.get("index_left"):
        screen.say(f"{found['index_left']} episodes are still being taken out of the index", "dim")


def restore_source(
    source: Source,
    reason: Reason = None,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Let a revoked source speak again, with all that came from it meanwhile."""
    from api.client import connected

    screen = Screen()
    with reported(), connected(url, key) as client:
        found = client.post_json("/v1/memory/revocations/restore", {"source": source, "reason": reason})
    if as_json:
        screen.json(found)
        return
    if not found.get("changed"):
        screen.say(f"{source} was not revoked", "dim")
        return
    screen.say(f"{source} is restored: {_much(found)} heard again")
    if found.get("index_left"):
        screen.say(f"{found['index_left']} episodes are still being indexed", "dim")


def _much(found: dict[str, Any]) -> str:
    return f"{found.get('episodes')} episodes and {found.get('outcomes')} outcomes are"


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    return (
        one.get("source"),
        one.get("episodes"),
        one.get("outcomes"),
        status(one.get("state")),
        one.get("since") or "",
        one.get("by") or "",
        one.get("reason") or "",
    )


SOURCES = Listing(
    columns=("source", "episodes", "outcomes", "state", "since", "by", "reason"), row=_row, empty="No sources."
)
