"""Data directories with the tables of a first start already in them: making those takes longer than most tests.

Start with `lay_out`. That a first start makes them itself is what tests of `segue serve` and of migrations look at.
"""

from __future__ import annotations

import asyncio
import atexit
import shutil
import sqlite3
import tempfile
from functools import cache
from pathlib import Path

from dbos import run_dbos_database_migrations

from agent.directory import DataDirectory
from agent.store.database import Database


async def lay_out(data: Path) -> None:
    """Put SQLite files with empty tables where nothing is yet."""
    made = await asyncio.to_thread(_made)
    if data.exists() and any(data.iterdir()):
        return
    data.mkdir(parents=True, exist_ok=True)
    for file in made:
        shutil.copy(file, data / file.name)


@cache
def _made() -> tuple[Path, ...]:
    """The files, made once by a process."""
    folder = Path(tempfile.mkdtemp(prefix="segue-fresh-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    at = DataDirectory(path=folder, lock=None)
    asyncio.run(_migrate(at.store_url))
    run_dbos_database_migrations(at.engine_url)
    files = tuple(folder.iterdir())
    for file in files:
        with sqlite3.connect(file) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        connection.close()
    return files


async def _migrate(url: str) -> None:
    database = Database(url)
    await database.open()
    await database.aclose()
