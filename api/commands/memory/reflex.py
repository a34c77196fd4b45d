"""`segue memory reflex`: what the reflex of each event type spares, and what it costs in success."""

# No postponed annotations here: typer reads them while the commands are made.

from typing import Annotated, Any

import typer

from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Url
from api.terminal import Screen, reported

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
    from api.client import connected, listed

    screen = Screen()
    with reported(), connected(url, key) as client:
        items = listed(client.get("/v1/memory/reflex", type=event_type))
    if as_json:
        screen.json(items)
        return
    screen.table(COLUMNS, [_row(one) for one in items], "No event type has a reflex.")


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
