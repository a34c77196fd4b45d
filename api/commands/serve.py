"""`segue serve`: a Segue of its own behind HTTP."""

# No postponed annotations here: typer reads them while the commands are made.

import os
from pathlib import Path
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

Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")]
Host = Annotated[str, typer.Option("--host", help="Other than loopback only with --keys.")]
Keys = Annotated[Path | None, typer.Option("--keys", envvar="SEGUE_KEYS", help="File of API keys.", show_default=False)]
MaxQueued = Annotated[
    int, typer.Option("--max-queued", min=1, help="Queued runs beyond which new events are answered 429.")
]
RunsAtOnce = Annotated[
    int, typer.Option("--runs-at-once", min=0, max=1000, help="Runs handled at once; 0 leaves them to workers.")
]

NoConsole = Annotated[bool, typer.Option("--no-console", help="Serve the API alone.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    portfolio: Portfolios,
    port: Port = 8800,
    host: Host = "127.0.0.1",
    data: Data = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    chroma_url: ChromaUrl = None,
    model: Model = None,
    no_memory: NoMemory = False,
    keys: Keys = None,
    max_queued: MaxQueued = 100_000,
    runs_at_once: RunsAtOnce = 64,
    no_console: NoConsole = False,
    log_level: Level = LogLevel.WARNING,
) -> None:
    """Take events over HTTP and handle them, until SIGTERM or Ctrl-C."""
    log_to_stderr(log_level)
    from agent.deciders.chat_settings import ModelSettingsError
    from api.address import Address, CannotServe, check_protected
    from api.keyfile import KeyFileError, read_keys

    with reported(KeyFileError, CannotServe, ModelSettingsError):
        check_model(model)
        address = Address(host=host, port=port, keys=None if keys is None else read_keys(keys))
        check_protected(address)
    from agent.heap import loading

    with loading():
        from agent.wiring import Settings
        from api.serving import serve_here

    settings = Settings(
        portfolio=tuple(portfolio),
        data=data,
        database_url=database_url,
        chroma_url=chroma_url,
        runs_at_once=runs_at_once,
        model=model or None,
        memory=not no_memory,
        environment=dict(os.environ),
        max_queued=max_queued,
    )
    serve_here(settings, address, access_log=log_level is LogLevel.DEBUG, console=not no_console)
