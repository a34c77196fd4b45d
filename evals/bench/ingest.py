"""`segue bench ingest`: how fast events are accepted while work piles up. Start with `run_ingest`."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.bench.errors import BenchError
from evals.bench.load import percentile
from evals.bench.marks import Mark, at_least, at_most
from evals.bench.overhead_command import folder
from evals.bench.serving import CLOUD_EVENT, cloud_event, serve_nothing, serve_segue
from evals.bench.store_watch import StoreWatch, watching
from evals.bench.telling import Report
from evals.bench.wire import Wire

ACCEPTED_P99_MS = 25.0
BURST_PER_S = 500.0
LATEST_S = 60.0
"""How long after the last event its answer may come."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The command's options."""

    rate: float
    seconds: float
    hold_s: float
    burst: int
    clients: int
    keep: Path | None


@dataclass(frozen=True, kw_only=True)
class Load:
    """What one load saw."""

    what: str
    server: str
    seconds: float
    answers_ms: Sequence[float]
    backlog: int | None
    """Runs not yet closed at the end; None where there are none."""

    @property
    def per_s(self) -> float:
        return len(self.answers_ms) / self.seconds

    def row(self, nothing_per_s: float | None) -> dict[str, Any]:
        """As the report shows it."""
        return {
            "load": self.what,
            "server": self.server,
            "events": len(self.answers_ms),
            "accepted/s": self.per_s,
            "p50 ms": percentile(self.answers_ms, 0.5),
            "p99 ms": percentile(self.answers_ms, 0.99),
            "most ms": max(self.answers_ms),
            "backlog": self.backlog,
            "x empty route": None if not nothing_per_s else self.per_s / nothing_per_s,
        }


async def run_ingest(asked: Asked, progress: Callable[[str, int], None]) -> Report:
    """Measure and report. Raises `BenchError` and `ProcessError`."""
    load = os.getloadavg()[0]
    steady = round(asked.rate * asked.seconds)
    progress("starting", 2 * steady + 2 * asked.burst)
    with folder(asked.keep) as place:
        async with serve_nothing(place) as url, Wire(url) as wire:
            nothing = await burst(wire, asked, progress, "empty route")
        async with _served(place / "holding") as (wire, watch):
            held = await at_rate(wire, watch, asked, progress, "steady, tools hold", round(1000 * asked.hold_s))
        async with _served(place / "busy") as (wire, watch):
            busy = await at_rate(wire, watch, asked, progress, "steady, tools answer", 0)
        async with _served(place / "burst") as (wire, watch):
            burst_load = await burst(wire, asked, progress, "segue serve", watch)
    loads = (nothing, burst_load, held, busy)
    rows = [one.row(nothing.per_s if one.what == "burst" else None) for one in loads]
    return Report(command="ingest", rows=rows, marks=ingest_marks(held, busy, burst_load), load=load)


def ingest_marks(held: Load, busy: Load, burst_load: Load) -> tuple[Mark, ...]:
    """What the issue of the durable queue set."""
    return (
        *(
            at_most(f"p99 of the 202, {one.what}", ACCEPTED_P99_MS, percentile(one.answers_ms, 0.99), unit=" ms")
            for one in (held, busy)
        ),
        at_least("accepted in a burst", BURST_PER_S, burst_load.per_s, unit="/s"),
    )


async def at_rate(
    wire: Wire, watch: StoreWatch, asked: Asked, progress: Callable[[str, int], None], what: str, tool_ms: int
) -> Load:
    """One event each `1 / rate` seconds, whatever the answers do; times count from when an event was due."""
    took: list[float] = []
    loop = asyncio.get_running_loop()
    begin = loop.time()

    async def send(number: int, due: float) -> None:
        await _accepted(wire, cloud_event(f"{what[-5:]}-{number}", tool_ms=tool_ms))
        took.append(1000 * (loop.time() - due))
        progress(what, 1)

    async with asyncio.timeout(asked.seconds + LATEST_S), asyncio.TaskGroup() as group:
        for number in range(round(asked.rate * asked.seconds)):
            due = begin + number / asked.rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            group.create_task(send(number, due))
    return Load(
        what=what, server="segue serve", seconds=loop.time() - begin, answers_ms=took, backlog=_backlog(watch, took)
    )


async def burst(
    wire: Wire, asked: Asked, progress: Callable[[str, int], None], server: str, watch: StoreWatch | None = None
) -> Load:
    """Every client sends one event after the other, until all are accepted."""
    took: list[float] = []
    numbers = iter(range(asked.burst))

    async def client() -> None:
        for number in numbers:
            asked_at = time.perf_counter()
            await _accepted(wire, cloud_event(f"burst-{number}", tool_ms=0))
            took.append(1000 * (time.perf_counter() - asked_at))
            progress(f"burst, {server}", 1)

    begin = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(asked.clients)))
    seconds = time.perf_counter() - begin
    backlog = None if watch is None else _backlog(watch, took)
    return Load(what="burst", server=server, seconds=seconds, answers_ms=took, backlog=backlog)


async def _accepted(wire: Wire, event: dict[str, Any]) -> None:
    reply = await wire.post("/v1/events", event, content_type=CLOUD_EVENT)
    if reply.status != 202:
        raise BenchError(f"an event was answered with {reply.status}: {reply.body[:500].decode(errors='replace')}")


def _backlog(watch: StoreWatch, accepted: Sequence[float]) -> int:
    """Runs still open; what got a 202 and is not in the store would be the worst of all figures."""
    statuses = watch.statuses()
    if sum(statuses.values()) != len(accepted):
        raise BenchError(f"{len(accepted)} events were accepted, but the store has {statuses}")
    return statuses.get("queued", 0) + statuses.get("running", 0)


@asynccontextmanager
async def _served(place: Path) -> AsyncIterator[tuple[Wire, StoreWatch]]:
    async with (
        serve_segue(place) as (url, _),
        Wire(url) as wire,
        watching(f"sqlite:///{place / 'segue' / 'segue.sqlite'}") as watch,
    ):
        # The first requests open connections and load what is loaded late.
        for number in itertools.count():
            reply = await wire.get("/health/ready")
            if reply.status == 200 and number >= 20:
                break
        yield wire, watch
