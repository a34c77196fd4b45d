"""`segue memory tidy|keep`: like episodes gathered, useless ones forgotten, and one of them had back."""

# No postponed annotations here: typer reads them while the commands are made.

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

import typer

from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Url
from api.terminal import Screen, line, reported

PATH = "/v1/memory/tidy"
COLUMNS = ("type", "crowds", "gathered", "old", "harmful", "unused", "in the index before", "after")
COUNTS = ("crowds", "members", "old", "harmful", "unused", "index_before", "index_after")


def tidy_memory(
    event_type: Annotated[str | None, typer.Option("--type", help="This event type alone.", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Gather like episodes under one that speaks for all, and forget what is old, harmful or unused."""
    from rich.console import Console
    from rich.status import Status

    from api.client import connected, listed

    screen = Screen()
    with reported(), connected(url, key) as client, Status("tidying", console=Console(stderr=True)) as shown:

        def ask(name: str | None) -> list[Any]:
            return listed(client.post_json(PATH, {"type": name, "dry_run": dry_run}))

        items = [_finished(one, ask, lambda words: shown.update(line(words))) for one in ask(event_type)]
    if as_json:
        screen.json(items)
        return
    screen.table(COLUMNS, [_row(one) for one in items], "No event types.")
    if dry_run:
        screen.say("Nothing was changed.", "dim")


def _finished(one: dict[str, Any], ask: Callable[[str], list[Any]], tell: Callable[[str], None]) -> dict[str, Any]:
    """Asked for again until the round of this type is at its end."""
    while not one.get("finished"):
        tell(f"tidying {one.get('type')}: {one.get('placed')} looked at, {_done(one)}")
        (one,) = ask(str(one.get("type")))
    return one


def _done(one: dict[str, Any]) -> str:
    forgotten = sum(one.get(name) or 0 for name in ("old", "harmful", "unused"))
    return f"{one.get('members')} gathered in {one.get('crowds')} new crowds, {forgotten} forgotten"


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    return (one.get("type"), *(one.get(name) for name in COUNTS))


def keep_episode(
    episode: Annotated[str, typer.Argument(help="An episode that was forgotten.", show_default=False)],
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Let a forgotten episode speak again, and never be forgotten any more."""
    from api.client import connected

    screen = Screen()
    with reported(), connected(url, key) as client:
        found = client.post_json(f"/v1/memory/episodes/{quote(episode, safe='')}/keep", {})
    if as_json:
        screen.json(found)
        return
    tidied = found.get("tidied") or {}
    by = f", kept by {tidied.get('kept_by')}" if tidied.get("kept_by") else ", and was never forgotten"
    screen.say(f"episode {found.get('id')} speaks{by}")
