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

FEW = 4.0
"""So many events lately, the older the less, do not keep running work back any further: it can keep up with them."""

SPACE_S = 0.0015
"""For each event more there is so long between two steps: rounds stay short, and what comes in waits for few."""

CROWD = 15.0
"""So many events lately, and it is as if one were being accepted all the time."""

LONGEST_S = 0.05
"""One step goes on after so long in any case: while events come without a pause, work creeps."""


class RightOfWay:
    """Lets running work go on a few steps a round of the loop, and hardly at all while events are being accepted.

    Without it, works that were committed together would all go on at once, and whatever comes in meanwhile would wait
    for all of them.
    """

    def __init__(self, longest_s: float = LONGEST_S, space_s: float = SPACE_S) -> None:
        self._longest_s = longest_s
        self._space_s = space_s
        self._arriving = 0
        self._arriving_since = 0.0
        self._lately = 0.0
        """Events that arrived, each worth less by e after `LATELY_S`."""
        self._counted_at = -math.inf
        self._passed = 0
        """In this round."""
        self._passed_at = -math.inf
        self._line: deque[asyncio.Future[None]] = deque()
        self._next: asyncio.Handle | None = None

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """An event is being accepted."""
        now = time.monotonic()
        self._lately = self._worth(now) + 1.0
        self._counted_at = now
        if not self._arriving:
            self._arriving_since = now
        self._arriving += 1
        try:
            yield
        finally:
            self._arriving -= 1
            if self._line:
                self._schedule(self._wait())

    async def give(self) -> None:
        """Wait for one's turn to go on."""
        if not self._line and self._may_pass():
            self._pass()
            self._schedule(0.0)
            return
        place = asyncio.get_running_loop().create_future()
        self._line.append(place)
        self._schedule(self._wait())
        await place

    @property
    def crowded(self) -> bool:
        """Whether so many events arrive that they had better be stored together."""
        return self._worth(time.monotonic()) > CROWD

    def _worth(self, now: float) -> float:
        return self._lately * math.exp((self._counted_at - now) / LATELY_S)

    def _may_pass(self) -> bool:
        """Whether one more step may go on now."""
        lately = time.monotonic() - self._counted_at < LATELY_S
        return self._passed < (1 if lately else STEPS) and self._wait() == 0.0

    def _wait(self) -> float:
        """Seconds until the next step may go on."""
        now = time.monotonic()
        worth = self._worth(now)
        if self._arriving:
            until = max(self._passed_at, self._arriving_since) + self._longest_s
        elif worth > CROWD:
            until = self._passed_at + self._longest_s
        else:
            until = self._passed_at + self._space_s * max(0.0, worth - FEW)
        return max(0.0, until - now)

    def _pass(self) -> None:
        self._passed += 1
        self._passed_at = time.monotonic()

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
        while self._line and self._may_pass():
            place = self._line.popleft()
            if not place.done():
                place.set_result(None)
                self._pass()
        if self._line or self._passed:
            self._schedule(self._wait())
