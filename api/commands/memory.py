"""`segue memory`: the episodes, like ones, and the index made anew."""

# No postponed annotations here: typer reads them while the commands are made.

import asyncio
import os
from typing import Annotated, Any

import typer

from api.commands.options import DEFAULT_DATA, DEFAULT_URL, ApiKey, AsJson, Data, DatabaseUrl, Limit, Url
from api.terminal import CommandError, Screen, fail, line, reported


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="What is remembered.", no_args_is_help=True)
    group.command("show")(show_memory)
    group.command("search")(search_memory)
    group.command("rebuild")(rebuild)
    app.add_typer(group, name="memory")


def show_memory(limit: Limit = 50, url: Url = DEFAULT_URL, key: ApiKey = None, as_json: AsJson = False) -> None:
    """List episodes, oldest first, with the rewards known by now."""
    from api.client import connected

    screen = Screen()
    with reported(), connected(url, key) as client:
        items = client.pages("/v1/memory/episodes", limit)
    if as_json:
        screen.json(items)
        return
    screen.table(
        ("episode", "type", "text", "actions", "rewards", "closed"), [_row(one) for one in items], "No episodes."
    )


def search_memory(
    text: Annotated[str, typer.Argument(help="What the episodes are to be like.", show_default=False)],
    event_type: Annotated[str, typer.Option("--type", help="Event type of the episodes.", show_default=False)],
    k: Annotated[int, typer.Option("--k", min=1, max=100, help="How many.")] = 10,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """The episodes most like a text, most similar first."""
    from api.client import connected, listed

    screen = Screen()
    with reported(), connected(url, key) as client:
        items = listed(client.get("/v1/memory/search", type=event_type, text=text, k=k))
    if as_json:
        screen.json(items)
        return
    rows = [(f"{one.get('similarity', 0):.3f}", *_row(one)) for one in items]
    screen.table(("like", "episode", "type", "text", "actions", "rewards", "closed"), rows, "No episodes.")


def rebuild(data: Data = DEFAULT_DATA, database_url: DatabaseUrl = None) -> None:
    """Make the index anew from the store. The data directory must not be in use."""
    if not data.is_dir():
        fail(f"There is no data directory {str(data)!r}. Say where it is with --data or SEGUE_DATA.")
    from rich.console import Console
    from rich.progress import Progress
    from sqlalchemy.exc import SQLAlchemyError

    from agent.directory import DataDirectoryBusy
    from agent.store.database import SchemaError
    from agent.wiring import Settings, rebuild_memory
    from memory.episodes import EpisodeError
    from memory.minilm import EmbeddingError
    from memory.recall import MemoryUnavailable

    settings = Settings(portfolio=(), data=data, database_url=database_url, environment=dict(os.environ))
    errors = (DataDirectoryBusy, SchemaError, MemoryUnavailable, EpisodeError, EmbeddingError, SQLAlchemyError, OSError)
    with reported(*errors), Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("episodes", total=None)
        try:
            done = asyncio.run(
                rebuild_memory(settings, lambda number, total: progress.update(task, completed=number, total=total))
            )
        except KeyboardInterrupt as error:
            raise CommandError("The rebuild broke off; the index holds a part. Run it again.") from error
    Screen().say(f"The index holds {done} episodes.")


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    rewards = one.get("rewards") or {}
    return (
        one.get("id"),
        one.get("event_type"),
        line(one.get("text"), 60),
        ", ".join(str(action.get("action")) for action in one.get("actions") or ()) or "nothing",
        ", ".join(f"{goal} {reward:.2f}" for goal, reward in rewards.items()),
        one.get("closed_at"),
    )
