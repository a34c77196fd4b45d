"""Writes to SQLite from the event loop itself. Start with `Writer.submit`.

A statement takes microseconds there, while a thread of its own would wait for the interpreter's lock after each: up to
5 ms when the loop has much to do. A thread does only what takes long: works that say so, the commit where the disk is
slow, the begin while another program has locked the file, and checkpoints.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from agent.store.jobs import MOST_TOGETHER, Job, Waiting, resolve

log = logging.getLogger(__name__)

PATIENCE_MS = 30_000
"""So long a begin waits for another program that writes."""

SLOW_S = 0.012
"""Commits that take longer are made by the thread."""

CHECKPOINT_EACH = 64
"""Commits after which what is written is moved from the write-ahead log to the file."""

SQLITE_BUSY = 5


class Writer:
    """One writer on one connection: works that wait together are committed together.

    When one of them fails, all are rolled back and each is run again by itself: works are functions of the connection
    alone. Callbacks lead from one commit to the next; a task would cost each of them several rounds of the loop.
    """

    def __init__(self, engine: Engine, checkpoint: Callable[[], None]) -> None:
        """`checkpoint` blocks, and is called by the thread."""
        self._engine = engine
        self._checkpoint = checkpoint
        self._waiting = Waiting()
        self._again: deque[Job] = deque()
        """Those whose common transaction failed."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-commit")
        self._took_s = SLOW_S
        """The last commit; the first is made by the thread."""
        self._commits = 0
        self._was_long = False
        self._elsewhere = False
        """A transaction is in the thread's hands."""
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._closed = False

    async def submit(self, work: Callable[[Connection], Any], *, urgent: bool, long: bool, alone: bool = False) -> Any:
        """Run `work` in a transaction that is on disk when this returns; a cancelled caller abandons nothing.

        A `long` one is left to the thread, alone. One that may be `alone` is committed before anything else happens,
        where that takes no waiting: three rounds of the loop less.
        """
        if self._closed:
            raise RuntimeError("the store is closed")
        if alone and not (self._elsewhere or self._waiting.urgent) and self._took_s < SLOW_S:
            connection = self._engine.connect()
            try:
                if begins_at_once(connection):
                    result = work(connection)
                    self._commit(connection)
                    return result
            finally:
                self._give_back(connection)
        job = self._waiting.add(work, urgent=urgent, long=long)
        if self._at_rest.is_set():
            self._at_rest.clear()
            # What else is handed in in this round of the loop shares the commit.
            asyncio.get_running_loop().call_soon(self._go_on)
        return await job.future

    async def aclose(self) -> None:
        """Finish what was handed in."""
        self._closed = True
        await self._at_rest.wait()
        await asyncio.to_thread(self._thread.shutdown)

    def _go_on(self) -> None:
        # A long one after each commit of short ones, and the other way round.
        long = None if self._again or self._was_long else self._waiting.next_long()
        again = self._again.popleft() if self._again else None
        first = long or again or self._waiting.next(0)
        self._was_long = long is not None
        if first is not None:
            self._begin(first, most=1 if long or again else MOST_TOGETHER, long=long is not None)
        elif self._waiting:
            self._go_on()
        else:
            self._at_rest.set()

    def _begin(self, first: Job, *, most: int, long: bool) -> None:
        try:
            transaction = _Transaction(self._engine.connect(), [first], most)
        except Exception as error:  # noqa: BLE001  whoever waits is told
            self._tell([first], error)
            return
        if long:
            self._in_thread(transaction, lambda: self._do_all(transaction), then=self._ended)
            return
        try:
            begun = begins_at_once(transaction.connection)
        except Exception as error:  # noqa: BLE001
            self._ended(transaction, error)
            return
        if begun:
            self._run(transaction)
        else:
            self._in_thread(transaction, lambda: begin_patiently(transaction.connection), then=self._run)

    def _do_all(self, transaction: _Transaction) -> None:
        begin_patiently(transaction.connection)
        self._waiting.run(transaction.connection, transaction.jobs, transaction.most)
        self._commit(transaction.connection)

    def _run(self, transaction: _Transaction) -> None:
        try:
            self._waiting.run(transaction.connection, transaction.jobs, transaction.most)
            fast = self._took_s < SLOW_S
            if fast:
                self._commit(transaction.connection)
        except Exception as error:  # noqa: BLE001
            self._ended(transaction, error)
            return
        if fast:
            self._ended(transaction)
        else:
            self._in_thread(transaction, lambda: self._commit(transaction.connection), then=self._ended)

    def _commit(self, connection: Connection) -> None:
        begun = time.monotonic()
        connection.commit()
        self._took_s = time.monotonic() - begun

    def _in_thread(
        self, transaction: _Transaction, work: Callable[[], None], *, then: Callable[[_Transaction], None]
    ) -> None:
        """Let the thread do what may wait, then go on here."""
        loop = transaction.jobs[0].future.get_loop()
        self._elsewhere = True

        def back(following: Callable[[], None]) -> None:
            self._elsewhere = False
            following()

        def do() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001
                following: Callable[[], None] = partial(self._ended, transaction, error)
            else:
                following = partial(then, transaction)
            with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
                loop.call_soon_threadsafe(back, following)

        self._thread.submit(do)

    def _ended(self, transaction: _Transaction, error: Exception | None = None) -> None:
        self._give_back(transaction.connection)
        self._tell(transaction.jobs, error)

    def _give_back(self, connection: Connection) -> None:
        """Undo what is not committed."""
        try:
            connection.close()
        except SQLAlchemyError:
            log.exception("a transaction could not be undone, its connection is given up")
            connection.invalidate()
        self._commits += 1
        if self._commits % CHECKPOINT_EACH == 0:
            self._thread.submit(self._checkpoint)

    def _tell(self, jobs: Sequence[Job], error: Exception | None) -> None:
        if error is not None and len(jobs) > 1:
            self._again.extend(jobs)
        else:
            jobs[0].error = error
            resolve(jobs)
        # In the next round, so that whoever was told can go on first.
        jobs[0].future.get_loop().call_soon(self._go_on)


@dataclass(frozen=True)
class _Transaction:
    """One commit in the making."""

    connection: Connection
    jobs: list[Job]
    most: int


def is_busy(error: OperationalError) -> bool:
    """Whether nothing is wrong but that another program has locked the file."""
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == SQLITE_BUSY


def begins_at_once(connection: Connection) -> bool:
    """Begin to write; False when somebody else does."""
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except OperationalError as error:
        if not is_busy(error):
            raise
        connection.rollback()
        return False
    return True


def begin_patiently(connection: Connection) -> None:
    """Begin to write when others let us; blocks."""
    connection.exec_driver_sql(f"PRAGMA busy_timeout={PATIENCE_MS}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
