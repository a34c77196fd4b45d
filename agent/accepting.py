"""From events at the door to rows of the inbox: checked, admitted, committed. Start with `Accepting.accept`."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from agent.dispatcher import Dispatcher
from agent.doors import Doer
from agent.events import OWN, EventError, RawEvent, parse_event
from agent.ids import new_id
from agent.noting import note_sent
from agent.portfolio.model import Portfolio, Queueing
from agent.pressure import Pressure
from agent.slices import Slices
from agent.store import pressure
from agent.store.database import Database
from agent.store.inbox import Accepted, EventConflict, Incoming, accept

LARGE_BATCH = 50
"""Events beyond which a batch is checked in slices, one batch after the other, and may be overtaken meanwhile."""


AT_ONCE = Queueing()

FAILURE_SHOWN_S = 10.0
"""So long a failure to store is shown if nothing else comes: some send nothing until all is said to be well."""


class BatchError(Exception):
    """Some events of a batch are not acceptable; nothing of it was stored."""

    def __init__(self, kind: Literal["invalid", "conflict"], errors: Mapping[int, str]) -> None:
        super().__init__("; ".join(f"[{index}] {error}" for index, error in errors.items()))
        self.kind = kind
        self.errors = errors


class Accepting:
    """Takes events in while there is room for their runs."""

    def __init__(
        self,
        database: Database,
        portfolio: Portfolio,
        dispatcher: Dispatcher,
        clock: Callable[[], datetime],
        *,
        max_queued: int,
    ) -> None:
        self._database = database
        self._outcomes = frozenset(portfolio.outcomes)
        self._dispatcher = dispatcher
        self._clock = clock
        self._queueing = {name: kind.queueing for name, kind in portfolio.events.items()}
        self._schemas = {
            **{name: kind.schema for name, kind in portfolio.events.items()},
            **{name: kind.schema for name, kind in portfolio.outcomes.items()},
        }
        self._pressure = Pressure(self._count, time.monotonic, most=max_queued)
        self._turn = asyncio.Lock()
        self._monotonic = time.monotonic
        self._failed: tuple[float, str] | None = None

    async def accept(self, tenant: str, batch: Sequence[RawEvent], done_by: Doer | None = None) -> tuple[Accepted, ...]:
        """Store a batch in one commit, all or nothing, and start its runs. Raises `BatchError`, `Overloaded`.

        With `done_by` somebody sends it by hand, and each new event is an act of theirs.

        A full queue still takes what adds no run: outcomes, and events that are known already. Running work gives way.
        """
        with self._database.way.arriving():
            return await self._accept(tenant, batch, done_by)

    async def _accept(self, tenant: str, batch: Sequence[RawEvent], done_by: Doer | None) -> tuple[Accepted, ...]:
        now = self._clock()
        if len(batch) > LARGE_BATCH:
            async with self._turn:
                incoming = await self._checked(batch, now, Slices())
        else:
            # Without a pause, so that small deliveries are committed in the order in which they came.
            incoming = await self._checked(batch, now, Slices(math.inf))

        def store(connection: Connection) -> tuple[Accepted, ...]:
            accepted = accept(connection, tenant, incoming, now)
            if done_by is not None:
                note_sent(connection, done_by, accepted, incoming)
            return accepted

        with self._pressure.admit(await self._new_runs(tenant, incoming)):
            try:
                accepted = await self._database.write(store, urgent=True, long=len(batch) > LARGE_BATCH)
            except EventConflict as error:
                raise BatchError("conflict", {error.index: str(error)}) from error
            except SQLAlchemyError as error:
                self._failed = (self._monotonic(), f"events cannot be stored: {type(error).__name__}: {error.args[0]}")
                raise
        self._failed = None
        self._dispatcher.wake()
        if any(one.outcome is not None for one in accepted):
            self._dispatcher.outcome_came()
        return accepted

    @property
    def failure(self) -> str | None:
        """Why the last event could not be stored, for a while; None if it could."""
        if self._failed is None or self._monotonic() - self._failed[0] > FAILURE_SHOWN_S:
            return None
        return self._failed[1]

    async def open(self) -> None:
        """Count the queue for the first time."""
        await self._pressure.queued()

    async def problems(self) -> dict[str, str]:
        """What keeps events from being taken at the moment, by part."""
        found = {"queue": await self.overload(), "store": self.failure}
        return {part: why for part, why in found.items() if why is not None}

    async def overload(self) -> str | None:
        """Why no new event is accepted at the moment; None while there is room."""
        queued = await self._pressure.queued()
        return None if queued < self._pressure.most else f"overloaded: {queued} runs are queued, as many as may be"

    async def aclose(self) -> None:
        """Count no more."""
        await self._pressure.aclose()

    async def _checked(self, batch: Sequence[RawEvent], now: datetime, slices: Slices) -> list[Incoming]:
        incoming: list[Incoming] = []
        errors: dict[int, str] = {}
        for index, raw in enumerate(batch):
            await slices.rest()
            try:
                event, body_hash = parse_event(raw, self._schemas, now)
                _check_source(event.source)
            except EventError as error:
                errors[index] = str(error)
                continue
            kind: Literal["run", "outcome"] = "outcome" if event.type in self._outcomes else "run"
            queueing = self._queueing.get(event.type, AT_ONCE)
            incoming.append(Incoming(event=event, body_hash=body_hash, kind=kind, new_id=new_id(), queueing=queueing))
        if errors:
            raise BatchError("invalid", errors)
        return incoming

    async def _new_runs(self, tenant: str, incoming: Sequence[Incoming]) -> int:
        """How many runs the batch adds, at most; looked up only where it matters."""
        names = {(one.event.source, one.event.id) for one in incoming if one.kind == "run"}
        if not names or await self._pressure.queued() + len(names) <= self._pressure.most:
            return len(names)
        return len(
            names - await self._database.read(lambda connection: pressure.known(connection, tenant, names), brief=True)
        )

    async def _count(self, most: int) -> int:
        return await self._database.read(lambda connection: pressure.count_queued(connection, most))


def _check_source(source: str) -> None:
    if source.startswith(OWN):
        raise EventError(f"source {source[:80]!r} is Segue's own: it may not begin with {OWN!r}. Name the sender.")
