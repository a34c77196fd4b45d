"""A thread that writes: what waits together is committed together. Start with `Lane.submit`.

Each work runs in a savepoint of its own, so that one that fails takes nothing else with it. Where the database itself
ends the whole transaction, every work is run again by itself: works are functions of the connection alone.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine

TOGETHER_S = 0.008
"""For so long works are added to a commit before it is made."""

MOST_TOGETHER = 64


@dataclass(eq=False)
class _Job:
    work: Callable[[Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class Lane:
    """One writer. Urgent works go first, a few at a time, and never starve the others."""

    def __init__(self, engine: Engine, name: str, *, most: int = MOST_TOGETHER) -> None:
        self._engine = engine
        self._most = most
        self._urgent: deque[_Job] = deque()
        self._usual: deque[_Job] = deque()
        self._ready = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def submit(self, work: Callable[[Connection], Any], *, urgent: bool) -> Any:
        """Run `work` in a transaction that is on disk when this returns; a cancelled caller abandons nothing."""
        loop = asyncio.get_running_loop()
        job = _Job(work, loop, loop.create_future())
        with self._ready:
            if self._closed:
                raise RuntimeError("the store is closed")
            (self._urgent if urgent else self._usual).append(job)
            self._ready.notify()
        return await asyncio.shield(job.future)

    def close(self) -> None:
        """Finish what was handed in; blocks."""
        with self._ready:
            self._closed = True
            self._ready.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._ready:
                while not (self._urgent or self._usual or self._closed):
                    self._ready.wait()
                if not (self._urgent or self._usual):
                    return
            self._commit_some()

    def _next(self, done: int) -> _Job | None:
        """Urgent ones first, but every fourth is a usual one."""
        with self._ready:
            first, second = (self._usual, self._urgent) if done % 4 == 3 else (self._urgent, self._usual)
            for waiting in (first, second):
                if waiting:
                    return waiting.popleft()
        return None

    def _commit_some(self) -> None:
        jobs: list[_Job] = []
        until = time.monotonic() + TOGETHER_S
        try:
            with self._engine.begin() as connection:
                if self._waiting == 1:
                    # Alone it needs no savepoint.
                    jobs += filter(None, [self._next(0)])
                    jobs[0].result = jobs[0].work(connection)
                    return
                while len(jobs) < self._most and (not jobs or time.monotonic() < until):
                    job = self._next(len(jobs))
                    if job is None:
                        break
                    jobs.append(job)
                    _attempt(job, connection)
        except Exception as error:  # noqa: BLE001  whoever waits is told
            self._one_by_one(jobs, error)
        finally:
            # After the commit, also where the block returns early.
            _tell(jobs)

    @property
    def _waiting(self) -> int:
        return len(self._urgent) + len(self._usual)

    def _one_by_one(self, jobs: Sequence[_Job], error: BaseException) -> None:
        if len(jobs) <= 1:
            for job in jobs:
                job.error = job.error or error
            return
        for job in jobs:
            job.error = None
            try:
                with self._engine.begin() as connection:
                    job.result = job.work(connection)
            except Exception as again:  # noqa: BLE001
                job.error = again


def _attempt(job: _Job, connection: Connection) -> None:
    """Run one work; its failure is its own unless the transaction is gone with it."""
    savepoint = connection.begin_nested()
    try:
        job.result = job.work(connection)
        savepoint.commit()
    except Exception as error:  # noqa: BLE001
        job.error = error
        savepoint.rollback()


def _tell(jobs: Sequence[_Job]) -> None:
    """Answer all callers of a loop at once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, told in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, told)
        except RuntimeError:
            # The loop is closed: nobody waits any more.
            continue


def _resolve(jobs: Sequence[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
