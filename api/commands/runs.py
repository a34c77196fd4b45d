"""`segue runs`: what was done for each event, and why."""

# No postponed annotations here: typer reads them while the commands are made.

from typing import Annotated, Any
from urllib.parse import quote

import typer

from api.commands.listing import Listing, show_items
from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Limit, Url
from api.terminal import Screen, reported, status


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Runs: the handling of each event.", no_args_is_help=True)
    group.command("list")(list_runs)
    group.command("show")(show_run)
    group.command("watch")(watch_run)
    group.command("cancel")(cancel_run)
    app.add_typer(group, name="runs")


def list_runs(
    state: Annotated[
        str | None,
        typer.Option("--status", help="queued, running, waiting, done, stopped, failed or cancelled."),
    ] = None,
    event_type: Annotated[str | None, typer.Option("--type", help="Event type.")] = None,
    subject: Annotated[str | None, typer.Option("--subject")] = None,
    source: Annotated[str | None, typer.Option("--source")] = None,
    limit: Limit = 50,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first."""
    show_items(
        RUNS,
        lambda client: client.pages("/v1/runs", limit, status=state, type=event_type, subject=subject, source=source),
        url,
        key,
        as_json,
    )


def show_run(
    run: Annotated[str, typer.Argument(help="Id of the run.", show_default=False)],
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Show a run: what was recalled, decided and why, done, and what came of it."""
    from api.client import connected
    from api.run_tree import run_tree

    screen = Screen()
    with reported(), connected(url, key) as client:
        found = client.get(f"/v1/runs/{quote(run, safe='')}")
    if as_json:
        screen.json(found)
    else:
        screen.console.print(run_tree(found))


def watch_run(
    run: Annotated[str, typer.Argument(help="Id of the run.", show_default=False)],
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line for programs.")] = False,
) -> None:
    """Follow a run: what happened so far, then what happens, until it has ended."""
    from api.client import connected
    from api.following import Told, follow_run
    from api.run_telling import told_line

    screen = Screen()
    last: Told | None = None
    with reported(), connected(url, key) as client:
        for told in follow_run(client, run):
            if as_json:
                screen.json_line({"event": told.name, "id": told.id, **told.data})
            else:
                screen.say(told_line(told))
            last = told
    if last is not None and last.data.get("status") in {"failed", "cancelled"}:
        raise typer.Exit(1)


def cancel_run(
    run: Annotated[str, typer.Argument(help="Id of the run.", show_default=False)],
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Begin no effect of a run any more; a call in flight is waited for, what is done stays done."""
    from api.client import connected

    screen = Screen()
    with reported(), connected(url, key) as client:
        found = client.post(f"/v1/runs/{quote(run, safe='')}/cancel", content=b"", headers={})
    if as_json:
        screen.json(found)
    elif found.get("status") == "cancelled":
        screen.say(f"Run {run} is cancelled.")
    else:
        screen.say(f"Run {run} is being cancelled; a call in flight is waited for.")


def _row(run: dict[str, Any]) -> tuple[object, ...]:
    event, end = run.get("event") or {}, run.get("end") or {}
    return (
        run.get("id"),
        status(run.get("status")),
        event.get("type"),
        event.get("subject"),
        run.get("decided_by") or "",
        run.get("created_at"),
        end.get("code") or "",
    )


RUNS = Listing(columns=("run", "status", "type", "subject", "decided by", "created", "end"), row=_row, empty="No runs.")
