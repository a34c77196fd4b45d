"""`segue memory changes`: actions that turn out otherwise than they used to."""

# No postponed annotations here: typer reads them while the commands are made.

import math
from typing import Annotated, Any

import typer

from api.commands.listing import Listing, show_items
from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Url

WAY_STYLES = {"worse": "red", "better": "green"}


def list_changes(
    event_type: Annotated[str | None, typer.Option("--type", help="This event type alone.", show_default=False)] = None,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Actions that turn out otherwise than they used to; what was learned of them before counts half."""
    show_items(CHANGES, lambda client: client.items("/v1/memory/changes", type=event_type), url, key, as_json)


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    from rich.text import Text

    return (
        one["type"],
        one["action"],
        Text(one["way"], WAY_STYLES.get(one["way"], "")),
        one["at"],
        f"{one['expected']:.2f}",
        f"{one['found']:.2f}",
        f"{one['since']} after {one['before']}",
        f"{math.exp(min(one['log_odds'], 20.0)):,.0f} to 1",
        _whose(one),
    )


def _whose(one: dict[str, Any]) -> str:
    if one["source"] is not None:
        return str(one["source"])
    return "all" + (f" but {', '.join(one['apart'])}" if one["apart"] else "")


CHANGES = Listing(
    columns=("type", "action", "turns out", "since", "expected", "found", "outcomes", "sure", "source"),
    row=_row,
    empty="No action has changed.",
)
