"""Who holds the data directory, and whether its store is of this Segue. A held one is not opened."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from agent.directory import LOCK, Holding, who_holds
from api.doctor.finding import Finding, Setup, failed, ok, warning
from api.doctor.revisions import judge_revision

STORE = "segue.sqlite"


def look_at_data_directory(setup: Setup) -> Iterator[Finding]:
    """The lock, and if nobody holds it the version of the store."""
    try:
        if not setup.data.is_dir():
            yield ok(f"{setup.data} is not there yet; segue serve makes it")
            return
        holding = who_holds(setup.data)
    except OSError as error:
        yield failed(
            f"{setup.data / LOCK} cannot be read: {error.strerror or error}",
            "Run as the user that Segue runs as, or use another data directory (--data).",
        )
        return
    if holding is None:
        yield ok(f"{setup.data} was never held")
    elif holding.held:
        yield _held(setup.data, holding)
        return
    else:
        yield ok(_free(setup.data, holding))
    if (setup.data / STORE).exists() and setup.database_url is None:
        yield _store(setup.data / STORE)


def _held(data: Path, holding: Holding) -> Finding:
    who = "a process that did not say its number" if holding.process is None else f"process {holding.process}"
    lives = "which runs" if _runs(holding.process) else "which is not to be seen here: another container or machine?"
    return warning(
        f"{data} is held by {who}, {lives}",
        "To serve from here, stop it first. To use it, talk to it over HTTP (--url). Or use another one (--data).",
    )


def _free(data: Path, holding: Holding) -> str:
    if holding.process is None:
        return f"{data} is free"
    if _runs(holding.process):
        return f"{data} is free; process {holding.process} held it once"
    return f"{data} is free; process {holding.process} held it last and has ended, its lock is void"


def _runs(process: int | None) -> bool:
    if process is None or not 0 < process < 2**31:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _store(file: Path) -> Finding:
    address = f"{file.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=2)) as store:
            tables = {name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            rows = store.execute("SELECT version_num FROM alembic_version").fetchall() if _VERSION in tables else []
    except sqlite3.Error as error:
        return failed(f"{file} cannot be read: {error}", "Put back a copy, or use another data directory (--data).")
    return judge_revision(str(file), rows[0][0] if rows else None)


_VERSION = "alembic_version"
