"""What episodes say is kept, and nothing that became otherwise is heard as it was before."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Connection, create_engine, text, update

from agent.reading_ahead import read_ahead
from agent.store import changes, tidy
from agent.store.crowds import CrowdReader
from agent.store.episodes import EpisodeReader
from agent.store.heard import FOLLOWED, KeptReader
from agent.store.tables import episodes as rows
from memory.drift import Change
from memory.settings import Settings
from memory.tidying import TidySettings
from memory.types import Episode
from tests.agent.conftest import new_database
from tests.agent.pasts import GOALS, TYPE, Past, open_past
from tests.memory.episodes import NOW, episode

SOURCES = ("/shop", "/desk", "/liar")
GRADERS = ("/desk", "/liar")
SOON = TidySettings(least=3, settled_s=0.0)


def fresh() -> KeptReader:
    """One that has read nothing yet."""
    return KeptReader(anew())


def anew() -> CrowdReader:
    """One that keeps nothing of what changes."""
    return CrowdReader(EpisodeReader(), Settings())


async def said(past: Past, reader: CrowdReader | KeptReader, ids: Sequence[str]) -> list[Episode]:
    """By a reader, in order of ids; of a crowd it may be any member whose event is named."""
    read = await past.place.database.read(lambda connection: reader.fetch(connection, "default", ids))
    found = [replace(one, event_id="") if one.together else one for one in read]
    return sorted(found, key=lambda one: (one.id, one.closed_at, sorted(one.rewards)))


def twins(count: int) -> list[Episode]:
    """Of three texts, two of which come again and again."""
    return [
        episode(
            f"e-{number:03}",
            "call" if number % 3 else "pause",
            text=f"it is late {number % 3 or number}",
            source=SOURCES[number % 2],
            age_days=60 - number / 10,
            declined=("refund",) if number % 17 == 0 else (),
            rewards={"satisfaction": 0.5} if number % 5 else {},
        )
        for number in range(count)
    ]


async def something(past: Past, told: Sequence[Episode], dice: random.Random) -> None:
    """Happens to the past: an outcome, a revocation, a restoration, housekeeping, a change, a replay."""
    one = dice.choice(told)
    number = dice.random()

    async def keep() -> None:
        await past.place.database.write(lambda connection: tidy.keep(connection, "default", one.id, "ann"))

    async def forget() -> None:
        def write(connection: Connection) -> None:
            tidy.forget(connection, {one.id: "for the test"}, "old", tidy.heirs(connection, [one.id]), NOW)

        await past.place.database.write(write)

    async def change() -> None:
        await past.place.database.write(lambda connection: changed(connection, one, number))

    happens: tuple[Callable[[], Awaitable[Any]], ...] = (
        lambda: past.grade(one, {"satisfaction": number}, dice.choice(GRADERS)),
        lambda: past.grade(one, {"satisfaction": number, "cost": 1 - number}),
        lambda: past.revoke(dice.choice(SOURCES)),
        lambda: past.restore(dice.choice(SOURCES)),
        past.tidy,
        keep,
        forget,
        change,
    )
    await dice.choice(happens)()


def changed(connection: Connection, one: Episode, expected: float) -> None:
    """An action of an episode turns out otherwise since it was closed."""
    found = Change(
        action="call",
        source=None,
        apart=(),
        at=one.closed_at,
        found_at=one.closed_at + timedelta(days=1),
        expected=expected,
        found=0.0,
        before=20,
        since=20,
        log_odds=9.0,
    )
    revision = connection.execute(text("SELECT coalesce(sum(changes), 0) FROM revoked_sources")).scalar_one()
    changes.replace_all(connection, "default", TYPE, [found], revision=revision, since=None, now=NOW)


@pytest.mark.parametrize("seed", range(6))
async def test_after_whatever_happens_it_says_what_one_that_reads_everything_says(tmp_path: Path, seed: int) -> None:
    dice, reader = random.Random(seed), fresh()
    async with open_past(tmp_path, SOON) as past:
        told = twins(40)
        await past.add(*told)
        ids = [one.id for one in told]
        heard = [await said(past, reader, ids)]
        await past.tidy()
        for _ in range(25):
            await something(past, told, dice)
            among = dice.sample(ids, 25)
            assert await said(past, reader, among) == await said(past, anew(), among)
            heard.append(await said(past, reader, ids))
            assert heard[-1] == await said(past, anew(), ids)
    assert any(one.together for found in heard for one in found)
    assert sum(one != other for one, other in pairwise(heard)) > 4


@pytest.fixture
async def past(tmp_path: Path) -> AsyncIterator[Past]:
    """Of one episode."""
    async with open_past(tmp_path) as opened:
        await opened.add(episode("e-1", "call"))
        yield opened


async def rewards(past: Past, reader: KeptReader) -> list[float]:
    """Of what says something."""
    return [one.rewards["satisfaction"] for one in await said(past, reader, ["e-1"])]


def file_of(past: Past) -> str:
    """Of the store."""
    return past.place.database.url.removeprefix("sqlite:///")


async def test_what_another_process_wrote_is_heard_at_once(past: Past) -> None:
    await past.grade(episode("e-1"), {"satisfaction": 0.25})
    reader = fresh()
    assert await rewards(past, reader) == [0.25]
    correct = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('UPDATE rewards SET reward = 0.75'); "
    subprocess.run([sys.executable, "-c", correct + "c.commit()", file_of(past)], check=True)  # noqa: ASYNC221
    assert await rewards(past, reader) == [0.75]
    with closing(sqlite3.connect(file_of(past))) as other:
        other.execute("DELETE FROM rewards")
        assert await rewards(past, reader) == [0.75]
        other.commit()
    assert await rewards(past, reader) == []


async def test_what_is_not_committed_is_not_heard_and_what_was_undone_leaves_nothing(past: Past) -> None:
    reader = fresh()
    await past.grade(episode("e-1"), {"satisfaction": 0.25})
    assert await rewards(past, reader) == [0.25]
    with closing(sqlite3.connect(file_of(past))) as other:
        other.execute("UPDATE rewards SET reward = 0.75")
        assert await rewards(past, reader) == [0.25]
        other.rollback()
    assert await rewards(past, reader) == [0.25]
    await past.grade(episode("e-1"), {"satisfaction": 0.5})
    assert await rewards(past, reader) == [0.5]


async def test_a_reading_that_began_earlier_brings_nothing_back(past: Past) -> None:
    await past.grade(episode("e-1"), {"satisfaction": 0.25})
    reader = fresh()

    def read(connection: Connection) -> list[float]:
        return [one.rewards["satisfaction"] for one in reader.fetch(connection, "default", ["e-1"])]

    with create_engine(past.place.database.url).connect() as early:
        # Its view is from before the outcome, and it asks only after another has heard of that.
        early.exec_driver_sql("BEGIN")
        early.execute(text("SELECT count(*) FROM rewards")).all()
        await past.grade(episode("e-1"), {"satisfaction": 0.75})
        assert await rewards(past, reader) == [0.75]
        reader._kept.clear()
        assert read(early) == [0.25]
    assert await rewards(past, reader) == [0.75]


async def test_an_episode_that_became_another_is_read_anew(past: Past) -> None:
    await past.grade(episode("e-1"), {"satisfaction": 0.25})
    reader = fresh()
    (before,) = await said(past, reader, ["e-1"])
    await past.place.database.write(lambda connection: connection.execute(update(rows).values(indexed=False)))
    assert (await said(past, reader, ["e-1"]))[0] is before
    reader._reader = anew()
    await past.place.database.write(lambda connection: connection.execute(update(rows).values(trust=0.5)))
    assert (await said(past, reader, ["e-1"]))[0].trust == 0.5


async def test_more_news_than_are_followed_are_not_missed(past: Past) -> None:
    reader = fresh()
    for reward in (0.25, 0.75):
        await past.grade(episode("e-1"), {"satisfaction": reward})
        assert await rewards(past, reader) == [reward]
    with closing(sqlite3.connect(file_of(past))) as other:
        for number in range(FOLLOWED):
            other.execute("UPDATE rewards SET reward = ?", (number / FOLLOWED,))
        other.commit()
    assert await rewards(past, reader) == [(FOLLOWED - 1) / FOLLOWED]
    with closing(sqlite3.connect(file_of(past))) as other:
        other.execute("UPDATE rewards SET reward = 0.125")
        # As if the reader had slept for longer than news last.
        other.execute("DELETE FROM episode_news WHERE seq < (SELECT max(seq) FROM episode_news)")
        other.commit()
    assert await rewards(past, reader) == [0.125]


async def test_old_news_are_dropped(past: Past) -> None:
    with closing(sqlite3.connect(file_of(past))) as other:
        other.executemany("INSERT INTO episode_news (episode) VALUES (?)", [("x",)] * 10_500)
        other.commit()
        assert 10_000 <= other.execute("SELECT count(*) FROM episode_news").fetchone()[0] <= 10_101


async def test_another_tenants_episode_says_nothing_though_it_is_kept(past: Past) -> None:
    await past.grade(episode("e-1"), {"satisfaction": 0.25})
    reader = fresh()
    for _ in range(2):
        assert await rewards(past, reader) == [0.25]
        found = await past.place.database.read(lambda connection: reader.fetch(connection, "other", ["e-1"]))
        assert found == ()


async def test_what_is_kept_costs_one_statement(past: Past) -> None:
    told = [episode(f"many-{number}", "call", rewards={"satisfaction": 0.5}, text=str(number)) for number in range(50)]
    await past.add(*told)
    reader, ids = fresh(), [one.id for one in told]
    statements: list[str] = []

    def read(connection: Connection) -> int:
        cast(Any, connection.connection.driver_connection).set_trace_callback(statements.append)
        try:
            return len(reader.fetch(connection, "default", ids))
        finally:
            cast(Any, connection.connection.driver_connection).set_trace_callback(None)

    for first in (True, False):
        assert await past.place.database.read(read) == len(ids)
        assert (len(statements) == 1) is not first
        statements.clear()


async def test_on_postgresql_what_happens_is_heard_as_well(tmp_path: Path, postgres_url: str) -> None:
    async with open_past(tmp_path, database_url=new_database(postgres_url, "heard")) as past:
        await past.add(episode("e-1", "call"))
        reader = fresh()
        for reward in (0.25, 0.75):
            await past.grade(episode("e-1"), {"satisfaction": reward})
            assert await rewards(past, reader) == [reward]
        await past.revoke("/desk")
        assert await rewards(past, reader) == []


async def test_what_was_read_ahead_is_recalled_without_reading_episodes_again(tmp_path: Path) -> None:
    async with open_past(tmp_path) as past:
        told = [episode(f"e-{n}", "call", rewards={"satisfaction": 0.5}, text=f"it is late {n}") for n in range(9)]
        await past.add(*told)
        before = await past.recall("it is late")
    async with open_past(tmp_path) as past:
        assert await read_ahead(past.place.database, past.memory, GOALS) == 9
        with closing(sqlite3.connect(file_of(past))) as other:
            # Episodes are gone, and nobody was told: what was read is what is left.
            triggers = [row[0] for row in other.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
            for name in triggers:
                other.execute(f"DROP TRIGGER {name}")
            other.execute("DELETE FROM rewards")
            other.commit()
        assert await past.recall("it is late") == before
    assert len(before["call"].episodes) == 9


async def test_reading_ahead_ends_in_time_and_where_memory_cannot_be_asked(tmp_path: Path) -> None:
    async with open_past(tmp_path) as past:
        await past.add(episode("e-1", "call", rewards={"satisfaction": 0.5}))
        assert await read_ahead(past.place.database, past.memory, GOALS, seconds=-1.0) == 0
        await past.memory._index.aclose()
        assert await read_ahead(past.place.database, past.memory, GOALS) == 0
