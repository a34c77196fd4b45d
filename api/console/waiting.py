"""How many things wait for a person, read once for all pages that show it. Start with `WaitNumbers.of`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.operating.desk import Desk
from agent.store.waits import WaitKind, Whose
from api.console.pulse import Pulse

STALE_S = 1.0
"""What other processes did on a shared database shows after this long."""


@dataclass(frozen=True, kw_only=True)
class _Kept:
    beat: int
    at: float
    numbers: Mapping[WaitKind, int]
    held: Mapping[tuple[str, str], int]


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

    async def of(self, tenant: str, whose: Whose | None = None) -> Mapping[WaitKind, int]:
        """By kind, of those that are asked for; no older than the last commit of this process."""
        kept = await self._read(tenant)
        if whose is None:
            return kept.numbers
        if whose.name is not None:
            return {kind: kept.held.get((kind, whose.name), 0) for kind in kept.numbers}
        held = Counter[str]()
        for (kind, _), number in kept.held.items():
            held[kind] += number
        return {kind: max(0, number - held[kind]) for kind, number in kept.numbers.items()}

    async def _read(self, tenant: str) -> _Kept:
        async with self._reading:
            beat, now = self._pulse.number, self._clock()
            kept = self._kept.get(tenant)
            if kept is None or kept.beat != beat or now - kept.at > STALE_S:
                numbers, held = await self._desk.wait_numbers(tenant), await self._desk.assigned_numbers(tenant)
                kept = self._kept[tenant] = _Kept(beat=beat, at=now, numbers=numbers, held=held)
            return kept
