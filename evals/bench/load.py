"""Runs asked for in a closed loop: so many in flight, the next when one has ended. Start with `measure`."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.bench.doors import Door, Ended
from evals.bench.errors import BenchError
from evals.bench.workload import Waits

LONGEST_RUN_S = 600.0
LOOK_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Span:
    """How long to measure: first runs that are not counted, then those that are."""

    warm_s: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What was measured of one arm at one workload."""

    waits: Waits
    in_flight: int
    runs_per_s: float
    ended: tuple[Ended, ...]
    """Those that ended while it was counted."""
    processor_ms: float | None = None
    """Processor time of the arm's process for each of them; None where nobody tells it."""

    def latency_ms(self, share: float) -> float:
        """From the request to the end."""
        return percentile([1000 * (one.ended - one.asked) for one in self.ended], share)


async def measure(door: Door, waits: Waits, in_flight: int, span: Span, name: str) -> Cell:
    """Keep that many runs in flight for as long as `span` says, and until as many have ended. Raises `BenchError`.

    Runs are counted by when they end; what is in flight at the end is waited for and not counted.
    """
    load = _Load(door, waits, f"{name}-{in_flight}-{waits.model_ms}")
    callers = [asyncio.create_task(load.call()) for _ in range(in_flight)]
    try:
        async with asyncio.timeout(span.warm_s + span.seconds + LONGEST_RUN_S):
            _, span_s = await asyncio.gather(_all(callers), load.count(span, in_flight))
    except TimeoutError as error:
        raise BenchError(f"{name}: runs did not end within {LONGEST_RUN_S:.0f} s") from error
    finally:
        for caller in callers:
            caller.cancel()
    ended, used_s = tuple(load.counted), load.processor_s
    return Cell(
        waits=waits,
        in_flight=in_flight,
        runs_per_s=len(ended) / span_s,
        ended=ended,
        processor_ms=None if used_s is None else 1000 * used_s / len(ended),
    )


async def _all(callers: Sequence[asyncio.Task[None]]) -> None:
    await asyncio.gather(*callers)


class _Load:
    """The callers of one cell, and what of it counts."""

    def __init__(self, door: Door, waits: Waits, name: str) -> None:
        self._door, self._waits, self._name = door, waits, name
        self._numbers = itertools.count()
        self._counting = False
        self._over = False
        self.counted: list[Ended] = []
        self.processor_s: float | None = None

    async def call(self) -> None:
        while not self._over:
            ended = await self._door.run(f"{self._name}-{next(self._numbers)}", self._waits)
            if self._counting:
                self.counted.append(ended)

    async def count(self, span: Span, least: int) -> float:
        """Count for the span; how many seconds it became."""
        await asyncio.sleep(span.warm_s)
        begin, used, self._counting = time.time(), processor_s(self._door.process), True
        await asyncio.sleep(span.seconds)
        while len(self.counted) < least:
            await asyncio.sleep(LOOK_S)
        end, self._counting, self._over = time.time(), False, True
        used_by_now = processor_s(self._door.process)
        if used is not None and used_by_now is not None:
            self.processor_s = used_by_now - used
        return end - begin


def processor_s(process: int | None) -> float | None:
    """Processor time that a process and its threads have used so far (Linux); None where that cannot be read."""
    try:
        told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]
