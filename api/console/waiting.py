"""How many things wait for a person, read once for all pages that show it. Start with `WaitNumbers.of`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.operating.desk import Desk
from agent.store.waits import WaitKind
from api.console.pulse import Pulse

STALE_S = 1.0
"""What other processes did on a shared database shows after this long."""


@dataclass(frozen=True, kw_only=True)
class _Kept:
    beat: int
    at: float
    numbers: Mapping[WaitKind, int]


class WaitNumbers:
    """The numbers of every tenant, as of the last beat."""

    def __init__(self, desk: Desk, pulse: Pulse, clock: Callable[[], float]) -> None:
        """`clock` gives seconds."""
        self._desk = desk
        self._pulse = pulse
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._reading = asyncio.Lock()
        """One reads, the others take what it read."""

    async def of(self, tenant: str) -> Mapping[WaitKind, int]:
        """By kind; no older than the last commit of this process."""
        async with self._reading:
            beat, now = self._pulse.number, self._clock()
            kept = self._kept.get(tenant)
            if kept is None or kept.beat != beat or now - kept.at > STALE_S:
                kept = _Kept(beat=beat, at=now, numbers=await self._desk.wait_numbers(tenant))
                self._kept[tenant] = kept
            return kept.numbers
