"""`segue memory value`: what another way to choose would have earned, from the log."""

# No postponed annotations here: typer reads them while the commands are made.

from enum import StrEnum
from typing import Annotated, Any

import typer

from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Url
from api.terminal import Screen, line, reported

COLUMNS = ("purpose", "policy", "choices", "earned", "IPS", "SNIPS", "doubly robust", "effective", "refused")


class PolicyOption(StrEnum):
    """Ways to choose that can be valued."""

    GREEDY = "greedy"
    PRIOR = "prior"
    UNIFORM = "uniform"


def value_policies(
    event_type: Annotated[str, typer.Option("--type", help="Event type of the runs.", show_default=False)],
    policy: Annotated[
        PolicyOption | None,
        typer.Option(help="The best score, the best prior (no memory), or any at random; all unless given."),
    ] = None,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """What other ways to choose would have earned, from logged choices and the rewards of their runs."""
    from api.client import connected

    screen = Screen()
    with reported(), connected(url, key) as client:
        asked = {"type": event_type} | ({"policy": policy.value} if policy else {})
        found = client.get("/v1/memory/value", **asked)
    if as_json:
        screen.json(found)
        return
    items = found.get("items") or ()
    screen.table(COLUMNS, [_row(one) for one in items], str(found.get("refused")))
    if items:
        screen.say(f"{found.get('graded_runs')} runs with an outcome; 95 % intervals.")


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    earned, effective = one.get("mean_reward"), one.get("effective_sample_size")
    return (
        line(one.get("purpose") or "", 40),
        one.get("policy"),
        one.get("choices"),
        "" if earned is None else f"{earned:.3f}",
        *(_estimate(one.get(name)) for name in ("ips", "snips", "doubly_robust")),
        "" if effective is None else f"{effective:.0f}",
        one.get("refused") or "",
    )


def _estimate(found: dict[str, float] | None) -> str:
    return f"{found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f})" if found else ""
