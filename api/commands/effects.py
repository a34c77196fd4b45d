"""`segue effects`: the ledger of tool calls, and what an operator says of those nobody is sure of."""

# No postponed annotations here: typer reads them while the commands are made.

from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

import typer

from api.commands.listing import Listing, show_items
from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Limit, Url
from api.terminal import Screen, compact, parse_json, reported, status


class Settled(StrEnum):
    """What became of an unknown effect."""

    DONE = "done"
    FAILED = "failed"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Tool calls in the ledger.", no_args_is_help=True)
    group.command("list")(list_effects)
    group.command("result")(show_result)
    group.command("settle")(settle)
    app.add_typer(group, name="effects")


def list_effects(
    state: Annotated[str | None, typer.Option("--state", help="claimed, done, failed or unknown.")] = None,
    limit: Limit = 50,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """List effects, newest first."""
    show_items(EFFECTS, lambda client: client.pages("/v1/effects", limit, state=state), url, key, as_json)


def show_result(
    effect: Annotated[str, typer.Argument(help="Key of the effect.", show_default=False)],
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
) -> None:
    """Print the result of an effect as JSON, whole; elsewhere a large one is shown by its beginning."""
    from api.client import connected

    with reported(), connected(url, key) as client:
        Screen().json(client.get(f"/v1/effects/{quote(effect, safe='')}/result"))


def settle(
    effect: Annotated[str, typer.Argument(help="Key of the effect.", show_default=False)],
    state: Annotated[Settled, typer.Option("--state", help="What became of it.", show_default=False)],
    result: Annotated[str | None, typer.Option("--result", help="JSON the tool would have answered, if done.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Kept beside it.")] = None,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Say what became of an effect whose state is unknown; its run goes on."""
    from api.client import connected

    given = None if result is None else parse_json(result, "--result")
    screen = Screen()
    with reported(), connected(url, key) as client:
        body = {"state": state.value, "result": given, "reason": reason}
        found = client.post_json(f"/v1/effects/{quote(effect, safe='')}/settle", body)
    if as_json:
        screen.json(found)
    else:
        screen.say(f"{found.get('key')} is {found.get('state')}: {found.get('tool')} {compact(found.get('arguments'))}")


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    return (
        one.get("key"),
        status(one.get("state")),
        one.get("tool"),
        one.get("subject"),
        compact(one.get("arguments"), 60),
        one.get("started_at"),
        one.get("error") or "",
    )


EFFECTS = Listing(
    columns=("effect", "state", "tool", "subject", "arguments", "started", "error"), row=_row, empty="No effects."
)
