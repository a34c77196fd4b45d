"""Durable workflows on DBOS: the one adapter around it. Start with `DurableEngine`.

On SQLite its tables live in a file of their own beside the store's; on PostgreSQL in the schema `dbos`. Nothing
here needs a transaction over both: a workflow's id is the run's (and segment's), so starting it again is harmless.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeAlias, TypeVar

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, SetWorkflowID, error
from sqlalchemy.engine import make_url

from agent.store.runs import Start

T = TypeVar("T")

VERSION = "segue-1"
"""Version of the workflow's sequence of steps. Workflows of another version are not recovered: raise it with care."""

GOING = frozenset({"PENDING", "ENQUEUED", "DELAYED"})
"""DBOS's words for a workflow that has not ended."""

WorkflowState: TypeAlias = Literal["absent", "going", "over"]
"""`absent`: never started, or its record is lost. `over`: it has ended, or is of a version that nobody recovers."""

STEPS_DIFFER = (error.DBOSUnexpectedStepError, error.DBOSStepNondeterminismError)
"""A replay met other steps than were recorded: the workflow cannot go on, the run can in another."""

DBOS_THREADS = 4
"""For its database work: more only wait for one another on SQLite (300 runs: 22 s without a bound, 18 s with 4)."""

RECOVERY_ATTEMPTS = 1_000_000
"""A run is ended by its own limits, never by the number of crashes it survived."""


class DbosSteps:
    """Steps of the workflow that is running in this task."""

    async def step(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """Run `work` once; after a crash give back what it gave."""
        return await DBOS.run_step_async({"name": name}, _coroutine(work))

    async def steps(self, name: str, works: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """Run several at once, each under a number drawn in order, so that a replay matches them.

        When one fails the others are waited for: what follows a failure must not meet a call in flight.
        """
        reserved = [(DBOS.reserve_step(), work) for work in works]
        ends: list[T | BaseException] = await asyncio.gather(
            *(step.run_async({"name": name}, _coroutine(work)) for step, work in reserved), return_exceptions=True
        )
        results: list[T] = []
        for end in ends:
            if isinstance(end, BaseException):
                raise end
            results.append(end)
        return results


def _coroutine(work: Callable[[], Awaitable[T]]) -> Callable[[], Any]:
    async def run() -> T:
        return await work()

    return run


class DurableEngine:
    """Starts the workflow of a run and brings it to its end over crashes. One engine per process."""

    def __init__(self, url: str, handle: Callable[[Start], Awaitable[str]], *, executor: str) -> None:
        self._url = url
        self._handle = handle
        self._executor = executor
        self._engine: sa.Engine | None = None
        self._workflow: Callable[[str, int], Any] | None = None

    async def open(self) -> None:
        """Launch DBOS on the running loop; workflows that a crash cut off go on by themselves."""
        handle = self._handle

        async def segue_run(run: str, segment: int = 0) -> str:
            return await handle(Start(run=run, segment=segment))

        self._workflow = DBOS.workflow(name="segue_run", max_recovery_attempts=RECOVERY_ATTEMPTS)(segue_run)
        config: DBOSConfig = {
            "name": "segue",
            "system_database_url": self._url,
            "application_version": VERSION,
            "executor_id": self._executor,
            "log_level": "ERROR",
            "enable_otlp": False,
            "max_executor_threads": DBOS_THREADS,
            "scheduler_polling_interval_sec": 3600.0,
        }
        if make_url(self._url).get_backend_name() == "sqlite":
            self._engine = _sqlite_engine(self._url)
            config["system_database_engine"] = self._engine
        DBOS(config=config)
        DBOS.launch()

    async def start(self, start: Start) -> None:
        """Start a run's segment; one that is there already is left as it is."""
        if self._workflow is None:
            raise RuntimeError("the engine is not open")
        with SetWorkflowID(start.workflow):
            await DBOS.start_workflow_async(self._workflow, start.run, start.segment)

    async def state(self, start: Start) -> WorkflowState:
        """What has become of the workflow, as far as the engine knows."""
        found = await DBOS.get_workflow_status_async(start.workflow)
        if found is None:
            return "absent"
        return "going" if found.status in GOING and found.app_version == VERSION else "over"

    async def aclose(self) -> None:
        """Stop without waiting: what is in flight is recovered at the next start."""
        loop = asyncio.get_running_loop()
        stopped = loop.run_in_executor(own := ThreadPoolExecutor(1), lambda: DBOS.destroy(destroy_registry=True))
        await stopped
        own.shutdown(wait=False)
        # DBOS lent the loop its own threads and has taken them away; the loop needs some for its last steps.
        loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="after-dbos"))
        if self._engine is not None:
            self._engine.dispose()


def _sqlite_engine(url: str) -> sa.Engine:
    # IMMEDIATE through the driver, not through a "begin" event: DBOS begins its migrations itself.
    options = {"check_same_thread": False, "timeout": 30.0, "isolation_level": "IMMEDIATE"}
    engine = sa.create_engine(url, pool_size=4, max_overflow=0, connect_args=options)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    return engine
