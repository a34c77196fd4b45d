"""Databases that fail while Segue runs: what got a 202 comes to its end, and everybody is told what is wrong."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from agent import dispatcher
from tests.durability.faults.cuts import cut, full_disk
from tests.durability.faults.holder import hold
from tests.durability.faults.load import is_a_clear_refusal, open_door
from tests.durability.postgres import NoPostgres, Postgres


@pytest.fixture(autouse=True)
def frequent_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "SWEEP_S", 0.05)


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 22))])
async def test_statements_that_fail_at_random_lose_nothing_and_repeat_nothing(tmp_path: Path, seed: int) -> None:
    async with open_door(tmp_path) as door:
        with cut(seed, share=0.03, most=25) as cuts:
            await door.send_all(range(30))
            await door.until_done()
        assert cuts.failed
        await door.check(30)


@pytest.mark.parametrize("file", ["segue.sqlite", "engine.sqlite"])
async def test_a_file_that_another_process_holds_is_waited_for(tmp_path: Path, file: str) -> None:
    async with open_door(tmp_path) as door:
        await door.send_all(range(4))
        with hold(tmp_path / "data" / file):
            sending = asyncio.create_task(door.send_all(range(4, 12)))
            await door.get("/v1/runs")
            await asyncio.wait([sending], timeout=0.5)
        await sending
        await door.check(12)


async def test_a_full_disk_is_said_and_when_there_is_room_again_everything_goes_on(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        await door.send_all(range(4))
        with full_disk():
            sending = asyncio.create_task(door.send_all(range(4, 40), clients=8))
            while not door.refused:
                await asyncio.sleep(0.01)
            await door.until_well(lambda answer: answer.status_code == 503)
        assert "full" in door.refused[0].json()["detail"]
        await sending
        await door.check(40)


@pytest.mark.parametrize("how", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
async def test_a_locked_index_is_said_keeps_no_run_from_its_end_and_is_made_good_afterwards(
    tmp_path: Path, how: str
) -> None:
    async with open_door(tmp_path) as door:
        await door.send_all(range(2))
        await door.until_done()
        # A write that has begun would wait for the lock with the interpreter's own, and nobody could give it back.
        await door.until_indexed()
        with hold(tmp_path / "data" / "index" / "chroma.sqlite3", how):
            await door.send_all(range(2, 6))
            runs = await door.until_done()
            said = await door.until_well(lambda answer: "memory" in answer.json()["problems"])
            assert (said.status_code, said.json()["status"]) == (200, "degraded")
            shown = [await door.get(f"/v1/runs/{run['id']}") for run in runs]
            # What was searched before is searched in memory; what was not is told by the decision.
            for told in (run["decisions"][0]["degraded"] for run in shown):
                assert told is None or "held by another program" in told
            assert {run["status"] for run in shown} == {"done"}
        await door.check(6)


async def test_an_index_deleted_while_running_is_said_until_a_start_has_made_it_anew(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        await door.send_all(range(2))
        await door.until_done()
        shutil.rmtree(tmp_path / "data" / "index")
        await door.send_all(range(2, 4))
        runs = await door.until_done()
        shown = await door.get(f"/v1/runs/{runs[0]['id']}")
        assert "was deleted" in shown["decisions"][0]["degraded"]
        said = await door.until_well(lambda answer: "memory" in answer.json()["problems"])
        assert said.json()["status"] == "degraded"
        known = dict(door.runs)
    async with open_door(tmp_path) as door:
        door.runs.update(known)
        await door.send_all(range(4, 6))
        await door.check(6)


@pytest.fixture
def postgres() -> object:
    """A server that may be stopped; skips with the reason where there is none."""
    try:
        with Postgres.own() as server:
            yield server
    except NoPostgres as error:
        pytest.skip(str(error))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["fast", "immediate"])
async def test_postgresql_restarted_under_load_loses_nothing_and_repeats_nothing(
    tmp_path: Path, postgres: Postgres, how: str
) -> None:
    async with open_door(tmp_path, database_url=postgres.url) as door:
        sending = asyncio.create_task(door.send_all(range(120), clients=8))
        for _ in range(3):
            await asyncio.wait([sending], timeout=1.0)
            await asyncio.to_thread(postgres.stop, how)  # type: ignore[arg-type]
            said = await door.until_well(lambda answer: answer.status_code == 503)
            assert is_a_clear_refusal(said)
            await asyncio.to_thread(postgres.start)
        await sending
        await door.check(120)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
async def test_connections_to_postgresql_cut_at_random_lose_nothing_and_repeat_nothing(
    tmp_path: Path, postgres: Postgres, seed: int
) -> None:
    async with open_door(tmp_path, database_url=postgres.url) as door:
        with cut(seed, share=0.03, most=25) as cuts:
            await door.send_all(range(30))
            await door.until_done()
        assert cuts.failed
        await door.check(30)
