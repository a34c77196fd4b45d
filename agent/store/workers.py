"""The processes that handle runs, and until when each is taken for alive. Start with `beat`.

On PostgreSQL the database's own clock counts, so that workers on machines with other clocks agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from agent.store.tables import runs, workers


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A process that handles runs."""

    id: str
    kind: str
    """`serve` or `worker`."""
    host: str
    process: int
    memory: str
    """Where it keeps the index of memory: the address of a Chroma server, or a folder of its own."""


def beat(connection: Connection, worker: Worker, lease_s: float, now: datetime) -> None:
    """Be alive for another `lease_s` seconds."""
    moment = _moment(connection, now)
    until = moment + timedelta(seconds=lease_s)
    renewed = connection.execute(update(workers).where(workers.c.id == worker.id).values(lease_until=until))
    if renewed.rowcount == 0:
        connection.execute(
            insert(workers).values(
                id=worker.id,
                kind=worker.kind,
                host=worker.host,
                process=worker.process,
                memory=worker.memory,
                started_at=moment,
                lease_until=until,
            )
        )


def live(connection: Connection, now: datetime) -> tuple[Worker, ...]:
    """Everybody whose lease has not run out."""
    rows = connection.execute(select(workers).where(workers.c.lease_until > _moment(connection, now))).all()
    return tuple(_worker(row) for row in rows)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A worker as others see it."""

    worker: Worker
    started_at: datetime
    lease_until: datetime
    live: bool
    running: int
    """Runs it handles."""


def seen(connection: Connection, now: datetime) -> tuple[Seen, ...]:
    """Everybody who has not left in good order, also those whose lease has run out; the oldest first."""
    moment = _moment(connection, now)
    handled = select(runs.c.owner, func.count().label("number")).where(runs.c.status == "running")
    running = {row.owner: row.number for row in connection.execute(handled.group_by(runs.c.owner))}
    return tuple(
        Seen(
            worker=_worker(row),
            started_at=row.started_at,
            lease_until=row.lease_until,
            live=row.lease_until > moment,
            running=running.get(row.id, 0),
        )
        for row in connection.execute(select(workers).order_by(workers.c.started_at))
    )


def _worker(row: Row[Any]) -> Worker:
    return Worker(id=row.id, kind=row.kind, host=row.host, process=row.process, memory=row.memory)


def bury(connection: Connection, now: datetime) -> int:
    """Remove those whose lease has run out; how many they were."""
    return connection.execute(delete(workers).where(workers.c.lease_until <= _moment(connection, now))).rowcount


def leave(connection: Connection, worker: str) -> None:
    """A worker stops in good order."""
    connection.execute(delete(workers).where(workers.c.id == worker))


def _moment(connection: Connection, now: datetime) -> datetime:
    if connection.dialect.name == "postgresql":
        moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return moment
    return now
