"""Durable workflows on DBOS: the one adapter around it. Start with `DurableEngine`.

On SQLite its tables live in a file of their own beside the store's; on PostgreSQL in the schema `dbos`. Nothing
here needs a transaction over both: a workflow's id is the run's and segment's, so starting it again is harmless. A
workflow has no steps of its own, as every stage of a run finds in the store what it did before (docs/decisions/0006).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, SetWorkflowID, error
from sqlalchemy.engine import make_url

from agent.store.runs import Start

log = logging.getLogger(__name__)

VERSION = "segue-2"
"""Version of the workflow, as DBOS shows it."""

DBOS_THREADS = 4
"""For its database work: more only wait for one another on SQLite (300 runs: 22 s without a bound, 18 s with 4)."""

LISTENS_EVERY_S = 0.1
"""DBOS's listener looks so often whether it is to end, which closing waits for; of the database it asks nothing."""


class DurableEngine:
    """Starts the workflows of runs. One engine per process."""

    def __init__(self, url: str, handle: Callable[[Start], Awaitable[str]], *, executor: str) -> None:
        self._url = url
        self._handle = handle
        self._executor = executor
        self._engine: sa.Engine | None = None
        self._workflow: Callable[[str, int], Any] | None = None

    async def open(self) -> None:
        """Launch DBOS on the running loop."""
        handle, executor = self._handle, self._executor

        async def segue_run(run: str, segment: int = 0) -> str:
            return await handle(Start(run=run, segment=segment, owner=executor))

        self._workflow = DBOS.workflow(name="segue_run")(segue_run)
        config: DBOSConfig = {
            "name": "segue",
            "system_database_url": self._url,
            "application_version": VERSION,
            "executor_id": executor,
            "log_level": "ERROR",
            "enable_otlp": False,
            "max_executor_threads": DBOS_THREADS,
            "scheduler_polling_interval_sec": 3600.0,
            "notification_listener_polling_interval_sec": LISTENS_EVERY_S,
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

    async def forget(self, workflow: str) -> None:
        """End the record of a workflow whose worker is lost; the run goes on in another."""
        try:
            await DBOS.cancel_workflow_async(workflow)
        except (error.DBOSException, sa.exc.SQLAlchemyError) as cause:
            # Nothing depends on it: the record only stays open.
            log.info("workflow %s of a lost worker could not be ended: %s", workflow, cause)

    async def aclose(self) -> None:
        """Stop without waiting."""
        loop = asyncio.get_running_loop()
        # DBOS lent the loop its own threads and is about to take them away; what goes on meanwhile needs some.
        loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="after-dbos"))
        stopped = loop.run_in_executor(own := ThreadPoolExecutor(1), lambda: DBOS.destroy(destroy_registry=True))
        await stopped
        own.shutdown(wait=False)
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
