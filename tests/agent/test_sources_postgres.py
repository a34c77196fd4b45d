"""Revocation on PostgreSQL, where several processes work on one store."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.judging import thumb
from agent.store import sources
from agent.store.database import Database
from agent.store.sources import Change
from memory.recall import Memory
from tests.agent.company import Script, open_company
from tests.agent.conftest import new_database
from tests.agent.sources import HONEST, LIAR, Told, found, joined_all, live, story, tell


async def test_a_revoked_source_and_an_early_outcome_go_the_same_way(tmp_path: Path, postgres_url: str) -> None:
    script, url = Script([]), new_database(postgres_url, "revoked")
    async with open_company(tmp_path, script, database_url=url) as company:
        await live(company, script, story(2))
        before = await found(company.segue)
        told = await asyncio.gather(
            *(company.segue.sources.revoke("default", LIAR, by="ann", reason=None) for _ in range(4))
        )
        assert sorted(one["changed"] for one in told) == [False, False, False, True]
        assert {event: rewards for event, _, rewards in await found(company.segue)} == {
            f"e/shop-pause_mail-{number}": {"loyalty": 0.9} for number in range(2)
        }
        await tell(company, Told(source=LIAR, id="later", subject="later", tool="book_call", message="the lamp"))
        assert "later" not in {event for event, _, _ in await found(company.segue)}
        await company.segue.sources.restore("default", LIAR, by="ann", reason=None)
        assert {event for event, _, _ in await found(company.segue)} == {event for event, _, _ in before} | {"later"}
        await tell(company, Told(source=HONEST, id="o-early", subject="early", loyalty=0.3))
        await joined_all(company.segue)
        run = await tell(company, Told(source=HONEST, id="early", subject="early", message="the lamp"))
        while not (await company.segue.run("default", run))["outcomes"]:
            await asyncio.sleep(0.02)
        up = thumb("up", None, id=None, by="ann")
        given = await asyncio.gather(*(company.segue.judging.outcome("default", run, up) for _ in range(4)))
        assert sorted(one["duplicate"] for one in given) == [False, True, True, True]


async def test_what_another_process_revoked_is_unheard_here_and_leaves_its_tail(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, url = Script([]), new_database(postgres_url, "elsewhere")
    flush = Memory.flush

    async def waits(self: Memory) -> tuple[str, ...]:
        return ()

    monkeypatch.setattr(Memory, "flush", waits)
    async with open_company(tmp_path, script, database_url=url) as company:
        await live(company, script, story(2))
        memory = company.segue.memories._memory
        assert memory.tail_size == 6
        other = Database(url)
        await other.open()
        change = Change(tenant="default", source=LIAR, by="ann", reason=None, at=datetime.now(UTC))
        await other.write(lambda connection: sources.revoke(connection, change))
        await other.aclose()
        assert {event for event, _, _ in await found(company.segue)} == {f"e/shop-pause_mail-{n}" for n in range(2)}
        while memory.tail_size > 2:
            await asyncio.sleep(0.02)
        monkeypatch.setattr(Memory, "flush", flush)
        while memory.tail_size:
            await asyncio.sleep(0.02)
        near = await memory.search(tenant="default", event_type="customer.upset", text="my lamp is broken", k=9)
    assert len(near) == 2
