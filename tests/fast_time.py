"""Time of the event loop, moved by hand: a test of ten minutes that takes none. Start with `LoopTime`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest


class LoopTime:
    """The running loop's own time, from which every timeout and wait on the loop is counted, plus what was added.

    Threads, databases and other processes keep the real time.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        real = loop.time
        self._added = 0.0
        monkeypatch.setattr(loop, "time", lambda: real() + self._added)

    async def pass_by(self, seconds: int, meanwhile: Callable[[], Awaitable[object]], *, step_s: int = 1) -> None:
        """Add seconds step by step, so that whoever wakes up in between does what he does."""
        for _ in range(0, seconds, step_s):
            self._added += step_s
            await meanwhile()
            await asyncio.sleep(0)
