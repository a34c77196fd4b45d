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
from typing import Any

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from agent.durable import STEPS_DIFFER, DbosSteps, DurableEngine
from agent.graph import End, RunGraph, Stages, build_graph, first_state
from agent.remember import Remembering
from agent.store.database import Database
from agent.store.runs import Start, claim_next, is_going, next_segment, resume_clocks, running

log = logging.getLogger(__name__)

SWEEP_S = 1.0

GRACE_S = 5.0

LOST_WORKFLOWS = 5
"""How often in a row a run may lose its workflow before it is given up; the sweep comes once a second."""

UNHANDLED_S = 15.0
"""How long a workflow may be going with nobody handling it: recovery polls once a second."""

NOT_THE_RUNS_FAULT = (OperationalError, InterfaceError, PoolTimeout, *STEPS_DIFFER)
"""The store was away or full, or the workflow cannot be replayed."""

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
        self._active: set[Start] = set()
        """What is being started or handled."""
        self._handled: dict[Start, asyncio.Task[Any] | None] = {}
        self._lost: dict[str, int] = {}
        """How often in a row a run's workflow was over before the run was."""
        self._unhandled: dict[Start, float] = {}
        """Since when nobody has handled a workflow that the engine takes for going."""
        self._wake = asyncio.Event()
        self._outcome_came = asyncio.Event()
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []
        self._failures: dict[str, str] = {}

    @property
    def failure(self) -> str | None:
        """Why runs cannot be started or memory not be kept up at the moment; None when all is well."""
        return "; ".join(self._failures.values()) or None

    async def open(self) -> None:
        """Recover what a crash left, then keep dispatching until closed."""
        now = self._clock()
        await self._database.write(lambda connection: resume_clocks(connection, now))
        await self._engine.open()
        await self._restart()
        self._tasks = [
            asyncio.create_task(self._for_ever("dispatching", self._dispatch, self._wake)),
            asyncio.create_task(self._for_ever("the sweep", self._sweep, asyncio.Event())),
            asyncio.create_task(self._for_ever("remembering", self._remembering.catch_up, self._outcome_came)),
        ]

    def wake(self) -> None:
        """Something may be ready to start."""
        self._wake.set()

    def outcome_came(self) -> None:
        """An outcome waits to be joined."""
        self._outcome_came.set()

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
        await self._cut_off()
        await self._engine.aclose()

    async def _until_idle(self) -> None:
        while self._active:
            self._wake.clear()
            await self._wake.wait()

    async def _cut_off(self) -> None:
        """End what is still going, as a crash would; else it would go on without a store."""
        going = [task for task in self._handled.values() if task is not None]
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)

    async def _handle(self, start: Start) -> str:
        self._active.add(start)
        self._handled[start] = asyncio.current_task()
        try:
            return await self._go(start)
        finally:
            self._handled.pop(start, None)
            self._active.discard(start)
            self.wake()

    async def _go(self, start: Start) -> str:
        run = start.run
        if not await self._database.read(lambda connection: is_going(connection, start)):
            return "left alone"
        try:
            await self._graph.ainvoke(first_state(run), {"recursion_limit": RECURSION_LIMIT})
        except NOT_THE_RUNS_FAULT:
            # The workflow ends as failed, and the sweep lets the run go on in another from what the store holds.
            log.exception("run %s was interrupted", run)
            raise
        except Exception as error:
            # A bug must not leave the subject blocked for ever, nor go unseen.
            log.exception("run %s failed", run)
            await self._fail(run, f"{type(error).__name__}: {error}")
            return "failed"
        self._lost.pop(run, None)
        return "ended"

    async def _fail(self, run: str, detail: str) -> None:
        await self._stages.record(run, End(status="failed", code="internal_error", detail=detail))
        self._lost.pop(run, None)

    async def _dispatch(self) -> None:
        room = self._most - len(self._active)
        if room <= 0:
            return
        now = self._clock()
        claimed = await self._database.write(lambda connection: claim_next(connection, now, room))
        await self._start(claimed)

    async def _start(self, starts: Sequence[Start]) -> None:
        waiting = set(starts)
        self._active |= waiting
        try:
            for start in starts:
                await self._engine.start(start)
                waiting.discard(start)
        finally:
            # Those that could not be started are still marked running: the sweep starts them.
            self._active -= waiting

    async def _sweep(self) -> None:
        await self._restart()
        self.wake()

    async def _restart(self) -> None:
        """Start what is marked running but has no workflow, or has lost its own."""
        now = asyncio.get_running_loop().time()
        unhandled: dict[Start, float] = {}
        for start in await self._database.read(running):
            if start in self._handled:
                continue
            state = await self._engine.state(start)
            if state == "going":
                unhandled[start] = self._unhandled.get(start, now)
            if state == "absent":
                if start not in self._active:
                    await self._start((start,))
            elif state == "over" or now - unhandled[start] > UNHANDLED_S:
                await self._replace(start)
        self._unhandled = unhandled

    async def _replace(self, lost: Start) -> None:
        """Let a run whose workflow is over go on in its next segment; give it up when that happens again and again."""
        times = self._lost.get(lost.run, 0) + 1
        if times > LOST_WORKFLOWS:
            if lost in await self._database.read(running):
                await self._fail(lost.run, f"its workflow {lost.workflow!r} ended without closing the run, again")
        else:
            following = await self._database.write(lambda connection: next_segment(connection, lost))
            if following is not None:
                self._lost[lost.run] = times
                await self._start((following,))
        self._active.discard(lost)

    async def _for_ever(self, name: str, work: Callable[[], Awaitable[None]], wake: asyncio.Event) -> None:
        while not self._closing:
            try:
                await work()
                self._failures.pop(name, None)
            except Exception as error:
                # The store may be full or locked for a while; the loop must outlive it and say so.
                log.exception("%s failed, trying again", name)
                self._failures[name] = f"{name}: {type(error).__name__}: {error}"
            with suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), SWEEP_S)
            wake.clear()
