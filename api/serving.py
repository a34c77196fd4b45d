"""What `segue serve` does once its options are read: serve, say that it is ready, and print what stands in the way."""

from __future__ import annotations

import asyncio
import os
import sys

from sqlalchemy.exc import SQLAlchemyError

from agent.directory import DataDirectoryBusy
from agent.heap import few_arenas
from agent.portfolio.mistakes import PortfolioError
from agent.portfolio.opening import find_modules_beside
from agent.service import Segue
from agent.store.database import SchemaError
from agent.wiring import Settings
from api.address import Address, CannotServe
from api.server import run_server, run_worker
from api.terminal import clean, reported
from memory.chroma import IndexUnavailable
from memory.minilm import EmbeddingError
from tools.types import SourceError

EXPECTED = (
    CannotServe,
    PortfolioError,
    SourceError,
    DataDirectoryBusy,
    SchemaError,
    IndexUnavailable,
    EmbeddingError,
    SQLAlchemyError,
    OSError,
)
"""What can be wrong at the start, each with a message that says it."""


def serve_here(settings: Settings, address: Address, *, access_log: bool, console: bool) -> None:
    """Serve until ended by a signal. An error of the start ends the command with its message."""

    def ready(segue: Segue, url: str) -> None:
        files = ", ".join(str(path) for path in settings.portfolio)
        words = (
            f"ready {url}",
            f"decided by {segue.decided_by}",
            f"portfolio {files}",
            f"memory {'on' if settings.memory else 'off'}",
            f"keys {'off' if address.keys is None else len(address.keys)}",
        )
        sys.stdout.write(clean("  ".join(words)) + "\n")
        sys.stdout.flush()

    few_arenas()
    # Behind all others, so that a portfolio's own modules are found but shadow nothing.
    find_modules_beside(settings.portfolio)
    with reported(*EXPECTED):
        asyncio.run(run_server(settings, address, ready, access_log=access_log, console=console))


def work_here(settings: Settings) -> None:
    """Handle runs until ended by a signal. An error of the start ends the command with its message."""

    def ready(segue: Segue) -> None:
        sys.stdout.write(clean(f"ready worker {os.getpid()}  decided by {segue.decided_by}") + "\n")
        sys.stdout.flush()

    few_arenas()
    find_modules_beside(settings.portfolio)
    with reported(*EXPECTED):
        asyncio.run(run_worker(settings, ready))
