"""`segue memory rebuild`: the index made anew from the store."""

# No postponed annotations here: typer reads them while the commands are made.

import asyncio
import os

from api.commands.options import DEFAULT_DATA, Data, DatabaseUrl
from api.terminal import CommandError, Screen, fail, reported


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
