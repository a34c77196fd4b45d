"""`segue prune`: finished runs that are old enough are removed; what was learned from them stays."""

# No postponed annotations here: typer reads them while the commands are made.

import asyncio
import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.options import DEFAULT_DATA, AsJson, Data, DatabaseUrl
from api.terminal import CommandError, Screen, fail, reported, size

if TYPE_CHECKING:
    from agent.pruning import Pruned

UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0}
LONGEST_S = 3650 * 86_400.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("prune")(prune)


def age(text: str) -> timedelta:
    """`90d`, `12h` or `30m`."""
    found = re.fullmatch(r"(\d{1,9})([mhd])", text.strip())
    seconds = int(found[1]) * UNITS[found[2]] if found else 0.0
    if not 0 < seconds <= LONGEST_S:
        raise typer.BadParameter("Use a number and m, h or d, up to 3650d: 90d, 12h, 30m.")
    return timedelta(seconds=seconds)


def prune(
    older_than: Annotated[
        timedelta,
        typer.Option("--older-than", parser=age, metavar="AGE", help="90d, 12h: how long ago a run has ended."),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    data: Data = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Remove finished runs with their decisions, calls and results. Memory stays: episodes, outcomes, rewards."""
    if database_url is None and not data.is_dir():
        fail(f"There is no data directory {str(data)!r}. Say where it is with --data or SEGUE_DATA.")
    before = datetime.now(UTC) - older_than
    done = _pruned(data, database_url, before, dry_run=dry_run)
    told = {"before": before.isoformat().replace("+00:00", "Z"), "dry_run": dry_run, **asdict(done)}
    screen = Screen()
    if as_json:
        screen.json(told)
        return
    for words in _words(told):
        screen.say(words)


def _pruned(data: Path, database_url: str | None, before: datetime, *, dry_run: bool) -> "Pruned":
    """What was removed, with a bar on standard error meanwhile; what is in the way ends the command."""
    from rich.console import Console
    from rich.progress import Progress
    from sqlalchemy.exc import SQLAlchemyError

    from agent.directory import DataDirectoryBusy
    from agent.pruning import ShrinkError
    from agent.pruning import prune as prune_runs
    from agent.store.database import SchemaError

    errors = (DataDirectoryBusy, SchemaError, ShrinkError, SQLAlchemyError, OSError)
    with reported(*errors), Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("runs", total=None)
        try:
            return asyncio.run(
                prune_runs(
                    data,
                    database_url,
                    before=before,
                    dry_run=dry_run,
                    progress=lambda number, total: progress.update(task, completed=number, total=total),
                )
            )
        except KeyboardInterrupt as error:
            raise CommandError("Broke off; what was removed is removed whole. Run it again for the rest.") from error


def _words(told: dict[str, Any]) -> Iterator[str]:
    would = "would be removed" if told["dry_run"] else "removed"
    yield f"{told['runs']} runs that ended before {told['before'][:19]}Z {would}; they kept {size(told['bytes'])}."
    if told["large_results"]:
        yield f"{told['large_results']} large results removed that nothing refers to any more."
    if told["activity"]:
        yield f"{told['activity']} lines of who did what {would}."
    if told["kept_for_habits"]:
        yield f"{told['kept_for_habits']} old runs stay: decisions without a playbook look at them."
    if told["kept_in_doubt"]:
        yield f"{told['kept_in_doubt']} old runs stay: an effect is unknown until it is settled."
    if told["freed_bytes"] is not None and not told["dry_run"]:
        yield f"The files are smaller by {size(told['freed_bytes'])}."
