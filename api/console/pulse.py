"""When something has happened, for pages that show what is. Start with `Pulse.beats`.

Every commit of this process is news; what other processes do on a shared database shows with the next slow beat. A beat
is for all open pages at once, and the next one comes when they have all taken it and as long again has passed: however
many pages are open, and however much happens, the server has half of its time for its work, and a burst of events is
shown as one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress


class Pulse:
    """Tells open pages that they may be out of date."""

    def __init__(self, *, soonest_s: float = 0.15, slowest_s: float = 2.0, longest_s: float = 2.0) -> None:
        """A page that takes longer than `longest_s`, as it waits for something, is not waited for."""
        self._soonest_s = soonest_s
        self._slowest_s = slowest_s
        self._longest_s = longest_s
        self._pages: set[_Page] = set()
        self._news = asyncio.Event()
        self._all_back = asyncio.Event()
        self._beating: asyncio.Task[None] | None = None
        self.number = 0
        """Of the last beat: what was read since it has all that the beat was for."""

    def beat(self) -> None:
        """Something was committed. Costs next to nothing."""
        self._news.set()

    async def beats(self) -> AsyncGenerator[None, None]:
        """At once, then whenever something has happened, or may have elsewhere."""
        page = _Page()
        self._pages.add(page)
        if self._beating is None:
            # Nobody looked, so nobody counted.
            self.number += 1
            self._news.clear()
            self._beating = asyncio.create_task(self._beat(), name="the pulse of the console")
        try:
            while True:
                yield
                page.busy = False
                self._came_back()
                await page.told.wait()
                page.told.clear()
                page.busy = True
        finally:
            self._pages.discard(page)
            self._came_back()

    def _came_back(self) -> None:
        if not any(page.busy for page in self._pages):
            self._all_back.set()

    async def _beat(self) -> None:
        """Until nobody looks any more."""
        loop = asyncio.get_running_loop()
        try:
            # Whoever opened the first page has just seen everything.
            await asyncio.sleep(self._soonest_s)
            while self._pages:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._slowest_s):
                        await self._news.wait()
                self._news.clear()
                self.number += 1
                began = loop.time()
                await self._tell()
                took = loop.time() - began
                await asyncio.sleep(max(self._soonest_s - took, took))
        finally:
            self._beating = None

    async def _tell(self) -> None:
        """Tell all pages, and wait until they have taken it."""
        self._all_back.clear()
        for page in self._pages:
            page.told.set()
            page.busy = True
        with suppress(TimeoutError):
            async with asyncio.timeout(self._longest_s):
                await self._all_back.wait()


class _Page:
    """One that looks."""

    def __init__(self) -> None:
        self.told = asyncio.Event()
        self.busy = False
        """Whether it is being brought up to date, or is about to be."""
