"""`segue outcome`, `segue thumb`: what became of a run, as operators say it."""

# No postponed annotations here: typer reads them while the commands are made.

from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

import typer

from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Url
from api.terminal import Screen, parse_json, reported

Run = Annotated[str, typer.Argument(help="Id of the run.", show_default=False)]
Id = Annotated[str | None, typer.Option("--id", help="Sent again with the same id, it is the same outcome.")]


class Thumb(StrEnum):
    """Well or badly done."""

    UP = "up"
    DOWN = "down"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("outcome")(give_outcome)
    app.command("thumb")(give_thumb)


def give_outcome(
    run: Run,
    outcome_type: Annotated[str, typer.Option("--type", help="Outcome type of the portfolio.", show_default=False)],
    data: Annotated[str, typer.Option("--data", help="JSON object that fits the type's schema.")] = "{}",
    name: Id = None,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Say what the business saw of a run; it takes the place of what was said before."""
    given = parse_json(data, "--data")
    if not isinstance(given, dict):
        raise typer.BadParameter('is no JSON object, like {"stars": 5}', param_hint="--data")
    _send(run, {"type": outcome_type, "data": given, "id": name}, url, key, as_json)


def give_thumb(
    run: Run,
    which: Annotated[Thumb, typer.Argument(help="up: it did well; down: badly.", show_default=False)],
    reason: Annotated[str | None, typer.Option("--reason", help="Kept beside it.")] = None,
    name: Id = None,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Judge a run: it counts for goals that no outcome has graded, and for less than one. A second takes its place."""
    _send(run, {"thumb": which.value, "reason": reason, "id": name}, url, key, as_json)


def _send(run: str, body: dict[str, Any], url: str, key: str | None, as_json: bool) -> None:
    from api.client import connected

    screen = Screen()
    with reported(), connected(url, key) as client:
        found = client.post_json(f"/v1/runs/{quote(run, safe='')}/outcome", body)
    if as_json:
        screen.json(found)
    elif found.get("duplicate"):
        screen.say(f"outcome {found.get('outcome')} of run {run} was there already", "dim")
    else:
        screen.say(f"outcome {found.get('outcome')} of run {run} is stored")
