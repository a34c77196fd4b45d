"""Who follows runs at the moment, and when there is news for them. Start with `Watching`.

Nothing is written for those who follow, and where nobody does, nothing is read either. For all of them together the
store is looked at every half second, since another process may handle the run; `changed` makes that look come at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import suppress

log = logging.getLogger(__name__)

Look = Callable[[Sequence[str]], Awaitable[Mapping[str, Hashable]]]
"""From runs to a mark of each that is another one when anything about the run is."""

REST = 10
"""A look is followed by a rest of so many times what it took, so that watching never takes much of a busy store."""


class TooManyWatchers(Exception):
    """As many runs are followed as may be."""


class Watch:
    """One who follows one run."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.over = False
        """The follower went away, or Segue is closing."""
        self._news = asyncio.Event()

    async def wait(self, timeout_s: float) -> bool:
        """Whether there is news, or the end of it; False when time is up."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            return False
        # Before the rows are read, so that what changes meanwhile is news again.
        self._news.clear()
        return True

    def tell(self) -> None:
        """There is news."""
        self._news.set()

    def stop(self) -> None:
        """There will be none any more."""
        self.over = True
        self._news.set()


class Watching:
    """Tells everybody who follows a run when it has changed."""

    def __init__(self, look: Look, *, most: int = 256, every_s: float = 0.5, soonest_s: float = 0.02) -> None:
        self._look = look
        self._most = most
        self._every_s = every_s
        self._soonest_s = soonest_s
        self._watches: dict[str, set[Watch]] = {}
        self._count = 0
        self._marks: dict[str, Hashable] = {}
        self._soon = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def count(self) -> int:
        """How many follow."""
        return self._count

    def changed(self, run: str | None = None) -> None:
        """Something was committed: about this run, or about any. Costs next to nothing where nobody follows."""
        if not self._watches:
            return
        if run is None:
            self._soon.set()
        for watch in self._watches.get(run, ()) if run is not None else ():
            watch.tell()

    def begin(self, run: str) -> Watch:
        """Follow a run until `end`. Raises `TooManyWatchers`."""
        if self._closed:
            raise TooManyWatchers("Segue is closing")
        if self._count >= self._most:
            raise TooManyWatchers(f"{self._count} streams are open, as many as may be")
        watch = Watch(run)
        self._watches.setdefault(run, set()).add(watch)
        self._count += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep_looking())
        return watch

    def end(self, watch: Watch) -> None:
        """Follow no longer."""
        watch.stop()
        together = self._watches.get(watch.run, set())
        if watch not in together:
            return
        together.discard(watch)
        self._count -= 1
        if not together:
            del self._watches[watch.run]
            self._marks.pop(watch.run, None)
        if not self._watches and self._task is not None:
            self._task.cancel()
            self._task = None

    def stop(self) -> None:
        """Let every follower go, and take no more."""
        self._closed = True
        for together in self._watches.values():
            for watch in together:
                watch.stop()

    async def aclose(self) -> None:
        """Stop, and look no more."""
        self.stop()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _keep_looking(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            await self._look_once()
            await asyncio.sleep(max(self._soonest_s, REST * (clock() - began)))
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await self._soon.wait()

    async def _look_once(self) -> None:
        self._soon.clear()
        watched = tuple(self._watches)
        try:
            marks = await self._look(watched)
        except Exception:
            log.exception("followed runs cannot be looked at, trying again")
            return
        for run in watched:
            mark = marks.get(run)
            if run in self._watches and (run not in self._marks or self._marks[run] != mark):
                self._marks[run] = mark
                for watch in self._watches[run]:
                    watch.tell()
