"""What operators pause: what it holds, for whom, how long, and what a resume releases."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, update

from agent.errors import NotFound
from agent.ids import new_id
from agent.pausing import Pauses
from agent.store import pauses as stored
from agent.store.database import Database
from agent.store.pauses import Scope
from agent.store.queue import paused
from agent.store.tables import runs
from tests.agent.company import Script, open_company
from tests.agent.letters import NOW, accepted, row_of, store

SOMEBODY_WAITS = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)"


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A store of either kind; tests use tenants of their own."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'segue.sqlite'}" if sqlite else request.getfixturevalue("postgres_url")
    async with store(url) as opened:
        yield opened


@pytest.fixture
def tenant() -> str:
    return new_id()


def a_worker(database: Database) -> Pauses:
    """One worker's view."""
    return Pauses(
        database, tools=["open_case", "pay_back"], events=["order.failed"], clock=lambda: NOW, wake=lambda: None
    )


async def hold(database: Database, run: str, held: str) -> None:
    """What a claim does to a run that may not be started."""

    def work(connection: Connection) -> None:
        connection.execute(update(runs).where(runs.c.id == run).values(held=held))

    await database.write(work)


async def hindered(database: Database, tenant: str, event_type: str, tool: str) -> str | None:
    """What a call is told just before it would be made."""
    return await database.read(lambda connection: paused(connection, tenant, event_type, tool))


async def test_each_scope_holds_what_it_names_for_its_tenant_only(database: Database, tenant: str) -> None:
    pauses = a_worker(database)
    told = partial(hindered, database)
    assert await told(tenant, "order.failed", "open_case") is None
    await pauses.pause(tenant, "tool", "open_case", by="ann", reason=None)
    assert await told(tenant, "order.failed", "open_case") == "tool:open_case"
    assert await told(tenant, "order.failed", "pay_back") is None
    await pauses.pause(tenant, "event", "order.failed", by="ann", reason=None)
    assert await told(tenant, "order.failed", "pay_back") == "event:order.failed"
    assert await told(tenant, "order.late", "pay_back") is None
    await pauses.pause(tenant, "all", "", by="ann", reason=None)
    assert await told(tenant, "order.late", "pay_back") == "all"
    assert await told("other", "order.failed", "open_case") is None
    await pauses.resume(tenant, "all", "", by="ann")
    assert await told(tenant, "order.late", "open_case") == "tool:open_case"
    assert await told(tenant, "order.late", "pay_back") is None


async def test_a_pause_that_is_repeated_or_raced_stays_the_first(database: Database, tenant: str) -> None:
    pauses = a_worker(database)
    wanted = [pauses.pause(tenant, "tool", "open_case", by=f"ann {n}", reason=f"{n}") for n in range(6)]
    told = await asyncio.gather(*wanted)
    (standing,) = await pauses.list(tenant)
    assert told == [standing] * 6
    assert standing == {
        "scope": "tool",
        "name": "open_case",
        "by": standing["by"],
        "reason": standing["by"].removeprefix("ann "),
        "since": "2026-11-02T00:00:00Z",
    }


async def test_a_resume_releases_exactly_the_queued_runs_its_pause_held(database: Database, tenant: str) -> None:
    pauses, other = a_worker(database), new_id()
    held = {
        await accepted(database, owner, f"{owner}-{number}"): reason
        for number, (owner, reason) in enumerate(
            [
                (tenant, "tool:open_case"),
                (tenant, "tool:open_case"),
                (tenant, "tool:pay_back"),
                (tenant, "all"),
                (other, "tool:open_case"),
            ]
        )
    }
    for run, reason in held.items():
        await hold(database, run, reason)
    await pauses.pause(tenant, "tool", "open_case", by="ann", reason=None)
    told = await pauses.resume(tenant, "tool", "open_case", by="ann")
    assert told == {"scope": "tool", "name": "open_case", "resumed": True, "released": 2}
    left = [(await row_of(database, run))["held"] for run in held]
    assert left == [None, None, "tool:pay_back", "all", "tool:open_case"]
    assert await pauses.resume(tenant, "tool", "open_case", by="ann") == told | {"resumed": False, "released": 0}


