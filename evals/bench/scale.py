"""Memory and speed over many runs in one process, and over several workers. Start with `run_scale`."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.bench import postgres
from evals.bench.doors import SegueDoor
from evals.bench.errors import BenchError
from evals.bench.marks import Mark, at_most
from evals.bench.opening import host
from evals.bench.overhead import AT_ONCE
from evals.bench.overhead_command import folder, server
from evals.bench.segue_arm import PORTFOLIO
from evals.bench.serving import CLOUD_EVENT, cloud_event, serve_chroma, serve_segue
from evals.bench.store_watch import StoreWatch, watching
from evals.bench.telling import Report
from evals.bench.wire import Wire
from evals.processes import ProcessError, address, python_module

MORE_MEMORY = 1.1
"""Resident memory after all runs, beside that after a tenth of them."""
POINTS = 10
START_WITHIN_S = 60.0
WARM_S = 3.0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The command's options."""

    runs: int
    in_flight: int
    workers: Sequence[int]
    seconds: float
    database_url: str | None
    keep: Path | None


@dataclass(frozen=True, kw_only=True)
class Point:
    """What was seen when so many runs were done."""

    runs: int
    runs_per_s: float
    """Since the point before."""
    resident_mb: float
    store_mb: float

    def row(self) -> dict[str, Any]:
        """As the report shows it."""
        return {
            "what": "one process",
            "runs": self.runs,
            "workers": None,
            "runs/s": self.runs_per_s,
            "resident MB": self.resident_mb,
            "store MB": self.store_mb,
            "store kB a run": 1024 * self.store_mb / self.runs,
        }


async def run_scale(asked: Asked, progress: Callable[[str, int], None]) -> Report:
    """Measure and report. Raises `BenchError` and `ProcessError`."""
    load = os.getloadavg()[0]
    progress("starting", asked.runs)
    notes: list[str] = []
    with folder(asked.keep) as place:
        points = await many_runs(asked, place, progress)
        rows = [point.row() for point in points]
        with server(asked.database_url, wanted=True) as url:
            for count in asked.workers:
                try:
                    rows.append(await with_workers(count, asked, place, url))
                except (BenchError, ProcessError) as error:
                    notes.append(f"{count} workers: {error}")
    return Report(command="scale", rows=rows, marks=scale_marks(points), load=load, notes=notes)


def scale_marks(points: Sequence[Point]) -> tuple[Mark, ...]:
    """What the issue of the durable queue set."""
    first, last = points[0], points[-1]
    name = f"resident memory after run {last.runs:,}, beside that after run {first.runs:,}"
    return (at_most(name, MORE_MEMORY, last.resident_mb / first.resident_mb, unit=" times"),)


async def many_runs(asked: Asked, place: Path, progress: Callable[[str, int], None]) -> tuple[Point, ...]:
    """All runs through one Segue, looked at ten times."""
    data = place / "many"
    data.mkdir(parents=True, exist_ok=True)
    points: list[Point] = []
    async with (
        host("segue", data, None) as (port, process),
        Wire(address(port)) as wire,
        watching(f"sqlite:///{data / 'segue' / 'segue.sqlite'}") as watch,
    ):
        door = SegueDoor(wire=wire, watch=watch)
        done = 0
        for part in range(1, POINTS + 1):
            until = part * asked.runs // POINTS
            begin = time.perf_counter()
            await _run_all(door, range(done, until), asked.in_flight, lambda: progress("runs in one process", 1))
            took, count, done = time.perf_counter() - begin, until - done, until
            points.append(
                Point(
                    runs=until,
                    runs_per_s=count / took,
                    resident_mb=resident_mb(process.pid),
                    store_mb=_size_mb(data / "segue"),
                )
            )
        if watch.statuses() != {"done": asked.runs}:
            raise BenchError(f"not every run was done: {watch.statuses()}")
    return tuple(points)


async def _run_all(door: SegueDoor, numbers: range, in_flight: int, tell: Callable[[], None]) -> None:
    """None is in flight afterwards, so that points are alike."""
    left = iter(numbers)

    async def caller() -> None:
        for number in left:
            await door.run(f"many-{number}", AT_ONCE)
            tell()

    await asyncio.gather(*(caller() for _ in range(in_flight)))


async def with_workers(count: int, asked: Asked, place: Path, url: str | None) -> dict[str, Any]:
    """Runs per second with so many workers on PostgreSQL. Raises `BenchError` where that cannot be had."""
    if url is None:
        raise BenchError("no PostgreSQL: neither given by --database-url nor installed")
    database = postgres.new_database(url, f"segue_bench_workers_{count}")
    async with _workers(count, place / f"workers-{count}", database) as (wire, watch):
        ended = await _ended(asked.in_flight * count, asked.seconds, wire, watch)
    return {
        "what": "on postgresql",
        "runs": ended,
        "workers": count,
        "runs/s": ended / asked.seconds,
        "resident MB": None,
        "store MB": None,
        "store kB a run": None,
    }


@asynccontextmanager
async def _workers(count: int, data: Path, database: str) -> AsyncIterator[tuple[Wire, StoreWatch]]:
    """A door and so many workers on a database, each a process, all of them up."""
    async with AsyncExitStack() as stack:
        chroma = await stack.enter_async_context(serve_chroma(data))
        shared = ("--chroma-url", chroma)
        address_, _ = await stack.enter_async_context(serve_segue(data, database, *shared, "--runs-at-once", "0"))
        for number in range(count):
            own = ("--data", str(data / f"worker-{number}"))
            command = ["api", "worker", "--portfolio", str(PORTFOLIO), "--database-url", database, *shared, *own]
            await stack.enter_async_context(python_module(command, data / f"worker-{number}.log"))
        wire = await stack.enter_async_context(Wire(address_))
        watch = await stack.enter_async_context(watching(database))
        async with asyncio.timeout(START_WITHIN_S):
            while watch.workers() < count:
                await asyncio.sleep(0.1)
        yield wire, watch


async def _ended(callers: int, seconds: float, wire: Wire, watch: StoreWatch) -> int:
    """Runs that ended within so many seconds, after some to warm up; each caller sends the next when one has."""
    ended = 0
    stop = time.time() + WARM_S + seconds

    async def caller(name: int) -> None:
        nonlocal ended
        for number in itertools.count():
            if time.time() >= stop:
                return
            event = cloud_event(f"workers-{name}-{number}", tool_ms=50)
            reply = await wire.post("/v1/events", event, content_type=CLOUD_EVENT)
            closed = await watch.closed(reply.json()["accepted"][0]["run"])
            ended += stop - seconds <= closed < stop

    async with asyncio.timeout(WARM_S + seconds + START_WITHIN_S):
        await asyncio.gather(*(caller(name) for name in range(callers)))
    return ended


def resident_mb(process: int) -> float:
    """Resident memory of a process (Linux)."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError as error:
        raise BenchError(f"resident memory cannot be read here: {error}") from error
    (kilobytes,) = (int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return kilobytes / 1024


def _size_mb(path: Path) -> float:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 2**20
