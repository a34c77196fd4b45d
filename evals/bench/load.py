"""Runs asked for in a closed loop: so many in flight, the next when one has ended. Start with `measure`."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

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
    return Cell(waits=waits, in_flight=in_flight, runs_per_s=len(load.counted) / span_s, ended=tuple(load.counted))


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

    async def call(self) -> None:
        while not self._over:
            ended = await self._door.run(f"{self._name}-{next(self._numbers)}", self._waits)
            if self._counting:
                self.counted.append(ended)

    async def count(self, span: Span, least: int) -> float:
        """Count for the span; how many seconds it became."""
        await asyncio.sleep(span.warm_s)
        begin, self._counting = time.time(), True
        await asyncio.sleep(span.seconds)
        while len(self.counted) < least:
            await asyncio.sleep(LOOK_S)
        end, self._counting, self._over = time.time(), False, True
        return end - begin


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]
