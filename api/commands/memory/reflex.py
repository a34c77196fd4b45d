"""`segue memory reflex`: what the reflex of each event type spares, and what it costs in success."""

# No postponed annotations here: typer reads them while the commands are made.

from typing import Annotated, Any

import typer

from api.commands.listing import Listing, show_items
from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Url

COLUMNS = (
    *("type", "on", "decisions", "by the model", "mostly because", "checks agreed", "tokens saved"),
    *("reward", "checked", "less"),
)


def show_reflex(
    event_type: Annotated[str | None, typer.Option("--type", help="Only this event type.", show_default=False)] = None,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Decisions of the reflex and of the model, what was spared, and the rewards of both."""
    show_items(REFLEXES, lambda client: client.items("/v1/memory/reflex", type=event_type), url, key, as_json)


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    made, reward = one["decisions"], one["reward"]
    return (
        one["event_type"],
        "yes" if one["reflex"] else "no",
        made["reflex"],
        made["model"],
        next(iter(one["gave_way"]), ""),
        f"{made['agreed']} of {made['checked']}",
        one["tokens_saved"],
        _graded(reward["reflex"]),
        _graded(reward["checked"]),
        _less(reward["difference"]),
    )


def _graded(of: dict[str, Any]) -> str:
    return f"{of['mean']:.2f} ({of['runs']})" if of["runs"] else ""


def _less(difference: dict[str, float] | None) -> str:
    if difference is None:
        return "too few"
    return f"{difference['mean']:+.2f} ({difference['low']:+.2f} to {difference['high']:+.2f})"


REFLEXES = Listing(columns=COLUMNS, row=_row, empty="No event type has a reflex.")
