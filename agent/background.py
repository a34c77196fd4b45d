"""Work that goes on beside everything else until it is closed. Start with `Background`."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress


class Background(ABC):
    """Open once; what closing cuts off must be something that can be done again."""

    _task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._for_ever())

    async def aclose(self) -> None:
        """Stop, in the middle if need be. Closing what was never opened is no error."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @abstractmethod
    async def _for_ever(self) -> None:
        """The work; outlives faults of the store and of memory."""
