"""How runs, approvals and effects stand now, a few by their ids. Start with `standing`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from agent.store.tables import approvals, effects, runs


@dataclass(frozen=True, kw_only=True)
class RunStands:
    """A run in brief."""

    status: str
    type: str
    subject: str
    at: datetime
    detail: str | None
    """Of its end."""


@dataclass(frozen=True, kw_only=True)
class ApprovalStands:
    """An approval in brief."""

    run: str
    state: str
    at: datetime
    by: str | None
    answered_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """By id; what is not there (any more) is left out."""

    runs: Mapping[str, RunStands] = field(default_factory=dict)
    approvals: Mapping[str, ApprovalStands] = field(default_factory=dict)
    effects: Mapping[str, str] = field(default_factory=dict)


def standing(connection: Connection, tenant: str, wanted: Mapping[str, Collection[str]]) -> Standing:
    """Of the runs, approvals and effects that `wanted` names."""
    return Standing(
        runs=_runs(connection, tenant, wanted.get("run", ())),
        approvals=_approvals(connection, tenant, wanted.get("approval", ())),
        effects=_effects(connection, tenant, wanted.get("effect", ())),
    )


def _runs(connection: Connection, tenant: str, names: Collection[str]) -> dict[str, RunStands]:
    if not names:
        return {}
    columns = (runs.c.id, runs.c.status, runs.c.event_type, runs.c.subject, runs.c.created_at, runs.c.end_detail)
    rows = connection.execute(select(*columns).where(runs.c.id.in_(names), runs.c.tenant == tenant))
    return {
        row.id: RunStands(
            status=row.status, type=row.event_type, subject=row.subject, at=row.created_at, detail=row.end_detail
        )
        for row in rows
    }


def _approvals(connection: Connection, tenant: str, names: Collection[str]) -> dict[str, ApprovalStands]:
    if not names:
        return {}
    rows = connection.execute(select(approvals).where(approvals.c.id.in_(names), approvals.c.tenant == tenant))
    return {
        row.id: ApprovalStands(
            run=row.run, state=row.state, at=row.created_at, by=row.answered_by, answered_at=row.answered_at
        )
        for row in rows
    }


def _effects(connection: Connection, tenant: str, names: Collection[str]) -> dict[str, str]:
    if not names:
        return {}
    query = select(effects.c.key, effects.c.state).where(effects.c.key.in_(names), effects.c.tenant == tenant)
    return {row.key: row.state for row in connection.execute(query)}
