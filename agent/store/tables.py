"""Every table of Segue's own store. The migrations under `migrations/` create exactly these.

In the order a business event meets them: `inbox`, `runs`, `decisions`, `calls`, `approvals`, `effects`, then
`episodes`, `outcomes` and `rewards`. Every row belongs to a tenant.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes in and out; SQLite itself keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive datetimes: a guess about the zone would be wrong some day."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}; give it a zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _json() -> Any:
    return JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


inbox = Table(
    "inbox",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("tenant", String(64), nullable=False),
    Column("source", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Column("data", _json(), nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("run", String(32)),
    Column("outcome", String(32)),
    UniqueConstraint("tenant", "source", "id", name="uq_inbox_event"),
    sqlite_autoincrement=True,
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("seq", Integer, ForeignKey("inbox.seq"), nullable=False, unique=True),
    Column("event_type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("segment", Integer, nullable=False, default=0),
    Column("decided_by", Text, nullable=False, default=""),
    Column("end_code", String(64)),
    Column("end_detail", Text),
    Column("spent_s", Float, nullable=False, default=0.0),
    Column("created_at", UtcDateTime, nullable=False),
    Column("segment_started_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
    Index("ix_runs_queue", "status", "seq"),
    Index("ix_runs_subject", "tenant", "subject", "seq"),
    Index(
        "uq_runs_one_running_per_subject",
        "tenant",
        "subject",
        unique=True,
        sqlite_where=text("status = 'running'"),
        postgresql_where=text("status = 'running'"),
    ),
)

decisions = Table(
    "decisions",
    metadata,
    Column("run", String(32), ForeignKey("runs.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("tokens", Integer, nullable=False, default=0),
    Column("candidates", _json(), nullable=False),
    Column("evidence", _json(), nullable=False),
    Column("degraded", Text),
    Column("decided_at", UtcDateTime, nullable=False),
)

calls = Table(
    "calls",
    metadata,
    Column("run", String(32), ForeignKey("runs.id"), primary_key=True),
    Column("decision", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("tool", Text, nullable=False),
    Column("arguments", _json(), nullable=False),
    Column("action", Text, nullable=False),
    Column("purpose", Text),
    Column("propensity", Float, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("why", Text),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("run", String(32), ForeignKey("runs.id"), nullable=False),
    Column("decision", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("tool", Text),
    Column("arguments", _json()),
    Column("arguments_hash", String(64)),
    Column("question", _json()),
    Column("state", String(16), nullable=False),
    Column("answered_by", Text),
    Column("reason", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("answered_at", UtcDateTime),
    UniqueConstraint("run", "decision", "position", name="uq_approvals_call"),
    Index("ix_approvals_state", "tenant", "state", "created_at"),
)

effects = Table(
    "effects",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("run", String(32), ForeignKey("runs.id"), nullable=False),
    Column("decision", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("tool", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("arguments", _json(), nullable=False),
    Column("like", String(64)),
    Column("state", String(16), nullable=False),
    Column("result", _json()),
    Column("error", Text),
    Column("attempts", Integer, nullable=False, default=0),
    Column("settled_by", Text),
    Column("settled_reason", Text),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Index("ix_effects_run", "run", "decision", "position"),
    Index("ix_effects_state", "tenant", "state", "started_at"),
    Index(
        "uq_effects_nothing_unknown_of_its_like",
        "tenant",
        "like",
        unique=True,
        sqlite_where=text("state IN ('claimed', 'unknown')"),
        postgresql_where=text("state IN ('claimed', 'unknown')"),
    ),
)

episodes = Table(
    "episodes",
    metadata,
    Column("id", String(32), ForeignKey("runs.id"), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("features", _json(), nullable=False),
    Column("actions", _json(), nullable=False),
    Column("declined", _json(), nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("trust", Float, nullable=False),
    Column("closed_at", UtcDateTime, nullable=False),
    Column("indexed", Boolean, nullable=False, default=False),
    Index("ix_episodes_indexed", "indexed"),
    Index("ix_episodes_closed", "tenant", "closed_at"),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("seq", Integer, ForeignKey("inbox.seq"), nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("run", String(32)),
    Column("detail", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("joined_at", UtcDateTime),
    Index("ix_outcomes_state", "state"),
    Index("ix_outcomes_run", "run"),
)

rewards = Table(
    "rewards",
    metadata,
    Column("outcome", String(32), ForeignKey("outcomes.id"), primary_key=True),
    Column("goal", String(64), primary_key=True),
    Column("run", String(32), nullable=False),
    Column("reward", Float, nullable=False),
    Index("ix_rewards_run", "run"),
)
