"""`segue memory curve`: what the runs of an event type earned as time went by."""

# No postponed annotations here: typer reads them while the commands are made.

from typing import Annotated, Any

import typer

from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Url
from api.terminal import Screen, reported

COLUMNS = ("closed from", "until", "with memory", "95 %", "without", "95 %", "no arm drawn")
EMPTY = "No run of this type has an outcome yet."


def show_curve(
    event_type: Annotated[str, typer.Option("--type", help="Event type of the runs.", show_default=False)],
    goal: Annotated[str | None, typer.Option("--goal", help="This goal alone.", show_default=False)] = None,
    by: Annotated[str, typer.Option("--by", help="number (of graded runs), day or week.")] = "number",
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Show mean rewards, from 0 to 1, as time went by: of runs with memory, and of those without."""
    from api.client import connected

    screen = Screen()
    with reported(), connected(url, key) as client:
        found = client.get("/v1/memory/curve", type=event_type, goal=goal, by=by)
    if as_json:
        screen.json(found)
        return
    screen.table(COLUMNS, [_row(point) for point in found.get("points") or ()], EMPTY)


def _row(point: dict[str, Any]) -> tuple[object, ...]:
    arms = [cell for arm in ("memory", "control") for cell in _cells(point.get(arm))]
    return point.get("since"), point.get("until"), *arms, _cells(point.get("undrawn"))[0]


def _cells(mean: dict[str, Any] | None) -> tuple[str, str]:
    """`0.712 (40)` and `0.563 to 0.826`."""
    if not mean:
        return "", ""
    return f"{mean['mean']:.3f} ({mean['count']})", f"{mean['low']:.3f} to {mean['high']:.3f}"
