"""Accepting an event comes before handling one: both need the event loop. Start with `RightOfWay.give`."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

STEPS = 16
"""Steps of running work in one round of the loop, about 2 ms each, while no event is expected."""

LATELY_S = 0.1
"""So long after an event another is expected: then one step goes on in a round."""

CROWD = 15.0
"""So many events within `LATELY_S`, the older the less, and it is as if one were being accepted all the time."""

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
        self._lately = 0.0
        """Events that arrived, each worth less by e after `LATELY_S`."""
        self._counted_at = 0.0
        self._passed = 0
        """In this round."""
        self._line: deque[asyncio.Future[None]] = deque()
        self._next: asyncio.Handle | None = None

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """An event is being accepted."""
        now = time.monotonic()
        self._lately = self._worth(now) + 1.0
        self._counted_at = now
        self._arriving += 1
        try:
            yield
        finally:
            self._arriving -= 1
            if self._line and not self._blocked():
                self._schedule(0.0)

    async def give(self) -> None:
        """Wait for one's turn to go on."""
        if not self._line and not self._blocked() and self._passed < self._steps():
            self._passed += 1
            self._schedule(0.0)
            return
        place = asyncio.get_running_loop().create_future()
        self._line.append(place)
        self._schedule(self._delay())
        await place

    def _worth(self, now: float) -> float:
        return self._lately * math.exp((self._counted_at - now) / LATELY_S)

    def _blocked(self) -> bool:
        return self._arriving > 0 or self._worth(time.monotonic()) > CROWD

    def _steps(self) -> int:
        return 1 if time.monotonic() - self._counted_at < LATELY_S else STEPS

    def _delay(self) -> float:
        return self._longest_s if self._blocked() else 0.0

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
            self._schedule(self._delay())
