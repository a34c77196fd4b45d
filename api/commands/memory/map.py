"""`segue memory map`: the episodes of an event type in two dimensions."""

# No postponed annotations here: typer reads them while the commands are made.

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Url
from api.terminal import Screen, reported

NOTHING = "nothing"


def map_memory(
    event_type: Annotated[str, typer.Option("--type", help="Event type of the episodes.", show_default=False)],
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The newest so many.")] = 2_000,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Lay the newest episodes out, like ones close together. --json has every point; else it is summed up by action."""
    from api.client import connected

    screen = Screen()
    with reported(), connected(url, key) as client:
        found = client.get("/v1/memory/map", type=event_type, limit=limit)
    if as_json:
        screen.json(found)
        return
    points = found.get("points") or ()
    columns = ("actions", "episodes", "with reward", "mean reward", "middle x", "middle y", "spread")
    screen.table(columns, list(_rows(points)), "No episodes.")
    if points:
        x, y = found.get("explained_variance") or (0, 0)
        screen.say(
            f"{len(points)} of {found.get('episodes')} episodes, {found.get('not_indexed')} without a place yet. "
            f"The axes hold {x:.0%} and {y:.0%} of the variance; --json has every point.",
            "dim",
        )


def _rows(points: Sequence[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    """One for each set of actions, the most frequent first."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for point in points:
        groups.setdefault(", ".join(point.get("actions") or ()) or NOTHING, []).append(point)
    for actions, group in sorted(groups.items(), key=lambda one: (-len(one[1]), one[0])):
        rewards = [point["reward"] for point in group if point.get("reward") is not None]
        x, y = (sum(point[axis] for point in group) / len(group) for axis in ("x", "y"))
        spread = (sum((point["x"] - x) ** 2 + (point["y"] - y) ** 2 for point in group) / len(group)) ** 0.5
        mean = f"{sum(rewards) / len(rewards):.2f}" if rewards else ""
        yield actions, len(group), len(rewards), mean, f"{x:.2f}", f"{y:.2f}", f"{spread:.2f}"
