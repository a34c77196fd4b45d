"""`segue memory outcomes`: what the business saw, and which run it was joined to."""

# No postponed annotations here: typer reads them while the commands are made.

from enum import StrEnum
from typing import Annotated

import typer

from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Limit, Url
from api.terminal import Screen, compact, line, reported, status


class OutcomeState(StrEnum):
    """How far an outcome has come."""

    NEW = "new"
    JOINED = "joined"
    UNMATCHED = "unmatched"
    UNGRADED = "ungraded"


def list_outcomes(
    state: Annotated[
        OutcomeState | None, typer.Option("--state", help="unmatched: its run has not turned up yet.")
    ] = None,
    limit: Limit = 50,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """List outcomes, newest first, with the run each was joined to and its rewards."""
    from api.client import connected

    screen = Screen()
    with reported(), connected(url, key) as client:
        items = client.pages("/v1/outcomes", limit, state=None if state is None else state.value)
    if as_json:
        screen.json(items)
        return
    rows = [
        (
            one.get("id"),
            one.get("type"),
            one.get("subject"),
            line(f"{one.get('source')}{' (revoked)' if one.get('revoked') else ''}", 60),
            status(one.get("state")),
            one.get("run") or "",
            ", ".join(f"{goal} {reward:.2f}" for goal, reward in (one.get("rewards") or {}).items()),
            one.get("detail") or compact(one.get("data"), 60),
        )
        for one in items
    ]
    screen.table(("outcome", "type", "subject", "source", "state", "run", "rewards", "data"), rows, "No outcomes.")
