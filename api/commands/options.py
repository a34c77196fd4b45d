"""Options that several commands share."""

# No postponed annotations here: typer reads them while the commands are made.

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

DEFAULT_URL = "http://127.0.0.1:8800"
DEFAULT_DATA = Path("segue-data")

Url = Annotated[str, typer.Option("--url", envvar="SEGUE_URL", help="Address of the running Segue.")]
ApiKey = Annotated[
    str | None,
    typer.Option("--key", envvar="SEGUE_API_KEY", help="API key, where keys are in use.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many at most.")]
Data = Annotated[Path, typer.Option("--data", envvar="SEGUE_DATA", help="Data directory.", file_okay=False)]
ChromaUrl = Annotated[
    str | None,
    typer.Option(
        "--chroma-url",
        envvar="SEGUE_CHROMA_URL",
        help="Chroma server for the index, where several processes work on one PostgreSQL database.",
        show_default=False,
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        envvar="SEGUE_MODEL",
        help="Chat model that decides (OPENAI_BASE_URL, OPENAI_API_KEY); without one the Planner decides.",
        show_default=False,
    ),
]
NoMemory = Annotated[bool, typer.Option("--no-memory", help="Decide without evidence.")]
Portfolios = Annotated[
    list[Path],
    typer.Option(
        "--portfolio",
        envvar="SEGUE_PORTFOLIO",
        help=f"Portfolio file; several times to merge several. In SEGUE_PORTFOLIO separated by {os.pathsep!r}.",
        show_default=False,
    ),
]


class LogLevel(StrEnum):
    """How much is logged, on standard error."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


Level = Annotated[LogLevel, typer.Option("--log-level", envvar="SEGUE_LOG_LEVEL")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        envvar="SEGUE_DATABASE_URL",
        help="PostgreSQL instead of SQLite in the data directory.",
        show_default=False,
    ),
]
