"""A crowd whose action changed in its midst says what its episodes say one by one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from agent.store import changes, sources
from agent.store.tables import crowds
from memory.drift import Change
from tests.agent.pasts import TYPE, Past
from tests.agent.test_tidying import all_said, assert_same, past, scored, twins
from tests.memory.episodes import NOW


def change(action: str, days_ago: float, source: str | None = None) -> Change:
    at = NOW - timedelta(days=days_ago)
    told = {"expected": 0.9, "found": 0.2, "before": 20, "since": 6, "log_odds": 8.0}
    return Change(action=action, source=source, at=at, found_at=at + timedelta(days=1), **told)  # type: ignore[arg-type]


async def note(one: Past, found: Sequence[Change]) -> None:
    """As whoever looks for changes writes them."""

    def write(connection: Connection) -> None:
        revision = sources.revision(connection, "default")
        changes.replace_all(connection, "default", TYPE, found, revision=revision, since=None, now=NOW)

    await one.place.database.write(write)


async def told_anew(one: Past) -> int:
    """Crowds whose words stand in the store."""
    query = select(func.count()).select_from(crowds).where(crowds.c.told.is_not(None))
    return await one.place.database.read(lambda connection: connection.execute(query).scalar_one())


async def test_what_changed_half_way_counts_half_in_a_crowd_too(tmp_path: Path) -> None:
    middle = sorted(100 - number for number in range(10))[5] - 0.5
    known = [[change("call", middle)], [change("call", middle), change("call", middle - 3, "chatbot")], []]
    async with twins(tmp_path) as (tidied, kept):
        for found in known:
            before = await all_said(kept)
            for one in (tidied, kept):
                await note(one, found)
            after = await all_said(kept)
            assert any(
                scored(mine) != pytest.approx(scored(theirs)) for mine, theirs in zip(before, after, strict=True)
            )
            await assert_same(tidied, kept)
            await tidied.tidy()
            assert await told_anew(tidied) == len({one.actions[0].action for one in past()})
            await assert_same(tidied, kept)


async def test_where_a_revocation_takes_changes_back_crowds_follow_at_once(tmp_path: Path) -> None:
    async with twins(tmp_path) as (tidied, kept):
        for one in (tidied, kept):
            await note(one, [change("call", 95.5)])
        await tidied.tidy()
        for one in (tidied, kept):
            await one.revoke("/somebody")
        await assert_same(tidied, kept)
