"""A thread that writes to PostgreSQL: what waits together is committed together. Start with `Lane.submit`.

When one of them fails, or the database ends the transaction, all are rolled back and each is run again by itself, so
that none takes another with it: works are functions of the connection alone.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from agent.store.jobs import Job, Waiting, resolve
from agent.store.kept import KeptConnection

DEADLOCK = ("40P01", "40001")
DEADLOCKS = 3

T = TypeVar("T")


def transaction(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Run `work` in one transaction of its own, again where PostgreSQL ended one of two that waited for each other."""
    for _ in range(DEADLOCKS):
        try:
            with engine.begin() as connection:
                return work(connection)
        except OperationalError as error:
            if not is_deadlock(error):
                raise
    with engine.begin() as connection:
        return work(connection)


def is_deadlock(error: Exception) -> bool:
    """Whether nothing is wrong but that two waited for each other."""
    return isinstance(error, OperationalError) and getattr(error.orig, "sqlstate", None) in DEADLOCK


class Lane:
    """One writer. Urgent works go first, a few at a time, and never starve the others."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._kept = KeptConnection(engine)
        self._waiting = Waiting()
        self._ready = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def submit(self, work: Callable[[Connection], Any], *, urgent: bool) -> Any:
        """Run `work` in a transaction that is on disk when this returns; a cancelled caller abandons nothing."""
        with self._ready:
            if self._closed:
                raise RuntimeError("the store is closed")
            job = self._waiting.add(work, urgent=urgent)
            self._ready.notify()
        return await job.future

    async def aclose(self) -> None:
        """Finish what was handed in."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._ready:
            self._closed = True
            self._ready.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._ready:
                while not (self._waiting or self._closed):
                    self._ready.wait()
                if not self._waiting:
                    self._kept.close()
                    return
            self._commit_some()

    def _commit_some(self) -> None:
        first = self._waiting.next(0)
        if first is None:
            return
        jobs = [first]
        try:
            with self._kept.use() as connection, connection.begin():
                self._waiting.run(connection, jobs)
        except Exception as error:  # noqa: BLE001  whoever waits is told
            self._one_by_one(jobs, error)
        _tell(jobs)

    def _one_by_one(self, jobs: Sequence[Job], error: Exception) -> None:
        if len(jobs) == 1 and not is_deadlock(error):
            jobs[0].error = error
            return
        for job in jobs:
            try:
                job.result = transaction(self._engine, job.work)
            except Exception as again:  # noqa: BLE001
                job.error = again


def _tell(jobs: Sequence[Job]) -> None:
    """Answer all callers of a loop at once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        by_loop.setdefault(job.future.get_loop(), []).append(job)
    for loop, told in by_loop.items():
        try:
            loop.call_soon_threadsafe(resolve, told)
        except RuntimeError:
            # The loop is closed: nobody waits any more.
            continue
