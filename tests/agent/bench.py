"""The ledger by itself: a real store, one tool that answers from a list, and a clock that moves when someone waits.

Start with `open_bench`.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from agent.breaker import BreakerSettings, GuardedTools
from agent.ledger import Ledger, Patience
from agent.store.database import Database
from agent.store.decisions import Verdict, save_call
from agent.store.runs import Start
from agent.store.tables import effects, inbox, pauses, runs
from agent.types import Call
from tools.registry import ToolRegistry
from tools.types import Answer, Governance, InDoubt, JsonObject, Tool

RUN = "run"
MINE = Start(run=RUN, segment=0, owner="me")
START = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
NO_PATIENCE = Patience(attempts=1)
BUSY = InDoubt(error="HTTP 503: busy")


@dataclass
class Clock:
    """Time that passes only in `sleep`."""

    now: datetime = START
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self.waits.append(seconds)
        self.now += timedelta(seconds=seconds)


@dataclass
class OneTool:
    """A source of one tool that answers from a list, and fails when it is asked once too often."""

    tool: Tool
    answers: list[Answer | Callable[[], Any]]
    keys: list[str] = field(default_factory=list)

    async def tools(self) -> tuple[Tool, ...]:
        """The one."""
        return (self.tool,)

    async def call(self, tool: Tool, arguments: JsonObject, *, key: str) -> Answer:
        """The next answer, or what the next function gives."""
        self.keys.append(key)
        answer = self.answers.pop(0)
        if callable(answer):
            answer = await answer()
        return answer

    async def aclose(self) -> None:
        """Nothing to close."""


@dataclass
class Bench:
    """A run with calls of the tool `act`, all permitted."""

    ledger: Ledger
    guarded: GuardedTools
    tool: OneTool
    clock: Clock
    database: Database

    async def perform(self, index: int = 0) -> str:
        """Carry out one call; its state."""
        (state,) = await self.ledger.perform(MINE, 1, (index,))
        return state

    async def effect(self, index: int = 0) -> Any:
        """The effect's row; None if nothing was claimed."""
        found = select(effects).where(effects.c.key == f"{RUN}:1:{index}")
        return await self.database.read(lambda connection: connection.execute(found).one_or_none())

    async def pause(self, scope: str, name: str = "") -> None:
        """Pause everything, or the tool."""
        row = {"tenant": "default", "scope": scope, "name": name, "by": "ann", "since": START}
        await self.database.write(lambda connection: connection.execute(insert(pauses), row))

    async def resume(self) -> None:
        """End every pause."""
        await self.database.write(lambda connection: connection.execute(delete(pauses)))

    async def set_back(self, index: int = 0) -> None:
        """The effect as a crash in the middle of the call leaves it."""
        row = {"key": f"{RUN}:1:{index}", "tenant": "default", "run": RUN, "decision": 1, "position": index}
        row |= {"tool": "act", "subject": "s", "arguments": {"n": index}, "state": "claimed", "started_at": START}
        await self.database.write(lambda connection: connection.execute(insert(effects), row))


@asynccontextmanager
async def open_bench(
    folder: Path,
    answers: Sequence[Answer | Callable[[], Any]],
    *,
    governance: Governance | None = None,
    patience: Patience | None = None,
    breaker: BreakerSettings | None = None,
    calls: int = 10,
) -> AsyncIterator[Bench]:
    """Open the ledger on a store in this folder."""
    clock = Clock()
    tool = Tool(
        name="act",
        description="",
        parameters={"type": "object"},
        returns=None,
        source="one",
        governance=governance or Governance(idempotent=True),
    )
    source = OneTool(tool=tool, answers=list(answers))
    database = Database(f"sqlite:///{folder / 'store.sqlite'}")
    await database.open()
    try:
        guarded = GuardedTools(await ToolRegistry.open([source]), breaker or BreakerSettings(), clock)
        ledger = Ledger(database, guarded, clock, patience or Patience(), random.Random(7), clock.sleep)
        await database.write(lambda connection: _fill(connection, calls))
        yield Bench(ledger=ledger, guarded=guarded, tool=source, clock=clock, database=database)
    finally:
        await database.aclose()


def _fill(connection: Connection, count: int) -> None:
    same = {"tenant": "default", "subject": "s"}
    event = {"source": "/t", "id": "e", "type": "t", "time": START, "data": {}, "body_hash": "h", "received_at": START}
    connection.execute(insert(inbox), {"seq": 1, **same, **event})
    run = {"id": RUN, "seq": 1, "event_type": "t", "status": "running", "owner": MINE.owner, "created_at": START}
    connection.execute(insert(runs), run | same)
    for index in range(count):
        call = Call(tool="act", arguments={"n": index}, action="act")
        save_call(connection, RUN, 1, index, Verdict(call=call, verdict="permitted", why=None, decided_by="test"))
