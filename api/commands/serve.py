"""`segue serve`: a Segue of its own behind HTTP."""

# No postponed annotations here: typer reads them while the commands are made.

import logging
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, DatabaseUrl
from api.terminal import reported


class LogLevel(StrEnum):
    """How much is logged, on standard error."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    portfolio: Annotated[
        list[Path],
        typer.Option(
            "--portfolio",
            envvar="SEGUE_PORTFOLIO",
            help=f"Portfolio file; several times to merge several. In SEGUE_PORTFOLIO separated by {os.pathsep!r}.",
            show_default=False,
        ),
    ],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8800,
    host: Annotated[str, typer.Option("--host", help="Other than loopback only with --keys.")] = "127.0.0.1",
    data: Data = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            envvar="SEGUE_MODEL",
            help="Chat model that decides (OPENAI_BASE_URL, OPENAI_API_KEY); without one the Planner decides.",
            show_default=False,
        ),
    ] = None,
    no_memory: Annotated[bool, typer.Option("--no-memory", help="Decide without evidence.")] = False,
    keys: Annotated[
        Path | None, typer.Option("--keys", envvar="SEGUE_KEYS", help="File of API keys.", show_default=False)
    ] = None,
    max_queued: Annotated[
        int, typer.Option("--max-queued", min=1, help="Queued runs beyond which new events are answered 429.")
    ] = 100_000,
    log_level: Annotated[LogLevel, typer.Option("--log-level", envvar="SEGUE_LOG_LEVEL")] = LogLevel.WARNING,
) -> None:
    """Take events over HTTP and handle them, until SIGTERM or Ctrl-C."""
    logging.basicConfig(
        level=log_level.value.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    from agent.deciders.chat_settings import ModelSettingsError, check_endpoint
    from api.address import Address, CannotServe, check_protected
    from api.keyfile import KeyFileError, read_keys

    with reported(KeyFileError, CannotServe, ModelSettingsError):
        if model:
            url, secret = os.environ.get("OPENAI_BASE_URL"), os.environ.get("OPENAI_API_KEY")
            check_endpoint(model=model, base_url=url, api_key=secret)
        address = Address(host=host, port=port, keys=None if keys is None else read_keys(keys))
        check_protected(address)
    from agent.wiring import Settings
    from api.serving import serve_here

    settings = Settings(
        portfolio=tuple(portfolio),
        data=data,
        database_url=database_url,
        model=model or None,
        memory=not no_memory,
        environment=dict(os.environ),
        max_queued=max_queued,
    )
    serve_here(settings, address, access_log=log_level is LogLevel.DEBUG)
