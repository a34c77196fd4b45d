"""Memory that is lost, broken or refuses: decisions go on and say so, and nothing is forgotten in the end."""

from __future__ import annotations

import asyncio
import random
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Connection, update

from agent import dispatcher
from agent.ids import new_id
from agent.service import Segue
from agent.store import episodes
from agent.store.database import Database
from agent.store.episodes import EpisodeReader
from agent.store.inbox import Incoming, accept
from agent.store.outcomes import join, new_outcomes
from agent.store.tables import runs
from agent.types import Event
from agent.wiring import Settings, rebuild_memory
from memory.scoring import Neighbour, evidence
from memory.settings import Settings as MemorySettings
from memory.types import Episode, EpisodeAction
from tests.agent.company import Company, Script, call, embedding_cache, open_company
from tests.agent.conftest import new_database

MESSAGE = "my parcel never came"


@pytest.fixture(autouse=True)
def frequent_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "SWEEP_S", 0.05)


async def remembered(company: Company, message: str = MESSAGE) -> str:
    """A run with an outcome, and the index holds it."""
    run = await company.handle("c-1", message=message)
    await company.send("c-1", id="o-1", type="customer.stayed", loyalty=1)
    while (await company.segue.memories.outcomes("default", "new", None, 9)).items or not await all_indexed(
        company.segue
    ):
        await asyncio.sleep(0.02)
    return str(run["id"])


async def all_indexed(segue: Segue) -> bool:
    # No public door tells it, and waiting for the index is what these tests are about.
    return not await segue._database.read(lambda connection: episodes.unindexed(connection, 1))


async def test_an_index_deleted_while_running_degrades_decisions_and_is_made_anew_at_the_next_start(
    tmp_path: Path,
) -> None:
    script = Script([[call("pause_mail")]])
    async with open_company(tmp_path, script) as company:
        first = await remembered(company)
        shutil.rmtree(tmp_path / "data" / "index")
        run = await company.handle("c-2", id="e-2", message="another parcel never came")
        assert run["status"] == "done"
        assert "was deleted" in run["decisions"][0]["degraded"]
    async with open_company(tmp_path, script) as company:
        while not await all_indexed(company.segue):
            await asyncio.sleep(0.02)
        run = await company.handle("c-3", id="e-3", message="the parcel never came")
    assert run["decisions"][0]["degraded"] is None
    assert script.seen[-2].evidence["pause_mail"].episodes == (first,)


@pytest.mark.parametrize("what", ["index", "index/chroma.sqlite3"])
async def test_an_index_lost_while_stopped_is_made_anew_from_the_store(tmp_path: Path, what: str) -> None:
    script = Script([[call("pause_mail")]])
    async with open_company(tmp_path, script) as company:
        first = await remembered(company)
    lost = tmp_path / "data" / what
    if lost.is_dir():
        shutil.rmtree(lost)
    else:
        lost.unlink()
    async with open_company(tmp_path, script) as company:
        while not await all_indexed(company.segue):
            await asyncio.sleep(0.02)
        await company.handle("c-2", id="e-2", message=MESSAGE)
    assert script.seen[-2].evidence["pause_mail"].episodes == (first,)


async def test_a_rebuild_that_breaks_off_loses_nothing(tmp_path: Path) -> None:
    script = Script([[call("pause_mail")]])
    async with open_company(tmp_path, script) as company:
        first = await remembered(company)

    def break_off(done: int, total: int) -> None:
        raise KeyboardInterrupt

    environment = {"SEGUE_CACHE": str(embedding_cache())}
    settings = Settings(portfolio=(tmp_path / "portfolio.yaml",), data=tmp_path / "data", environment=environment)
    with pytest.raises(KeyboardInterrupt):
        await rebuild_memory(settings, break_off)
    async with open_company(tmp_path, script) as company:
        while not await all_indexed(company.segue):
            await asyncio.sleep(0.02)
        await company.handle("c-2", id="e-2", message=MESSAGE)
    assert script.seen[-2].evidence["pause_mail"].episodes == (first,)


async def test_an_episode_memory_never_takes_does_not_fail_its_run_nor_hold_up_the_others(tmp_path: Path) -> None:
    impossible = replace(call("pause_mail"), propensity=7.0)
    script = Script([[impossible]])
    async with open_company(tmp_path, script) as company:
        assert (await company.handle("c-9", id="e-9", message=MESSAGE))["status"] == "done"
    script.entries = [[call("pause_mail")]]
    async with open_company(tmp_path, script) as company:
        first = await remembered(company)
        assert await company.segue.health() == {}
        await company.handle("c-2", id="e-2", message=MESSAGE)
    assert script.seen[-2].evidence["pause_mail"].episodes == (first,)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a new database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'segue.sqlite'}"
    return new_database(request.getfixturevalue("postgres_url"), f"memory_{uuid4().hex}")


