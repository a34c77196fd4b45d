"""Every arm of the benchmark carries the same runs out to their end."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from evals.bench import arms, postgres
from evals.bench.arms import SAVER, Arm, Asked, Place, missing
from evals.bench.doors import HostDoor, SegueDoor
from evals.bench.host import door
from evals.bench.load import Span, measure
from evals.bench.segue_arm import segue
from evals.bench.store_watch import watching
from evals.bench.wire import Wire
from evals.bench.workload import Waits
from evals.processes import free_port
from evals.worlds.kit.loopback import on_loopback

AT_ONCE = Waits(model_ms=0, tool_ms=0)
BRIEF = Span(warm_s=0.0, seconds=0.01)


@asynccontextmanager
async def served(opening: Callable[[Place], AbstractAsyncContextManager[Arm]], place: Place) -> AsyncIterator[Wire]:
    """The arm behind its real door."""
    async with opening(place) as arm, on_loopback(door(arm)) as url, Wire(url) as wire:
        yield wire


@pytest.mark.parametrize("name", ["bare", "checkpointed", "dbos", "dbos_tuned"])
async def test_an_arm_answers_when_its_runs_have_ended(tmp_path: Path, name: str) -> None:
    if name == "checkpointed" and missing(SAVER):
        pytest.skip("langgraph-checkpoint-sqlite is not installed")
    place = Place(folder=tmp_path, database_url=None)
    async with served(getattr(arms, name), place) as wire:
        cell = await measure(HostDoor(wire=wire, process=os.getpid()), AT_ONCE, 4, BRIEF, name)
    assert len(cell.ended) >= 4
    if sys.platform == "linux":
        assert cell.processor_ms is not None
        assert cell.processor_ms * len(cell.ended) < 1000 * time.process_time()
    assert cell.runs_per_s > 0
    assert cell.latency_ms(0.5) <= cell.latency_ms(0.99)


@pytest.mark.slow
async def test_arms_on_postgresql_have_a_database_each(tmp_path: Path) -> None:
    programs = postgres.binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with postgres.server(programs, free_port()) as url:
        place = Place(folder=tmp_path, database_url=postgres.new_database(url, "bench_dbos"))
        async with served(arms.dbos, place) as wire:
            cell = await measure(HostDoor(wire=wire), AT_ONCE, 2, BRIEF, "dbos")
        assert len(cell.ended) >= 2
        again = postgres.new_database(url, "bench_dbos")
        place = Place(folder=tmp_path / "segue", database_url=again)
        async with served(segue, place) as wire, watching(again) as watch:
            cell = await measure(SegueDoor(wire=wire, watch=watch), AT_ONCE, 2, BRIEF, "segue")
            assert set(watch.statuses()) == {"done"}
        assert len(cell.ended) >= 2


async def test_segue_is_watched_until_every_run_is_closed(tmp_path: Path) -> None:
    place = Place(folder=tmp_path, database_url=None)
    async with served(segue, place) as wire, watching(f"sqlite:///{tmp_path / 'segue' / 'segue.sqlite'}") as watch:
        segue_door = SegueDoor(wire=wire, watch=watch)
        cell = await measure(segue_door, AT_ONCE, 2, BRIEF, "segue")
        begun = [await segue_door.begun(one.run or "") for one in cell.ended]
        assert set(watch.statuses()) == {"done"}
    for one, begin in zip(cell.ended, begun, strict=True):
        assert one.asked < one.accepted <= one.ended
        assert one.asked < begin < one.ended


async def test_runs_wait_as_long_as_they_are_told(tmp_path: Path) -> None:
    async with arms.bare(Place(folder=tmp_path, database_url=None)) as arm:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        await arm.run(Asked(id="r-1", text="", waits=Waits(model_ms=20, tool_ms=10)))
        assert loop.time() - begin >= 0.05