async def test_a_run_is_not_held_for_a_pause_that_has_ended(database: Database, tenant: str) -> None:
    pauses = a_worker(database)
    named: list[tuple[Scope, str]] = [("all", ""), ("event", "order.failed")]
    for scope, name in named:
        stands = partial(stored.stands, tenant=tenant, held=stored.held_text(scope, name))
        await pauses.pause(tenant, scope, name, by="ann", reason=None)
        assert await database.write(stands)
        await pauses.resume(tenant, scope, name, by="ann")
        assert not await database.write(stands)


async def test_a_run_held_while_its_pause_is_ended_is_released(postgres_url: str, tenant: str) -> None:
    async with store(postgres_url) as database, store(postgres_url) as another:
        pauses, run = a_worker(database), await accepted(database, tenant)
        await pauses.pause(tenant, "all", "", by="ann", reason=None)
        holding, ended = threading.Event(), threading.Event()

        def work(connection: Connection) -> None:
            assert stored.stands(connection, tenant, "all")
            holding.set()
            while not (ended.is_set() or connection.exec_driver_sql(SOMEBODY_WAITS).scalar_one()):
                pass
            connection.execute(update(runs).where(runs.c.id == run).values(held="all"))

        async def end() -> None:
            await asyncio.to_thread(holding.wait)
            await another.write(lambda connection: stored.resume(connection, tenant, "all", ""))
            ended.set()

        await asyncio.gather(database.write(work), end())
        assert (await row_of(database, run))["held"] is None


@pytest.mark.parametrize(
    ("scope", "name", "says"),
    [
        ("tool", "open_cas", "there is no tool 'open_cas'. Did you mean 'open_case'?"),
        ("event", "order.faild", "there is no event type 'order.faild'. Did you mean 'order.failed'?"),
        ("event", "open_case", "Use one of: order.failed."),
    ],
)
async def test_an_unknown_name_is_said_with_the_nearest(database: Database, scope: Scope, name: str, says: str) -> None:
    pauses = a_worker(database)
    with pytest.raises(NotFound) as paused:
        await pauses.pause("t", scope, name, by="ann", reason=None)
    with pytest.raises(NotFound) as resumed:
        await pauses.resume("t", scope, name, by="ann")
    assert says in str(paused.value)
    assert str(paused.value) == str(resumed.value)
    assert await pauses.list("t") == []


async def test_what_the_portfolio_no_longer_has_can_still_be_resumed(database: Database, tenant: str) -> None:
    await a_worker(database).pause(tenant, "tool", "open_case", by="ann", reason=None)
    later = Pauses(database, tools=[], events=[], clock=lambda: NOW + timedelta(days=1), wake=lambda: None)
    assert (await later.resume(tenant, "tool", "open_case", by="ann"))["resumed"]
    with pytest.raises(NotFound, match="The portfolio has no tools"):
        await later.resume(tenant, "tool", "open_case", by="ann")


async def test_a_pause_survives_a_restart_and_is_counted_and_told(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([])) as company:
        assert await company.segue.health() == {}
        await company.segue.pauses.pause("default", "tool", "pay_back", by="ann", reason="month's end")
    async with open_company(tmp_path, Script([])) as company:
        assert [one["name"] for one in await company.segue.pauses.list("default")] == ["pay_back"]
        assert (await company.segue.counts("default"))["pauses"] == 1
        assert list(await company.segue.health()) == ["pauses"]
        await company.segue.pauses.resume("default", "tool", "pay_back", by="ann")
        assert (await company.segue.counts("default"))["pauses"] == 0
        assert await company.segue.health() == {}
