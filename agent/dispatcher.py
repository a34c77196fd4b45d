"""Starts runs: the next of every subject as soon as there is one, and after a crash whatever was left.

Start with `Dispatcher`.

Order is the inbox's. Accepting, closing, parking and answering call `wake`; once a second a sweep looks at the
store itself, so that a lost wake-up costs a second and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime

from agent.durable import DbosSteps, DurableEngine
from agent.graph import End, RunGraph, Stages, build_graph, first_state
from agent.remember import Remembering
from agent.store.database import Database
from agent.store.runs import Start, claim_next, running

log = logging.getLogger(__name__)

SWEEP_S = 1.0

GRACE_S = 5.0

GOING = frozenset({"PENDING", "ENQUEUED", "DELAYED"})
"""DBOS's words for a workflow that has not ended."""

RECURSION_LIMIT = 10_000
"""Super-steps of the graph; a run is ended by its own limits long before."""


class Dispatcher:
    """Keeps up to `most` runs going."""

    def __init__(
        self,
        database: Database,
        stages: Stages,
        remembering: Remembering,
        clock: Callable[[], datetime],
        *,
        url: str,
        executor: str,
        most: int = 64,
    ) -> None:
        self._database = database
        self._stages = stages
        self._remembering = remembering
        self._clock = clock
        self._most = most
        self._engine = DurableEngine(url, self._handle, executor=executor)
        self._graph: RunGraph = build_graph(stages, DbosSteps())
        self._active: set[str] = set()
        self._wake = asyncio.Event()
        self._sweep_soon = asyncio.Event()
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []
        self.failure: str | None = None
        """Why no run can be started at the moment; None when all is well."""

    async def open(self) -> None:
        """Recover what a crash left, then keep dispatching until closed."""
        await self._engine.open()
        await self._restart()
        self._tasks = [
            asyncio.create_task(self._for_ever(self._dispatch, self._wake), name="dispatch"),
            asyncio.create_task(self._for_ever(self._sweep, self._sweep_soon), name="sweep"),
        ]

    def wake(self) -> None:
        """Something may be ready to start."""
        self._wake.set()

    def outcome_came(self) -> None:
        """An outcome waits to be joined."""
        self._sweep_soon.set()

    async def aclose(self) -> None:
        """Start nothing more and give what is in flight `GRACE_S` to end; the rest is recovered at the next start."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        with suppress(TimeoutError):
            await asyncio.wait_for(self._until_idle(), GRACE_S)
        await self._engine.aclose()

    async def _until_idle(self) -> None:
        while self._active:
            self._wake.clear()
            await self._wake.wait()

    async def _handle(self, run: str) -> str:
        self._active.add(run)
        try:
            await self._graph.ainvoke(first_state(run), {"recursion_limit": RECURSION_LIMIT})
        except Exception as error:
            # A bug or a broken store must not leave the subject blocked for ever, nor go unseen.
            log.exception("run %s failed", run)
            detail = f"{type(error).__name__}: {error}"
            await self._stages.record(run, End(status="failed", code="internal_error", detail=detail))
            return "failed"
        finally:
            self._active.discard(run)
            self.wake()
        return "ended"

    async def _dispatch(self) -> None:
        room = self._most - len(self._active)
        if room <= 0:
            return
        now = self._clock()
        claimed = await self._database.write(lambda connection: claim_next(connection, now, room))
        await self._start(claimed)

    async def _start(self, starts: Sequence[Start]) -> None:
        waiting = {start.run for start in starts}
        self._active |= waiting
        try:
            for start in starts:
                await self._engine.start(start)
                waiting.discard(start.run)
        finally:
            # Those that could not be started are still marked running: the sweep starts them.
            self._active -= waiting

    async def _sweep(self) -> None:
        await self._remembering.catch_up()
        await self._restart()
        self.wake()

    async def _restart(self) -> None:
        """Start what is marked running but has no workflow; close what has lost its own."""
        for start in await self._database.read(running):
            if start.run in self._active:
                continue
            status = await self._engine.status(start)
            if status is None:
                await self._start((start,))
            elif status not in GOING and start in await self._database.read(running):
                detail = f"its workflow {start.workflow!r} ended as {status} without closing the run"
                await self._stages.record(start.run, End(status="failed", code="internal_error", detail=detail))

    async def _for_ever(self, work: Callable[[], Awaitable[None]], wake: asyncio.Event) -> None:
        while not self._closing:
            try:
                await work()
                self.failure = None
            except Exception as error:
                # The store may be full or locked for a while; the loop must outlive it and say so.
                log.exception("dispatching failed, trying again")
                self.failure = f"{type(error).__name__}: {error}"
            with suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), SWEEP_S)
            wake.clear()
