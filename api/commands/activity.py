"""`segue activity`: who did what."""

# No postponed annotations here: typer reads them while the commands are made.

from pathlib import Path
from typing import Annotated, Any

import typer

from agent.acts import Act, ThingKind
from agent.doors import Door
from api.activity_words import DOORS, did, why
from api.commands.listing import Listing, show_items
from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Limit, Url
from api.moments import moment
from api.terminal import Screen, reported

PATH = "/v1/activity"
FORMATS = {".csv": "csv", ".jsonl": "jsonl"}
DAY = "A day, or a moment in UTC: 2026-11-26."


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("activity")(list_activity)


def list_activity(
    who: Annotated[
        str | None, typer.Option("--who", help="Name of the key; 'segue' for what it did by itself.")
    ] = None,
    act: Annotated[Act | None, typer.Option("--act", help="What was done.")] = None,
    door: Annotated[Door | None, typer.Option("--door", help="Where they came in.")] = None,
    kind: Annotated[ThingKind | None, typer.Option("--kind", help="Of what it is about.")] = None,
    about: Annotated[str | None, typer.Option("--about", help="Its id or name.")] = None,
    run: Annotated[str | None, typer.Option("--run", help="All that was done about this run.")] = None,
    since: Annotated[str | None, typer.Option("--since", help=DAY)] = None,
    until: Annotated[str | None, typer.Option("--until", help=f"To its end. {DAY}")] = None,
    search: Annotated[str | None, typer.Option("--search", help="Part of a name: who, what about, tool.")] = None,
    export: Annotated[
        Path | None, typer.Option("--export", dir_okay=False, help="Write all of it to a file: .csv or .jsonl.")
    ] = None,
    limit: Limit = 50,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """List who did what, newest first: people by any door, and what Segue switched by itself."""
    query = {
        **{"who": who, "act": act, "door": door, "kind": kind, "about": about, "run": run, "q": search},
        **{"since": _moment("--since", since), "until": _moment("--until", until)},
    }
    if export is None:
        show_items(ACTIVITY, lambda client: client.pages(PATH, limit, **query), url, key, as_json)
    else:
        _export(export, query, url, key, as_json=as_json)


def _moment(option: str, given: str | None) -> str | None:
    """As it was given, once it is known to be a moment."""
    try:
        return given if given is None or moment(given) else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def _export(file: Path, query: dict[str, str | None], url: str, key: str | None, *, as_json: bool) -> None:
    form = FORMATS.get(file.suffix.lower())
    if form is None:
        raise typer.BadParameter(
            f"{file.name!r} is neither. Right: a name that ends in {' or '.join(FORMATS)}.", param_hint="--export"
        )
    from api.client import connected

    screen = Screen()
    with reported(), connected(url, key) as client:
        size = client.save(PATH, file, format=form, **query)
    if as_json:
        screen.json({"file": str(file), "bytes": size})
    else:
        screen.say(f"{file}: {size:,} bytes")


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    door = DOORS.get(one["door"], one["door"])
    return one.get("id"), one.get("at"), one.get("who"), did(one), why(one), door


ACTIVITY = Listing(
    columns=("line", "at", "who", "did", "reason", "where"),
    row=_row,
    empty="Nobody did anything that fits. What people answer, settle, pause or judge turns up here.",
)
