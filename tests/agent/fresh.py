"""Data directories with the tables of a first start already in them: making those takes longer than most tests.

Start with `lay_out`. That a first start makes them itself is what tests of `segue serve` and of migrations look at.
"""

from __future__ import annotations

import asyncio
import atexit
import shutil
import sqlite3
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dbos import run_dbos_database_migrations
from sqlalchemy.engine import make_url

from agent.directory import DataDirectory
from agent.store.database import Database
from memory.chroma import connect, disconnect


async def lay_out(data: Path) -> None:
    """Put SQLite files with empty tables where nothing is yet."""
    if data.exists() and any(data.iterdir()):
        return
    data.mkdir(parents=True, exist_ok=True)
    made = await asyncio.to_thread(_made)
    at = DataDirectory(path=data, lock=None)
    at.index.mkdir()
    for file in (made.store, made.engine, made.index):
        shutil.copy(file, data / file.relative_to(made.folder))


async def lay_out_store(url: str) -> None:
    """The same for our own tables alone, wherever their file is to be; nothing where the URL is PostgreSQL's."""
    asked = make_url(url)
    if asked.get_backend_name() == "sqlite" and asked.database and not Path(asked.database).exists():
        made = await asyncio.to_thread(_made)
        shutil.copy(made.store, asked.database)


@dataclass(frozen=True, kw_only=True)
class _Made:
    """The files of a first start."""

    folder: Path
    store: Path
    engine: Path
    index: Path


@cache
def _made() -> _Made:
    """Made once by a process."""
    folder = Path(tempfile.mkdtemp(prefix="segue-fresh-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    at = DataDirectory(path=folder, lock=None)
    make_tables(at.store_url, at.engine_url)
    disconnect(connect(at.index))
    return _Made(folder=folder, store=_file(at.store_url), engine=_file(at.engine_url), index=at.index_file)


def _file(url: str) -> Path:
    path = Path(make_url(url).database or "")
    # DBOS's migrations alone leave it without.
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    return path


def make_tables(store: str, engine: str) -> None:
    """Ours and DBOS's at these URLs, which may be one for both on PostgreSQL."""
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(lambda: asyncio.run(_migrate(store))).result()
    run_dbos_database_migrations(engine)


async def _migrate(url: str) -> None:
    database = Database(url)
    await database.open()
    await database.aclose()
