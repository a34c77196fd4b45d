"""Starts runs: the next of every subject as soon as there is one, and after a crash whatever was left.

Start with `Dispatcher`.

Order is the queue's. Accepting, closing, parking and answering call `wake`; once a second a sweep looks at the
store itself, so that a lost wake-up costs a second and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from agent.durable import DurableEngine
from agent.graph import End, RunGraph, Stages, build_graph, first_state
from agent.leases import RENEW_S, Leases
from agent.ledger import Held
from agent.portfolio.model import Queueing
from agent.remember import Remembering
from agent.situation import Prepared
from agent.store.database import Database
from agent.store.queue import Claimed, claim, give_back
from agent.store.runs import Start, Superseded, go_on, of_owner

log = logging.getLogger(__name__)

SWEEP_S = 1.0

GRACE_S = 5.0

LOST_WORKFLOWS = 20
"""How often in a row a run may be interrupted by a store that works again a second later, before it is given up."""

LEASE = "the lease"

NOT_THE_RUNS_FAULT = (OperationalError, InterfaceError, PoolTimeout)
"""The store was away or full."""

RECURSION_LIMIT = 10_000
"""Super-steps of the graph; a run is ended by its own limits long before."""


class Dispatcher:
    """Keeps up to `most` runs going; with none it only keeps memory up."""

    def __init__(
        self,
        database: Database,
        stages: Stages[Prepared],
        remembering: Remembering,
        leases: Leases,
        clock: Callable[[], datetime],
        queueing: Mapping[str, Queueing],
        *,
        url: str,
        most: int = 64,
    ) -> None:
        self._database = database
        self._stages = stages
        self._remembering = remembering
        self._leases = leases
        self._owner = leases.worker.id
        self._clock = clock
        self._queueing = queueing
        self._most = most
        self._engine = DurableEngine(url, self._handle, executor=self._owner)
        self._graph: RunGraph = build_graph(stages)
        self._active: set[Start] = set()
        """What is being started or handled."""
        self._handled: dict[Start, asyncio.Task[Any] | None] = {}
        self._lost: dict[str, int] = {}
        """How often in a row a run's workflow was over before the run was."""
        self._claiming = asyncio.Lock()
        """So that the sweep does not take a run that was just claimed for lost."""
        self._wake = asyncio.Event()
        self._outcome_came = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []
        self._failures: dict[str, str] = {}

    @property
    def failure(self) -> str | None:
        """Why runs cannot be started or memory not be kept up at the moment; None when all is well."""
        return "; ".join(self._failures.values()) or None

    @property
    def going(self) -> int:
        """Runs that are being handled here."""
        return len(self._active)

    async def open(self) -> None:
        """Take over what a crash left, then keep dispatching until closed."""
        await self._engine.open()
        await self._leases.renew()
        loops: list[tuple[str, Callable[[], Awaitable[None]], asyncio.Event, float]] = [
            ("remembering", self._remembering.catch_up, self._outcome_came, SWEEP_S),
            (LEASE, self._leases.renew, asyncio.Event(), RENEW_S),
        ]
        if self._most:
            await self._take_over()
            loops += [
                ("dispatching", self._dispatch, self._wake, SWEEP_S),
                ("the sweep", self._sweep, asyncio.Event(), SWEEP_S),
            ]
        self._tasks = [asyncio.create_task(self._for_ever(*loop)) for loop in loops]

    def wake(self) -> None:
        """Something may be ready to start."""
        self._wake.set()

    def outcome_came(self) -> None:
        """An outcome waits to be joined."""
        self._outcome_came.set()

    async def aclose(self) -> None:
        """Start nothing more and give what is in flight `GRACE_S` to end; hand over the rest."""
        self._closing = True
        if self._alarm is not None:
            self._alarm.cancel()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        with suppress(TimeoutError):
            await asyncio.wait_for(self._until_idle(), GRACE_S)
        await self._cut_off()
        try:
            await self._leases.leave()
        except NOT_THE_RUNS_FAULT as error:
            # The lease runs out by itself, or the next start takes over.
            log.warning("what is in flight could not be handed over: %s", error)
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
            await self._database.way.give()
            return await self._go(start)
        finally:
            self._handled.pop(start, None)
            self._active.discard(start)
            self.wake()

    async def _go(self, start: Start) -> str:
        try:
            await self._graph.ainvoke(first_state(start), {"recursion_limit": RECURSION_LIMIT})
        except Superseded as error:
            log.info("%s", error)
            return "left alone"
        except Held as pause:
            reason = pause.reason
            with suppress(Superseded):
                await self._database.write(lambda connection: give_back(connection, start, reason, self._clock()))
            return "held"
        except NOT_THE_RUNS_FAULT:
            # The sweep lets the run go on in its next segment, from what the store holds.
            log.exception("run %s was interrupted", start.run)
            return "interrupted"
        except Exception as error:
            # A bug must not leave the subject blocked for ever, nor go unseen.
            log.exception("run %s failed", start.run)
            await self._fail(start, f"{type(error).__name__}: {error}")
            return "failed"
        self._lost.pop(start.run, None)
        return "ended"

    async def _fail(self, start: Start, detail: str) -> None:
        with suppress(Superseded):
            await self._stages.record(start, End(status="failed", code="internal_error", detail=detail))
        self._lost.pop(start.run, None)

    async def _dispatch(self) -> None:
        room = self._most - len(self._active)
        if room <= 0 or LEASE in self._failures:
            # Who is not known to be alive takes nothing on.
            return
        await self._database.way.give()
        async with self._claiming:
            claimed = await self._database.write(lambda connection: self._claim(connection, room), urgent=True)
            self._active |= set(claimed.starts)
        self._set_alarm(claimed.look_again_at)
        await self._start(claimed.starts)

    def _claim(self, connection: Any, room: int) -> Claimed:
        return claim(connection, self._owner, self._queueing, self._clock(), room)

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

    def _set_alarm(self, moment: datetime | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if moment is not None:
            delay = max(0.0, (moment - self._clock()).total_seconds())
            if delay < SWEEP_S:
                self._alarm = asyncio.get_running_loop().call_later(delay, self.wake)

    async def _sweep(self) -> None:
        await self._take_over()
        async with self._claiming:
            mine = await self._database.read(lambda connection: of_owner(connection, self._owner), brief=True)
            lost = [start for start in mine if start not in self._active]
        for start in lost:
            await self._go_on(start)
        self.wake()

    async def _take_over(self) -> None:
        async with self._claiming:
            taken = await self._leases.take_over()
            self._active |= set(taken)
        await self._start(taken)
        for start in taken:
            log.info("run %s was taken over from a lost worker", start.run)
            await self._engine.forget(start.before)

    async def _go_on(self, lost: Start) -> None:
        """Let a run that was interrupted go on; give it up when that happens again and again."""
        times = self._lost.get(lost.run, 0) + 1
        if times > LOST_WORKFLOWS:
            await self._fail(lost, "the store interrupted it again and again")
            return
        try:
            following = await self._database.write(lambda connection: go_on(connection, lost))
        except Superseded:
            return
        self._lost[lost.run] = times
        await self._start((following,))

    async def _for_ever(
        self, name: str, work: Callable[[], Awaitable[None]], wake: asyncio.Event, every_s: float
    ) -> None:
        while not self._closing:
            try:
                await work()
                self._failures.pop(name, None)
            except Exception as error:
                # The store may be full or locked for a while; the loop must outlive it and say so.
                log.exception("%s failed, trying again", name)
                self._failures[name] = f"{name}: {type(error).__name__}: {error}"
            with suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), every_s)
            wake.clear()
