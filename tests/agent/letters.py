"""Dead letters and stores for tests. Start with `dead_letter` and `store`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from agent.ids import new_id
from agent.store import dead, episodes
from agent.store.closing import close_run
from agent.store.database import Database
from agent.store.inbox import Incoming, accept
from agent.store.tables import runs
from agent.types import Event
from memory.types import Episode
from tests.agent.fresh import lay_out_store

TYPE = "customer.upset"
NOW = datetime(2026, 11, 2, tzinfo=UTC)


@asynccontextmanager
async def store(url: str) -> AsyncIterator[Database]:
    """An open store."""
    await lay_out_store(url)
    database = Database(url)
    await database.open()
    try:
        yield database
    finally:
        await database.aclose()


async def accepted(database: Database, tenant: str, subject: str = "c-1", type: str = TYPE) -> str:
    """The id of a queued run."""
    event = Event(source="/t", id=new_id(), type=type, subject=subject, time=NOW, data={"message": "pause please"})
    incoming = Incoming(event=event, body_hash="", kind="run", new_id=new_id())
    await database.write(lambda connection: accept(connection, tenant, [incoming], NOW))
    return incoming.new_id


def tried(attempt: int, detail: str = "told to fail") -> dict[str, Any]:
    """A failed try as the history has it."""
    return {"attempt": attempt, "at": "2026-11-02T00:00:00Z", "code": "broken", "detail": detail}


def fail(connection: Connection, run: str, tenant: str, tries: int = 1, now: datetime = NOW) -> None:
    """The run fails for good after so many tries, of which only the last is new to its letter."""
    for attempt in range(1, tries):
        dead.note_attempt(connection, run, tenant, attempt, "broken", "told to fail", now)
    close_run(connection, run, status="failed", code="broken", detail="told to fail", now=now)
    dead.bury(connection, run, tenant, "broken", "told to fail", [tried(tries)], now)


async def dead_letter(database: Database, tenant: str = "default", subject: str = "c-1", tries: int = 1) -> str:
    """A run that was accepted and failed for good before anybody could do anything for it, with an empty episode."""
    event = Event(source="/t", id=new_id(), type=TYPE, subject=subject, time=NOW, data={"message": "pause please"})
    incoming = Incoming(event=event, body_hash="", kind="run", new_id=new_id())
    run = incoming.new_id
    now = datetime.now(UTC)
    empty = Episode(
        id=run,
        tenant=tenant,
        source="/t",
        event_id=event.id,
        event_type=TYPE,
        subject=subject,
        text="pause please",
        features={},
        actions=(),
        decided_by="script",
        closed_at=now,
    )

    def work(connection: Connection) -> None:
        accept(connection, tenant, [incoming], now)
        fail(connection, run, tenant, tries, now)
        episodes.write(connection, empty)

    await database.write(work)
    return run


async def row_of(database: Database, run: str) -> RowMapping:
    """The run as it is stored."""
    return await database.read(
        lambda connection: connection.execute(select(runs).where(runs.c.id == run)).mappings().one()
    )
