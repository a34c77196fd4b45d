"""The migrations make exactly the tables the code speaks of, and a newer store is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from agent.store.database import Database, SchemaError
from agent.store.tables import metadata


async def test_a_migrated_store_has_the_tables_the_code_speaks_of(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'segue.sqlite'}"
    for _ in range(2):
        database = Database(url)
        await database.open()
        await database.aclose()
    with create_engine(url).connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []


async def test_a_store_of_a_newer_segue_is_refused_and_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'segue.sqlite'}"
    database = Database(url)
    await database.open()
    await database.write(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    await database.aclose()
    newer = Database(url)
    with pytest.raises(SchemaError, match="'9999'"):
        await newer.open()
    await newer.aclose()
    with create_engine(url).connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"
