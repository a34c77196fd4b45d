"""Accepting an event comes before handling one: both need the event loop. Start with `RightOfWay.give`."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

LATELY_S = 0.1
"""While an event came so recently, another is expected, and one step of running work goes on in a round of the loop."""

STEPS = 16
"""At other times so many: about 2 ms each."""

LONGEST_S = 0.05
"""One step goes on after so long in any case: while events come without a pause, work creeps."""


class RightOfWay:
    """Lets running work go on a few steps a round of the loop, and hardly at all while events are being accepted.

    Without it, works that were committed together would all go on at once, and whatever comes in meanwhile would wait
    for all of them.
    """

    def __init__(self, longest_s: float = LONGEST_S) -> None:
        self._longest_s = longest_s
        self._arriving = 0
        self._expected_until = 0.0
        self._passed = 0
        """In this round."""
        self._line: deque[asyncio.Future[None]] = deque()
        self._next: asyncio.Handle | None = None

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """An event is being accepted."""
        self._arriving += 1
        try:
            yield
        finally:
            self._arriving -= 1
            self._expected_until = time.monotonic() + LATELY_S
            if self._arriving == 0 and self._line:
                self._schedule(0.0)

    async def give(self) -> None:
        """Wait for one's turn to go on."""
        if self._arriving == 0 and not self._line and self._passed < self._steps():
            self._passed += 1
            self._schedule(0.0)
            return
        place = asyncio.get_running_loop().create_future()
        self._line.append(place)
        self._schedule(self._longest_s if self._arriving else 0.0)
        await place

    def _steps(self) -> int:
        return 1 if self._arriving or time.monotonic() < self._expected_until else STEPS

    def _schedule(self, delay_s: float) -> None:
        """Begin another round; a sooner one takes the place of a later one."""
        loop = asyncio.get_running_loop()
        if self._next is not None:
            if delay_s or not isinstance(self._next, asyncio.TimerHandle):
                return
            self._next.cancel()
        self._next = loop.call_later(delay_s, self._round) if delay_s else loop.call_soon(self._round)

    def _round(self) -> None:
        self._next = None
        self._passed = 0
        while self._line and self._passed < self._steps():
            place = self._line.popleft()
            if not place.done():
                place.set_result(None)
                self._passed += 1
        if self._line or self._passed:
            self._schedule(self._longest_s if self._arriving else 0.0)
