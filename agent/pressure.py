"""How much more may be accepted, so that the queue keeps within its bound. Start with `Pressure.admit`.

A full queue refuses what would make it longer, and nothing else: an event that is known already, or an outcome, is
taken at any time. Whatever was accepted stays and is handled.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

log = logging.getLogger(__name__)

STALE_S = 0.25
"""Age of a count at which it is taken anew; what this process accepted since is added to it."""
LONGEST_RETRY_S = 60
FIRST_RETRY_S = 5
"""Asked for while nothing is known of how fast the queue gets shorter."""
MEMORY = 0.7
"""Weight of what was known of the rate, against what the newest count says."""


class Overloaded(Exception):
    """The queue is full."""

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class Pressure:
    """The queue's length, known well enough without counting for every event.

    With several servers on one store each knows of the others' events a moment later: together they may go beyond the
    bound by what is accepted in that moment.
    """

    def __init__(self, count: Callable[[int], Awaitable[int]], clock: Callable[[], float], *, most: int) -> None:
        self.most = most
        self._count = count
        self._clock = clock
        """Seconds that never go back."""
        self._counted = 0
        self._counted_at: float | None = None
        self._added = 0
        """Admitted since the count, or while it was taken."""
        self._pending = 0
        """Admitted and not committed yet: no count knows of them."""
        self._left_per_s: float | None = None
        self._counting: asyncio.Task[None] | None = None

    async def queued(self) -> int:
        """How many runs are queued, or about to be; beyond the bound nobody counts on."""
        if self._counted_at is None:
            await self._recount()
        elif self._clock() - self._counted_at >= STALE_S and (self._counting is None or self._counting.done()):
            # Not waited for: accepting goes on with the older count, which is too high rather than too low.
            self._counting = asyncio.create_task(self._recount_later())
        return self._counted + self._added

    @contextmanager
    def admit(self, number: int) -> Iterator[None]:
        """Room for so many new runs while they are committed. Raises `Overloaded`; `queued` has been asked before."""
        queued = self._counted + self._added
        if number and queued + number > self.most:
            raise Overloaded(
                f"{queued} runs are queued, and the bound is {self.most}; nothing was stored, send it again later",
                self.retry_after_s(number),
            )
        self._added += number
        self._pending += number
        try:
            yield
        except BaseException:
            self._added -= number
            raise
        finally:
            self._pending -= number

    def retry_after_s(self, number: int = 1) -> int:
        """Seconds until there should be room for so many, from how fast runs left the queue lately."""
        missing = max(1, self._counted + self._added + max(number, self.most // 100) - self.most)
        if self._left_per_s is None:
            return FIRST_RETRY_S
        if self._left_per_s <= missing / LONGEST_RETRY_S:
            return LONGEST_RETRY_S
        return max(1, math.ceil(missing / self._left_per_s))

    async def aclose(self) -> None:
        """Wait for a count that is being taken."""
        if self._counting is not None:
            with suppress(asyncio.CancelledError):
                await self._counting

    async def _recount_later(self) -> None:
        try:
            await self._recount()
        except Exception:
            log.exception("the queue cannot be counted, trying again")

    async def _recount(self) -> None:
        before, added_before, pending = self._counted, self._added, self._pending
        counted = await self._count(self.most + 1)
        now = self._clock()
        # An empty queue does not say how fast it got empty.
        if self._counted_at is not None and now > self._counted_at and counted:
            left = max(0.0, (before + added_before - pending - counted) / (now - self._counted_at))
            known = self._left_per_s
            self._left_per_s = left if known is None else MEMORY * known + (1 - MEMORY) * left
        # What was pending when the count began may or may not be in it: it is counted once too often, never too rarely.
        self._counted, self._counted_at = counted, now
        self._added = self._added - added_before + pending
