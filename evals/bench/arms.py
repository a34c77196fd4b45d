"""What Segue is measured beside, each in a process of its own. Start with `ARMS`; `host` serves them.

An arm is opened with a folder and the address of a database, and then handles runs until it is closed.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from evals.bench.graph import Plainly, build, first_state
from evals.bench.workload import Waits

SAVER = "langgraph.checkpoint.sqlite.aio"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One run as it is asked for."""

    id: str
    text: str
    """What the event says: what Segue embeds."""
    waits: Waits


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an arm may keep things."""

    folder: Path
    database_url: str | None
    """PostgreSQL; None: SQLite in the folder."""


class Arm(Protocol):
    """Handles runs."""

    async def run(self, asked: Asked) -> Mapping[str, Any]:
        """Carry the run out, or accept it: then the answer names it under `run`."""

    def begun(self, run: str) -> float | None:
        """When its first decision began, in seconds since the epoch; None where that is not measured."""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A compiled graph that is run to its end."""

    invoke: Callable[[Asked], Awaitable[Any]]

    async def run(self, asked: Asked) -> Mapping[str, Any]:
        """Until it has ended."""
        await self.invoke(asked)
        return {}

    def begun(self, run: str) -> float | None:
        """Not measured."""
        return None


@asynccontextmanager
async def bare(place: Place) -> AsyncIterator[Arm]:
    """LangGraph alone: nothing is kept."""
    graph = build(Plainly()).compile()
    yield Graph(invoke=lambda asked: graph.ainvoke(first_state(asked.id, asked.waits)))


@asynccontextmanager
async def checkpointed(place: Place) -> AsyncIterator[Arm]:
    """LangGraph with its SQLite checkpointer, each super-step on disk before the next one."""
    # It has no types, and is not installed where nobody measures.
    saver = importlib.import_module(SAVER).AsyncSqliteSaver
    async with saver.from_conn_string(str(place.folder / "checkpoints.sqlite")) as kept:
        graph = build(Plainly()).compile(checkpointer=kept)

        async def invoke(asked: Asked) -> Any:
            return await graph.ainvoke(
                first_state(asked.id, asked.waits), {"configurable": {"thread_id": asked.id}}, durability="sync"
            )

        yield Graph(invoke=invoke)


def dbos(place: Place) -> AbstractAsyncContextManager[Arm]:
    """LangGraph in a DBOS workflow, model calls and tool calls as its steps; on SQLite in a file in WAL mode."""
    return _dbos(place, None)


def dbos_tuned(place: Place) -> AbstractAsyncContextManager[Arm]:
    """The same with an engine of four connections that begin at once and leave a power cut to the WAL."""
    return _dbos(place, _tuned(_dbos_url(place)))


@asynccontextmanager
async def _dbos(place: Place, engine: sa.Engine | None) -> AsyncIterator[Arm]:
    from dbos import DBOS, DBOSConfig, SetWorkflowID

    url = _dbos_url(place)
    config: DBOSConfig = {"name": "bench", "system_database_url": url, "log_level": "ERROR", "enable_otlp": False}
    if engine is not None:
        config["system_database_engine"] = engine
    elif place.database_url is None:
        with sqlite3.connect(place.folder / "dbos.sqlite") as connection:
            connection.execute("PRAGMA journal_mode=WAL")
    graph = build(_DbosSteps()).compile()

    @DBOS.workflow(name="bench_run")
    async def bench_run(customer: str, model_ms: int, tool_ms: int) -> str:
        await graph.ainvoke(first_state(customer, Waits(model_ms=model_ms, tool_ms=tool_ms)))
        return "done"

    async def invoke(asked: Asked) -> Any:
        with SetWorkflowID(asked.id):
            return await bench_run(asked.id, asked.waits.model_ms, asked.waits.tool_ms)

    DBOS(config=config)
    DBOS.launch()
    try:
        yield Graph(invoke=invoke)
    finally:
        await asyncio.to_thread(DBOS.destroy)


class _DbosSteps:
    """Each call a step of the workflow."""

    async def one(self, work: Callable[[], Awaitable[Any]]) -> Any:
        from dbos import DBOS

        return await DBOS.run_step_async({"name": "model"}, _coroutine(work))

    async def several(self, works: Sequence[Callable[[], Awaitable[Any]]]) -> list[Any]:
        from dbos import DBOS

        reserved = [(DBOS.reserve_step(), work) for work in works]
        return list(
            await asyncio.gather(*(step.run_async({"name": "tool"}, _coroutine(work)) for step, work in reserved))
        )


def _coroutine(work: Callable[[], Awaitable[Any]]) -> Callable[[], Any]:
    async def run() -> Any:
        return await work()

    return run


def _dbos_url(place: Place) -> str:
    return place.database_url or f"sqlite:///{place.folder / 'dbos.sqlite'}"


def _tuned(url: str) -> sa.Engine:
    options = {"check_same_thread": False, "timeout": 30.0, "isolation_level": "IMMEDIATE"}
    engine = sa.create_engine(url, pool_size=4, max_overflow=0, connect_args=options)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    return engine


def missing(module: str) -> bool:
    """Whether a package that only a measurement needs is not installed."""
    try:
        return importlib.util.find_spec(module) is None
    except ModuleNotFoundError:
        return True
