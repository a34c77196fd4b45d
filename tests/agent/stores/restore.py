"""The stored stores of released schemas, `NNNN.sql`: each a dump of a real SQLite store of that revision.

In each: `c-done` (a done run with episode, outcome and reward), `c-waits` (a pending approval), `c-doubt` (an effect
that is unknown), `c-queued` (a run that nobody has started).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, create_engine, insert, select, text

import agent.store.database
from tests.agent.conftest import empty_database

HERE = Path(__file__).parent
REVISIONS = sorted(file.stem for file in HERE.glob("*.sql"))


def restore(revision: str, file: Path) -> str:
    """Write the store of a revision to a file; its URL."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((HERE / f"{revision}.sql").read_text())
    return f"sqlite:///{file}"


def restore_on_postgres(revision: str, folder: Path, server: str) -> str:
    """The same rows in a database of their own on a server, with that revision's own schema; its URL."""
    stored = restore(revision, folder / f"{revision}.sqlite")
    url = empty_database(server, f"released_{revision}")
    config = Config()
    config.set_main_option("script_location", str(Path(agent.store.database.__file__).parent / "migrations"))
    with create_engine(url).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    source, target = MetaData(), MetaData()
    with create_engine(stored).connect() as old, create_engine(url).begin() as new:
        new.execute(text("SET TIME ZONE 'UTC'"))
        source.reflect(old)
        target.reflect(new)
        for table in target.sorted_tables:
            if table.name == "alembic_version":
                continue
            for row in old.execute(select(source.tables[table.name])).mappings():
                new.execute(insert(table), dict(row))
        new.execute(text("SELECT setval('inbox_seq_seq', (SELECT max(seq) FROM inbox))"))
    return url