async def test_reading_only_episodes_that_have_something_to_say_changes_no_evidence(url: str) -> None:
    database = Database(url)
    await database.open()
    dice = random.Random(3)
    ids = await written(database, dice, 60)
    reader = EpisodeReader()
    few: tuple[Episode, ...] = ()
    for _ in range(2):
        few = await database.read(lambda connection: reader.fetch(connection, "default", ids))
    every = await database.read(lambda connection: episodes.fetch(connection, "default", ids))
    await database.aclose()
    assert 0 < len(few) < len(every) == len(ids)
    near = {one: 0.5 + dice.random() / 2 for one in ids}
    told = [
        evidence(
            [Neighbour(episode=one, similarity=near[one.id]) for one in found],
            features={},
            goals={"loyalty": 1.0},
            now=datetime.now(UTC),
            settings=MemorySettings(),
        )
        for found in (few, every)
    ]
    assert told[0].keys() == told[1].keys() == {"a", "b"}
    for action, one in told[0].items():
        other = told[1][action]
        assert one.episodes == other.episodes
        assert (one.success, one.failure) == pytest.approx((other.success, other.failure), rel=1e-6)


async def test_an_episode_that_had_nothing_to_say_speaks_once_it_is_graded(url: str) -> None:
    database = Database(url)
    await database.open()
    now = datetime.now(UTC)
    episode = Episode(
        id=new_id(),
        tenant="default",
        source="/t",
        event_id="e-1",
        event_type="t",
        subject="c",
        text="t",
        features={"region": "north"},
        actions=(EpisodeAction(action="a", tool="a", decided_by="planner", propensity=1.0),),
        declined=(),
        decided_by="planner",
        closed_at=now,
    )
    reader = EpisodeReader()

    async def read() -> list[tuple[str, dict[str, float]]]:
        found = await database.read(lambda connection: reader.fetch(connection, "default", [episode.id, "none"]))
        return [(one.id, dict(one.rewards)) for one in found]

    def end(connection: Connection) -> None:
        connection.execute(update(runs).values(status="done"))

    await database.write(partial(store, events=[arriving("e-1", episode.id, "run", now)], episode=episode, reward=0))
    await database.write(end)
    assert await read() == []
    assert reader.missing("default", [episode.id]) == 0
    outcome = [arriving("o-1", new_id(), "outcome", now)]
    await database.write(partial(store, events=outcome, episode=episode, reward=0.25))
    for _ in range(2):
        assert await read() == [(episode.id, {"loyalty": 0.25})]
    await database.aclose()


async def written(database: Database, dice: random.Random, many: int) -> list[str]:
    """Episodes of all sorts; some operators' words, some rewards, most neither."""
    now = datetime.now(UTC)
    ids: list[str] = []
    for number in range(many):
        ids.append(new_id())
        events = [arriving(f"e-{number}", ids[-1], "run", now)]
        rewarded = dice.random() < 0.3
        if rewarded:
            events.append(arriving(f"o-{number}", new_id(), "outcome", now))
        episode = Episode(
            id=ids[-1],
            tenant="default",
            source="/t",
            event_id=f"e-{number}",
            event_type="t",
            subject="c",
            text="t",
            features={},
            actions=(
                EpisodeAction(
                    action=dice.choice("ab"),
                    tool="a",
                    decided_by=dice.choice(["planner", "planner", "planner", "operator"]),
                    propensity=1.0,
                ),
            ),
            declined=("b",) if dice.random() < 0.1 else (),
            decided_by="planner",
            closed_at=now - timedelta(days=dice.random() * 50),
        )
        await database.write(partial(store, events=events, episode=episode, reward=dice.random()))
    return ids


def store(connection: Connection, *, events: list[Incoming], episode: Episode, reward: float) -> None:
    """A run's event, its outcome if there is one, and its episode."""
    accept(connection, "default", events, episode.closed_at)
    episodes.write(connection, episode)
    for outcome in new_outcomes(connection, 9):
        told = {"loyalty": reward}
        join(connection, outcome, run=episode.id, graded=told, mistake=None, now=episode.closed_at)


def arriving(id: str, new: str, kind: str, now: datetime) -> Incoming:
    """An event at the door."""
    event = Event(source="/t", id=id, type="t", subject="c", time=now, data={})
    return Incoming(event=event, body_hash="", kind="outcome" if kind == "outcome" else "run", new_id=new)
