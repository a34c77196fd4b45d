"""What many open pages show, read once for all of them. Start with `Shared.read`."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar, cast

from api.console.pulse import Pulse

MOST = 256
"""Readings that are kept, over all tenants; what was not asked for the longest goes."""
T = TypeVar("T")


class Shared:
    """The readings since the last beat."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self._kept: OrderedDict[Hashable, tuple[int, asyncio.Future[Any]]] = OrderedDict()

    async def read(self, tenant: str, what: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` gives, asked since the last beat by whoever came first; the same `what` must read the same.

        An error is told to all who wait for it, and not kept.
        """
        key, beat = (tenant, what), self._pulse.number
        kept = self._kept.get(key)
        if kept is None or kept[0] != beat or _failed(kept[1]):
            kept = (beat, asyncio.ensure_future(work()))
            self._kept[key] = kept
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        # Whoever goes away takes it from nobody else.
        return cast("T", await asyncio.shield(kept[1]))


def _failed(reading: asyncio.Future[Any]) -> bool:
    return reading.done() and (reading.cancelled() or reading.exception() is not None)
