"""What the store knows of the chat model, of memory and of open runs as they are now. Start with `model_seen`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from agent.store.episodes import WAITING
from agent.store.run_lists import PLANNER, SPAN
from agent.store.runs import OPEN
from agent.store.tables import decisions, episodes, inbox, runs
from agent.types import REFLEX


@dataclass(frozen=True, kw_only=True)
class ModelSeen:
    """When a chat model answered last, and failed last, among the latest events."""

    answered_at: datetime | None
    failed_at: datetime | None
    failed_run: str | None
    says: str | None
    """Why it failed."""


def model_seen(connection: Connection, tenant: str) -> ModelSeen:
    """Of the latest 5,000 accepted events."""
    newest = connection.execute(select(func.max(inbox.c.seq))).scalar_one_or_none() or 0
    late = (runs.c.tenant.concat("") == tenant, runs.c.seq > newest - SPAN)
    answered = (
        select(func.max(decisions.c.decided_at))
        .select_from(runs)
        .join(decisions, decisions.c.run == runs.c.id)
        .where(*late, decisions.c.decided_by.not_in((PLANNER, REFLEX)))
    )
    failed = select(runs.c.id, runs.c.closed_at, runs.c.created_at, runs.c.end_detail).where(
        *late, runs.c.end_code.startswith("model_")
    )
    row = connection.execute(failed.order_by(runs.c.seq.desc()).limit(1)).one_or_none()
    return ModelSeen(
        answered_at=connection.execute(answered).scalar_one(),
        failed_at=None if row is None else row.closed_at or row.created_at,
        failed_run=None if row is None else row.id,
        says=None if row is None else row.end_detail,
    )


def open_runs(connection: Connection, tenant: str) -> dict[str, int]:
    """How many runs have not ended, by status; by an index, however many have."""
    query = select(runs.c.status, func.count().label("number")).where(
        runs.c.status.in_(OPEN), runs.c.tenant.concat("") == tenant
    )
    return {row.status: row.number for row in connection.execute(query.group_by(runs.c.status))}


@dataclass(frozen=True, kw_only=True)
class MemorySeen:
    """How much is remembered, and how far the index is behind."""

    episodes: int
    waiting: int
    """Episodes that are to be indexed."""


def memory_seen(connection: Connection, tenant: str) -> MemorySeen:
    """Of one tenant."""
    mine = episodes.c.tenant == tenant
    waiting = select(func.count()).select_from(episodes).where(WAITING, episodes.c.tenant.concat("") == tenant)
    return MemorySeen(
        episodes=connection.execute(select(func.count()).select_from(episodes).where(mine)).scalar_one(),
        waiting=connection.execute(waiting).scalar_one(),
    )
