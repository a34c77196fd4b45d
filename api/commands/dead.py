"""`segue dead`: runs that failed for reasons of their own, and what is done with them."""

# No postponed annotations here: typer reads them while the commands are made.

from typing import Annotated, Any
from urllib.parse import quote

import typer

from api.commands.listing import Listing, show_items
from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Limit, Url
from api.terminal import CommandError, Screen, line, reported, status

Run = Annotated[str, typer.Argument(help="Id of the run.", show_default=False)]
MOST = 10_000


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Dead letters: runs that failed for reasons of their own.", no_args_is_help=True)
    group.command("list")(list_letters)
    group.command("show")(show_letter)
    group.command("replay")(replay)
    group.command("discard")(discard)
    app.add_typer(group, name="dead")


def list_letters(
    state: Annotated[str, typer.Option("--state", help="open, retrying, replayed, discarded or all.")] = "open",
    limit: Limit = 50,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """List dead letters, newest run first."""
    show_items(DEAD_LETTERS, lambda client: client.pages("/v1/dead-letters", limit, state=state), url, key, as_json)


def show_letter(run: Run, url: Url = DEFAULT_URL, key: ApiKey = None, as_json: AsJson = False) -> None:
    """Show a dead letter: every try, what operators did with it, and the run."""
    from api.client import connected
    from api.run_tree import run_tree

    screen = Screen()
    with reported(), connected(url, key) as client:
        found = client.get(_path(run))
    if as_json:
        screen.json(found)
        return
    screen.say(f"dead letter {found.get('run')}: {found.get('state')}, replayed {found.get('replays')} times", "bold")
    for entry in found.get("history") or ():
        screen.say(f"  {entry.get('at')}  {_happened(entry)}")
    screen.console.print(run_tree(found.get("record") or {}))


def replay(
    run: Annotated[str | None, typer.Argument(help="Id of the run.", show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every open dead letter.")] = False,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Handle the run again; one that was replayed before stays as it is."""
    from api.client import connected

    if (run is not None) == everything:
        raise typer.BadParameter("give the id of a run, or --all", param_hint="RUN")
    screen = Screen()
    done: list[Any] = []
    with reported(), connected(url, key) as client:
        # All are listed before the first is replayed, so that a run that fails again at once is not met twice.
        wanted = [one.get("run") for one in client.pages("/v1/dead-letters", MOST)] if run is None else [run]
        for number, one in enumerate(wanted):
            try:
                done.append(client.post(f"{_path(str(one))}/replay", content=b"", headers={}))
            except CommandError as error:
                raise CommandError(f"{error}\n{number} of {len(wanted)} are replayed.") from error
    if as_json:
        screen.json(done[0] if run is not None else done)
        return
    for letter in done:
        screen.say(f"{letter.get('run')} is {letter.get('state')}")
    if not done:
        screen.say("No dead letters.", "dim")


def discard(
    run: Run,
    reason: Annotated[str | None, typer.Option("--reason", help="Kept in its history.")] = None,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Give a dead letter up; it is kept with its history."""
    from api.client import connected

    screen = Screen()
    with reported(), connected(url, key) as client:
        found = client.post_json(f"{_path(run)}/discard", {"reason": reason})
    if as_json:
        screen.json(found)
    else:
        screen.say(f"{found.get('run')} is {found.get('state')}")


def _path(run: str) -> str:
    return f"/v1/dead-letters/{quote(run, safe='')}"


def _happened(entry: dict[str, Any]) -> str:
    if "attempt" in entry:
        return line(f"try {entry['attempt']}: {entry.get('code')}: {entry.get('detail')}", 2_000)
    why = f": {entry['reason']}" if entry.get("reason") else ""
    return line(f"{entry.get('state')} by {entry.get('by')}{why}", 2_000)


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    return (
        one.get("run"),
        status(one.get("state")),
        one.get("type"),
        one.get("subject"),
        one.get("attempts"),
        one.get("since"),
        f"{one.get('code')}: {one.get('detail')}",
    )


DEAD_LETTERS = Listing(
    columns=("run", "state", "type", "subject", "tries", "since", "why"), row=_row, empty="No dead letters."
)
