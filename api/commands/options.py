"""Options that several commands share."""

# No postponed annotations here: typer reads them while the commands are made.

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
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        envvar="SEGUE_DATABASE_URL",
        help="PostgreSQL instead of SQLite in the data directory.",
        show_default=False,
    ),
]
