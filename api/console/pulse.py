"""When something has happened, for pages that show what is. Start with `Pulse.beats`.

Every commit of this process is a beat; what other processes do on a shared database shows with the next slow one. Beats
are not closer together than `soonest_s`, so that a burst of events is shown as one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress


class Pulse:
    """Tells open pages that they may be out of date."""

    def __init__(self, *, soonest_s: float = 0.15, slowest_s: float = 2.0) -> None:
        self._soonest_s = soonest_s
        self._slowest_s = slowest_s
        self._waiting: set[asyncio.Event] = set()
        self.number = 0
        """Of the last beat."""

    def beat(self) -> None:
        """Something was committed. Costs next to nothing where nobody looks."""
        self.number += 1
        for one in self._waiting:
            one.set()

    async def beats(self) -> AsyncGenerator[None, None]:
        """At once, then whenever something has happened, or may have elsewhere."""
        news = asyncio.Event()
        self._waiting.add(news)
        try:
            while True:
                news.clear()
                yield
                await asyncio.sleep(self._soonest_s)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._slowest_s):
                        await news.wait()
        finally:
            self._waiting.discard(news)
