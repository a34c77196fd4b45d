"""`segue inbox`: all that waits for a person, and who takes care of it."""

# No postponed annotations here: typer reads them while the commands are made.

import json
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

import typer

from api.commands.listing import Listing, show_items
from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Url
from api.terminal import Screen, line, reported


class KindName(StrEnum):
    """What can be assigned."""

    APPROVAL = "approval"
    EFFECT = "effect"
    LETTER = "letter"


class WhoseName(StrEnum):
    """Whose things are listed."""

    ALL = "all"
    MINE = "mine"
    NOBODY = "nobody"


Kind = Annotated[KindName, typer.Argument(help="approval (a question too), effect or letter.", show_default=False)]
Item = Annotated[
    str, typer.Argument(help="Id of the approval, key of the effect, run of the dead letter.", show_default=False)
]
From = Annotated[
    str | None, typer.Option("--from", help="Who has it by now; without it only what nobody has is given.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="All that waits for a person, and who takes care of it.", no_args_is_help=True)
    group.command("list")(list_inbox)
    group.command("take")(take)
    group.command("assign")(assign)
    group.command("release")(release)
    app.add_typer(group, name="inbox")


def list_inbox(
    whose: Annotated[WhoseName, typer.Option("--whose", help="all, mine or nobody.")] = WhoseName.ALL,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many at most.")] = 50,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """List what waits, oldest first."""
    show_items(INBOX, lambda client: client.items("/v1/inbox", whose=whose.value, limit=limit), url, key, as_json)


def take(
    kind: Kind, item: Item, held_by: From = None, url: Url = DEFAULT_URL, key: ApiKey = None, as_json: AsJson = False
) -> None:
    """Take care of it: whoever may answer it still can, and sees that you have it."""
    _assign(kind, item, {"from": held_by}, url, key, as_json)


def assign(
    kind: Kind,
    item: Item,
    to: Annotated[str, typer.Option("--to", help="Name of their key.", show_default=False)],
    held_by: From = None,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Give it to somebody."""
    _assign(kind, item, {"to": to, "from": held_by}, url, key, as_json)


def release(
    kind: Kind,
    item: Item,
    held_by: Annotated[str, typer.Option("--from", help="Who has it by now.", show_default=False)],
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Let nobody have it."""
    _assign(kind, item, {"to": None, "from": held_by}, url, key, as_json)


def _assign(kind: str, item: str, body: dict[str, Any], url: str, key: str | None, as_json: bool) -> None:
    from api.client import connected

    screen = Screen()
    with reported(), connected(url, key) as client:
        # Not `post_json`: nobody is `null`, and must be said.
        path, headers = f"/v1/inbox/{kind}/{quote(item, safe='')}/assign", {"content-type": "application/json"}
        found = client.post(path, content=json.dumps(body).encode(), headers=headers)
    if as_json:
        screen.json(found)
        return
    has = found.get("assigned")
    screen.say(line(f"{has['to']} has it." if has else "Nobody has it.", 200))


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    has = one.get("assigned")
    what = one.get("tool") or one.get("says") or one.get("type")
    return one.get("kind"), one.get("id"), one.get("subject"), what, has["to"] if has else "-", one.get("since")


INBOX = Listing(
    columns=("kind", "id", "subject", "what", "who has it", "since"), row=_row, empty="Nothing waits for a person."
)
