"""`segue approvals`: what waits for an operator, and the answers."""

# No postponed annotations here: typer reads them while the commands are made.

from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer

from api.commands.listing import Listing, show_items
from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Limit, Url
from api.terminal import Screen, compact, parse_json, reported, status

Approval = Annotated[str, typer.Argument(help="Id of the approval.", show_default=False)]
Why = Annotated[str | None, typer.Option("--reason", help="Kept beside the answer.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Calls and questions that wait for an operator.", no_args_is_help=True)
    group.command("list")(list_approvals)
    group.command("show")(show_approval)
    group.command("approve")(approve)
    group.command("reject")(reject)
    app.add_typer(group, name="approvals")


def list_approvals(
    state: Annotated[str, typer.Option("--state", help="pending, approved, rejected or all.")] = "pending",
    limit: Limit = 50,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """List approvals and questions, newest first."""
    show_items(APPROVALS, lambda client: client.pages("/v1/approvals", limit, state=state), url, key, as_json)


def show_approval(approval: Approval, url: Url = DEFAULT_URL, key: ApiKey = None, as_json: AsJson = False) -> None:
    """Show one approval: the exact call, or the question and what could be done."""
    from api.client import connected

    screen = Screen()
    with reported(), connected(url, key) as client:
        found = client.get(f"/v1/approvals/{quote(approval, safe='')}")
    if as_json:
        screen.json(found)
        return
    screen.say(f"{found.get('kind')} {found.get('id')} of run {found.get('run')}: {found.get('state')}", "bold")
    screen.say(_asked(found, 2_000))
    for number, option in enumerate(found.get("options") or (), start=1):
        screen.say(f"  option {number}: {option.get('tool')} {compact(option.get('arguments'), 1_000)}")
    if found.get("missing"):
        screen.say(f"  not found: {', '.join(map(str, found['missing']))}")
    if found.get("answered_by"):
        screen.say(
            f"answered by {found['answered_by']} at {found.get('answered_at')}: {found.get('reason') or ''}", "dim"
        )


def approve(
    approval: Approval,
    arguments: Annotated[
        str | None, typer.Option("--arguments", help="JSON object that replaces the arguments shown.")
    ] = None,
    tool: Annotated[
        str | None, typer.Option("--tool", help="For a question: another tool than the first option's.")
    ] = None,
    reason: Why = None,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Say yes to a call, or have a question's call made."""
    given = None if arguments is None else parse_json(arguments, "--arguments")
    if given is not None and not isinstance(given, dict):
        raise typer.BadParameter("is no JSON object", param_hint="--arguments")
    _answer("approve", approval, {"arguments": given, "tool": tool, "reason": reason}, url, key, as_json)


def reject(
    approval: Approval, reason: Why = None, url: Url = DEFAULT_URL, key: ApiKey = None, as_json: AsJson = False
) -> None:
    """Say no."""
    _answer("reject", approval, {"reason": reason}, url, key, as_json)


def _answer(
    answer: Literal["approve", "reject"],
    approval: str,
    more: dict[str, Any],
    url: str,
    key: str | None,
    as_json: bool,
) -> None:
    from api.client import connected

    screen = Screen()
    with reported(), connected(url, key) as client:
        found = client.post_json(f"/v1/approvals/{quote(approval, safe='')}", {"answer": answer, **more})
    if as_json:
        screen.json(found)
    else:
        screen.say(f"{found.get('state')}: {_asked(found, 1_000)}")


def _asked(approval: dict[str, Any], most: int = 100) -> str:
    if approval.get("kind") == "question":
        return str(approval.get("question"))[:most]
    return f"{approval.get('tool')} {compact(approval.get('arguments'), most)}"


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    state = status(one.get("state"))
    return one.get("id"), one.get("kind"), state, _asked(one), one.get("run"), one.get("created_at")


APPROVALS = Listing(
    columns=("approval", "kind", "state", "what", "run", "created"), row=_row, empty="Nothing waits for an operator."
)
