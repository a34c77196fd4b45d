"""`segue worker`: handle runs of a shared store, beside `segue serve`."""

# No postponed annotations here: typer reads them while the commands are made.

import os
from typing import Annotated

import typer

from api.commands.options import (
    DEFAULT_DATA,
    ChromaUrl,
    Data,
    DatabaseUrl,
    Level,
    LogLevel,
    Model,
    NoMemory,
    Portfolios,
)
from api.commands.starting import check_model, log_to_stderr
from api.terminal import reported


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("worker")(worker)


def worker(
    portfolio: Portfolios,
    data: Data = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    chroma_url: ChromaUrl = None,
    model: Model = None,
    no_memory: NoMemory = False,
    runs_at_once: Annotated[int, typer.Option("--runs-at-once", min=1, max=1000, help="Runs handled at once.")] = 64,
    log_level: Level = LogLevel.WARNING,
) -> None:
    """Handle runs beside `segue serve`, on the same PostgreSQL database and Chroma server, until SIGTERM or Ctrl-C.

    Any number of workers may run. One that dies has its runs taken over by another; one that is ended hands them over.
    """
    log_to_stderr(log_level)
    if not database_url or not chroma_url:
        raise typer.BadParameter(
            "a worker shares its store: give --database-url (PostgreSQL) and --chroma-url (`chroma run`). "
            "On one machine `segue serve` alone handles runs."
        )
    from agent.heap import loading

    with loading():
        from agent.deciders.chat_settings import ModelSettingsError
        from agent.wiring import Settings
        from api.serving import work_here

    with reported(ModelSettingsError):
        check_model(model)
    settings = Settings(
        portfolio=tuple(portfolio),
        data=data,
        database_url=database_url,
        chroma_url=chroma_url,
        model=model or None,
        memory=not no_memory,
        environment=dict(os.environ),
        kind="worker",
        runs_at_once=runs_at_once,
    )
    work_here(settings)
