"""`segue memory uplift|off|on`: what memory does to rewards, and memory switched off or on for an event type."""

# No postponed annotations here: typer reads them while the commands are made.

from typing import Annotated, Any

import typer

from api.commands.listing import Listing, show_items
from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Url
from api.terminal import Screen, reported

VERDICT_STYLES = {"harm": "bold red", "help": "green"}
Type = Annotated[str, typer.Option("--type", help="Event type.", show_default=False)]
Reason = Annotated[str | None, typer.Option("--reason", help="Kept beside it.")]


def show_uplift(
    event_type: Annotated[str | None, typer.Option("--type", help="This event type alone.")] = None,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """What memory adds to rewards, per event type, measured against runs that decide without it."""
    items = show_items(UPLIFTS, lambda client: client.items("/v1/memory/uplift", type=event_type), url, key, as_json)
    for one in () if as_json else items:
        switch = one.get("memory") or {}
        if switch.get("since"):
            Screen().say(_told(switch), "yellow" if switch.get("state") == "off" else "dim")


def switch_off(
    event_type: Type, reason: Reason = None, url: Url = DEFAULT_URL, key: ApiKey = None, as_json: AsJson = False
) -> None:
    """Decide without memory for an event type. What happens is remembered as ever."""
    _switch("off", event_type, reason, url, key, as_json)


def switch_on(
    event_type: Type, reason: Reason = None, url: Url = DEFAULT_URL, key: ApiKey = None, as_json: AsJson = False
) -> None:
    """Decide with memory again for an event type."""
    _switch("on", event_type, reason, url, key, as_json)


def _switch(state: str, event_type: str, reason: str | None, url: str, key: str | None, as_json: bool) -> None:
    from api.client import connected

    screen = Screen()
    with reported(), connected(url, key) as client:
        found = client.post_json("/v1/memory/switches", {"type": event_type, "state": state, "reason": reason})
    if as_json:
        screen.json(found)
    else:
        screen.say(_told(found))


def _told(switch: dict[str, Any]) -> str:
    what = f"memory is {switch.get('state')} for {switch.get('type')}"
    if not switch.get("since"):
        return f"{what}, and was never switched off"
    why = f": {switch['reason']}" if switch.get("reason") else ""
    return f"{what}, switched by {switch.get('by')} at {switch.get('since')}{why}"


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    from rich.text import Text

    verdict = str(one.get("verdict"))
    return (
        one.get("type"),
        (one.get("memory") or {}).get("state"),
        f"{100 * one.get('control', 0):g} %",
        _arm(one, "memory"),
        _arm(one, "control"),
        "" if one.get("share_swayed") is None else f"{100 * one['share_swayed']:.0f} %",
        "" if one.get("difference") is None else f"{one['difference']:+.3f}",
        _interval(one.get("interval")),
        _interval(one.get("anytime_interval")),
        Text(verdict, VERDICT_STYLES.get(verdict, "dim")),
    )


def _arm(one: dict[str, Any], arm: str) -> str:
    """Mean reward, and how many of its runs are graded: `0.712 (40 of 55)`."""
    reward = one["reward"][arm]
    counts = f"({one['graded'][arm]} of {one['runs'][arm]})"
    return counts if reward is None else f"{reward:.3f} {counts}"


def _interval(interval: dict[str, float] | None) -> str:
    return "" if interval is None else f"{interval['low']:+.3f} to {interval['high']:+.3f}"


UPLIFTS = Listing(
    columns=("type", "memory", "control", "with memory", "without", "swayed", "adds", "95 %", "at any time", "verdict"),
    row=_row,
    empty="No event types.",
)
