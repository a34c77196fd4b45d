"""Figures that cost something to read: one reads for all who ask, and rests as long as it is worth. See `Rested.of`."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
LEAST_S = 1.0
REST = 8
"""A reading is followed by a rest of so many times what it took, so that a large store is not read without end."""
MOST = 1_000
"""Names kept; the one that was not asked for the longest goes first."""


@dataclass
class _Kept(Generic[T]):
    found: list[T] = field(default_factory=list)
    """What was read last; empty before anything was."""
    rests_until: float = 0.0
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


class Rested(Generic[K, T]):
    """What `read` gives by a name, as of a second ago or, where reading takes long, of some more."""

    def __init__(self, read: Callable[[K], Awaitable[T]], clock: Callable[[], float] = monotonic) -> None:
        """`clock` gives seconds."""
        self._read = read
        self._clock = clock
        self._kept: OrderedDict[K, _Kept[T]] = OrderedDict()

    async def of(self, name: K) -> T:
        """Whatever `read` raises, it raises, and keeps nothing."""
        kept = self._kept.setdefault(name, _Kept())
        self._kept.move_to_end(name)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        if kept.found and (kept.reading.locked() or self._clock() < kept.rests_until):
            return kept.found[0]
        async with kept.reading:
            if not kept.found or self._clock() >= kept.rests_until:
                began = self._clock()
                kept.found = [await self._read(name)]
                ended = self._clock()
                kept.rests_until = ended + max(LEAST_S, REST * (ended - began))
            return kept.found[0]
