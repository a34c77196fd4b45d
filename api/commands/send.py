"""`segue send`: events from a file, standard input or options."""

# No postponed annotations here: typer reads them while the commands are made.

from enum import StrEnum
from typing import Annotated, Any

import typer

from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Url
from api.terminal import Screen, parse_json, reported, status


class Mode(StrEnum):
    """How events travel."""

    STRUCTURED = "structured"
    BINARY = "binary"
    BATCH = "batch"


File = Annotated[
    str | None,
    typer.Argument(
        help="File with one CloudEvent, a list of them, or one a line; - is standard input.", show_default=False
    ),
]
EventType = Annotated[str | None, typer.Option("--type", help="Make an event of this type instead.")]
Subject = Annotated[str | None, typer.Option("--subject", help="Its business key.")]
Source = Annotated[str, typer.Option("--source", help="Its source.")]
EventId = Annotated[str | None, typer.Option("--id", help="Its id; a new one if left out.", show_default=False)]
EventData = Annotated[str, typer.Option("--data", help="Its data, a JSON object.")]
AMode = Annotated[
    Mode | None,
    typer.Option("--mode", help="Structured for one event and batch for several, unless given.", show_default=False),
]
Wait = Annotated[bool, typer.Option("--wait", help="Follow the runs until each has ended or waits for an operator.")]
TimeoutS = Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait at most.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("send")(send)


def send(
    file: File = None,
    event_type: EventType = None,
    subject: Subject = None,
    source: Source = "/segue/send",
    event_id: EventId = None,
    data: EventData = "{}",
    mode: AMode = None,
    wait: Wait = False,
    timeout_s: TimeoutS = 600.0,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Send events and print the runs they start."""
    from api.client import connected
    from api.sending import follow, make_event, read_events, send_events

    screen = Screen()
    with reported():
        if event_type is not None and file is None:
            given = parse_json(data, "--data")
            events = [make_event(type=event_type, subject=subject, source=source, id=event_id, data=given)]
        elif file is not None and event_type is None:
            events = read_events(file)
        else:
            raise typer.BadParameter("give either a file (or -) or --type", param_hint="FILE")
        with connected(url, key) as client:
            accepted = send_events(client, events, mode.value if mode else "batch" if len(events) > 1 else "structured")
            if not as_json:
                _print(screen, accepted)
            runs = follow(client, accepted, timeout_s) if wait else []
    _finish(screen, accepted, runs, wait, as_json)


def _print(screen: Screen, accepted: list[dict[str, Any]]) -> None:
    for one in accepted:
        what = f"run {one['run']}" if one.get("run") else f"outcome {one.get('outcome')}"
        known = "  (known before)" if one.get("duplicate") else ""
        screen.say(f"{what}  event {one.get('id')}{known}")


def _finish(
    screen: Screen, accepted: list[dict[str, Any]], runs: list[dict[str, Any]], wait: bool, as_json: bool
) -> None:
    if as_json:
        screen.json({"accepted": accepted, "runs": runs} if wait else {"accepted": accepted})
    elif runs:
        rows = [(run.get("id"), status(run.get("status")), (run.get("end") or {}).get("code") or "") for run in runs]
        screen.table(("run", "status", "end"), rows, "")
    if any(run.get("status") in {"failed", "cancelled"} for run in runs):
        raise typer.Exit(1)
