"""Stores of every released schema are taken on, and a newer one is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from agent.service import GivenAnswer
from agent.store.database import Database, SchemaError
from agent.store.queries import RunFilter
from agent.store.tables import metadata
from tests.agent.company import Company, Script, call, open_company
from tests.agent.stores.restore import REVISIONS, restore, restore_on_postgres


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


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_store_of_a_released_schema_goes_on_with_all_its_runs(tmp_path: Path, revision: str) -> None:
    url = restore(revision, tmp_path / "data" / "segue.sqlite")
    await migrate(url)
    with create_engine(url).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        heads = connection.execute(text("SELECT subject FROM runs WHERE head")).scalars().all()
    assert heads == ["c-queued"]
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        await goes_on(company)


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_released_schema_on_postgresql_goes_on_the_same_way(
    tmp_path: Path, postgres_url: str, revision: str
) -> None:
    url = restore_on_postgres(revision, tmp_path, postgres_url)
    await migrate(url)
    with create_engine(url).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.execute(text("SELECT subject FROM runs WHERE head")).scalars().all() == ["c-queued"]
    async with open_company(tmp_path, Script([[call("pause_mail")]]), database_url=url) as company:
        await goes_on(company)


async def migrate(url: str) -> None:
    """Bring a store to the newest schema, and no more."""
    database = Database(url)
    await database.open()
    await database.aclose()


async def goes_on(company: Company) -> None:
    """The queued run is handled, the approval answered, the doubt settled, and the episode remembered."""
    segue = company.segue
    ids = {run["event"]["subject"]: run["id"] for run in (await segue.runs("default", RunFilter(), None, 9)).items}
    assert (await company.ended(ids["c-queued"]))["status"] == "done"
    approval = await company.approval()
    assert approval["run"] == ids["c-waits"]
    await segue.answer("default", approval["id"], GivenAnswer(approved=True))
    (unknown,) = (await segue.effects("default", "unknown", None, 9)).items
    assert unknown["run"] == ids["c-doubt"]
    await segue.settle("default", unknown["key"], state="done", result=None, reason=None, by="ann")
    for subject in ("c-waits", "c-doubt"):
        while (await segue.run("default", ids[subject]))["status"] != "done":
            await asyncio.sleep(0.02)
    assert company.ledger.of("pay_back") == [{"customer": "c-waits", "amount": 5}]
    assert company.ledger.of("book_call") == []
    assert company.ledger.of("pause_mail") == [{"customer": "c-queued", "days": 7}]
    while ids["c-done"] not in (found := await recalled(company)):
        await asyncio.sleep(0.02)
    assert found[ids["c-done"]] == {"loyalty": 1.0}
    done = await segue.run("default", ids["c-done"])
    assert done["effects"][0]["result"] == {"paused": True}
    assert done["outcomes"][0]["rewards"] == {"loyalty": 1.0}
    assert await company.send("c-queued", id="e-new", message="and now") not in ids.values()


async def recalled(company: Company) -> dict[str, dict[str, float]]:
    """Rewards of the episodes most like the first one, by run."""
    near = await company.segue.memories.search("default", "customer.upset", "my order never came", 5)
    return {episode["id"]: episode["rewards"] for episode in near}
