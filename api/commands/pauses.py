"""`segue pause`, `segue resume`, `segue pauses`: hold everything, a tool or an event type, and go on."""

# No postponed annotations here: typer reads them while the commands are made.

from typing import Annotated, Any

import typer

from api.commands.listing import Listing, show_items
from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Url
from api.terminal import Screen, reported

Tool = Annotated[str | None, typer.Option("--tool", help="This tool alone.", show_default=False)]
EventType = Annotated[str | None, typer.Option("--event", help="This event type alone.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("pause")(pause)
    app.command("resume")(resume)
    app.command("pauses")(list_pauses)


def pause(
    tool: Tool = None,
    event: EventType = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Kept beside it.")] = None,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Start nothing and call nothing until resumed: everything, or one tool or event type. Events are still taken."""
    from api.client import connected

    wanted = _named(tool, event)
    screen = Screen()
    with reported(), connected(url, key) as client:
        found = client.post_json("/v1/pauses", {**wanted, "reason": reason})
    if as_json:
        screen.json(found)
    else:
        screen.say(f"{_what(found)} is paused by {found.get('by')} since {found.get('since')}{_why(found)}")


def resume(
    tool: Tool = None, event: EventType = None, url: Url = DEFAULT_URL, key: ApiKey = None, as_json: AsJson = False
) -> None:
    """Go on with what was paused: everything, or one tool or event type."""
    from api.client import connected

    wanted = _named(tool, event)
    screen = Screen()
    with reported(), connected(url, key) as client:
        found = client.post_json("/v1/pauses/resume", wanted)
    if as_json:
        screen.json(found)
    elif found.get("resumed"):
        screen.say(f"{_what(found)} is resumed; {found.get('released')} runs that waited for it go on")
    else:
        screen.say(f"{_what(found)} was not paused", "dim")


def list_pauses(url: Url = DEFAULT_URL, key: ApiKey = None, as_json: AsJson = False) -> None:
    """List what is paused, oldest first."""
    show_items(PAUSES, lambda client: client.items("/v1/pauses"), url, key, as_json)


def _named(tool: str | None, event: str | None) -> dict[str, Any]:
    if tool is not None and event is not None:
        raise typer.BadParameter("goes without --tool: one of them at a time", param_hint="--event")
    if tool is not None:
        return {"scope": "tool", "name": tool}
    return {"scope": "all"} if event is None else {"scope": "event", "name": event}


def _what(pause: dict[str, Any]) -> str:
    scope = pause.get("scope")
    return "everything" if scope == "all" else f"{scope} {pause.get('name')}"


def _why(pause: dict[str, Any]) -> str:
    return f": {pause['reason']}" if pause.get("reason") else ""


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    return _what(one), one.get("since"), one.get("by"), one.get("reason") or ""


PAUSES = Listing(columns=("paused", "since", "by", "reason"), row=_row, empty="Nothing is paused.")
