"""Long work on the event loop in short slices, between which everybody else gets a turn. Start with `Slices`.

A thread would not do: one that computes hands the interpreter over every few milliseconds only, so that each step of
everybody else would take that long.
"""

from __future__ import annotations

import asyncio
import time

SLICE_S = 0.002


class Slices:
    """The slices of one piece of work."""

    def __init__(self, slice_s: float = SLICE_S) -> None:
        self._slice_s = slice_s
        self._began = time.perf_counter()

    async def rest(self) -> None:
        """Let everybody else go on, if the slice is used up."""
        if time.perf_counter() - self._began >= self._slice_s:
            await asyncio.sleep(0)
            self._began = time.perf_counter()
