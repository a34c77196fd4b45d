"""Named episodes are found by their names: what that costs does not grow with all there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from agent.store import episodes
from agent.store.database import Database
from agent.store.tables import inbox, outcomes, rewards
from memory.types import Episode
from tests.memory.episodes import NOW, episode

NAMED = tuple(f"e-{number:05}" for number in range(0, 400, 20))


def write(connection: Connection, numbers: range) -> None:
    """Episodes of two tenants, all of the first graded."""
    for number in numbers:
        name = f"e-{number:05}"
        episodes.write(connection, episode(name, "pause_mail"))
        episodes.write(connection, episode(f"x-{number:05}", "pause_mail", tenant="other"))
        told = {"source": "/tests", "subject": "c", "time": NOW, "data": {}, "body_hash": "", "received_at": NOW}
        connection.execute(insert(inbox).values(seq=number + 1, tenant="default", id=name, type="o", **told))
        row = {"tenant": "default", "seq": number + 1, "type": "o", "subject": "c", "state": "joined"}
        connection.execute(insert(outcomes).values(id=name, run=name, created_at=NOW, **row))
        connection.execute(insert(rewards).values(outcome=name, goal="loyalty", run=name, reward=0.5))


def steps(connection: Connection, work: Callable[[], Sequence[Episode]]) -> int:
    """Tens of steps of SQLite's machine that a reading takes."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(count, 10)
    try:
        assert [one.id for one in work()] == list(NAMED)
    finally:
        driver.set_progress_handler(None, 0)
    return counted


@pytest.mark.parametrize("how", ["recall", "by name"])
async def test_reading_named_episodes_costs_the_same_among_few_and_among_many(tmp_path: Path, how: str) -> None:
    def read(connection: Connection) -> int:
        reader = episodes.EpisodeReader()
        fetch = reader.fetch if how == "recall" else episodes.fetch
        return steps(connection, lambda: fetch(connection, "default", NAMED))

    database = Database(f"sqlite:///{tmp_path / 'segue.sqlite'}")
    try:
        await database.open()
        await database.write(lambda connection: write(connection, range(400)), long=True)
        few = await database.read(read)
        await database.write(lambda connection: write(connection, range(400, 2_400)), long=True)
        many = await database.read(read)
    finally:
        await database.aclose()
    assert many < 1.2 * few


@pytest.mark.parametrize("how", ["recall", "by name"])
async def test_named_episodes_of_another_tenant_are_not_read(tmp_path: Path, how: str) -> None:
    database = Database(f"sqlite:///{tmp_path / 'segue.sqlite'}")
    fetch = episodes.EpisodeReader().fetch if how == "recall" else episodes.fetch
    try:
        await database.open()
        await database.write(lambda connection: write(connection, range(3)))
        names = ["e-00001", "x-00001"]
        mine = await database.read(lambda connection: fetch(connection, "default", names))
        none = await database.read(lambda connection: fetch(connection, "other", ["e-00002"]))
    finally:
        await database.aclose()
    assert ([one.id for one in mine], none) == (["e-00001"], ())
