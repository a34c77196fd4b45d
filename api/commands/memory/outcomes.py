"""`segue memory outcomes`: what the business saw, and which run it was joined to."""

# No postponed annotations here: typer reads them while the commands are made.

from enum import StrEnum
from typing import Annotated, Any

import typer

from api.commands.listing import Listing, show_items
from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Limit, Url
from api.terminal import compact, line, status


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
    show_items(
        OUTCOMES,
        lambda client: client.pages("/v1/outcomes", limit, state=None if state is None else state.value),
        url,
        key,
        as_json,
    )


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    return (
        one.get("id"),
        one.get("type"),
        one.get("subject"),
        line(f"{one.get('source')}{' (revoked)' if one.get('revoked') else ''}", 60),
        status(one.get("state")),
        one.get("run") or "",
        ", ".join(f"{goal} {reward:.2f}" for goal, reward in (one.get("rewards") or {}).items()),
        one.get("detail") or compact(one.get("data"), 60),
    )


OUTCOMES = Listing(
    columns=("outcome", "type", "subject", "source", "state", "run", "rewards", "data"), row=_row, empty="No outcomes."
)
