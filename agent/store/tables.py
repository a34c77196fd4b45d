"""Every table of Segue's own store. The migrations under `migrations/` create exactly these.

In the order a business event meets them: `inbox`, `runs`, `decisions`, `calls`, `approvals`, `effects`, then what is
learned (`tables_learned`); beside them what keeps the queue in order (`turns`, `rates`, `workers`, `pauses`,
`dead_letters`), what is too large for a row (`large_results`), and who did what (`tables_activity`).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
    text,
)

from agent.store.columns import Name, UtcDateTime, Words, json_column, metadata, partial_index
from agent.store.tables_activity import activity, activity_pruning, settings_seen
from agent.store.tables_learned import (
    changes,
    crowds,
    episode_news,
    episodes,
    lessons,
    lessons_shown,
    memory_switches,
    outcomes,
    revoked_sources,
    rewards,
)

__all__ = [
    "activity",
    "activity_pruning",
    "approvals",
    "assignments",
    "calls",
    "changes",
    "crowds",
    "dead_letters",
    "decisions",
    "effects",
    "episode_news",
    "episodes",
    "inbox",
    "large_results",
    "lessons",
    "lessons_shown",
    "memory_switches",
    "metadata",
    "outcomes",
    "pauses",
    "rates",
    "revoked_sources",
    "rewards",
    "runs",
    "settings_seen",
    "turns",
    "workers",
]

inbox = Table(
    "inbox",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("tenant", Name(64), nullable=False),
    Column("source", Words, nullable=False),
    Column("id", Words, nullable=False),
    Column("type", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Column("data", json_column(), nullable=False),
    Column("body_hash", Name(64), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("run", Name(32)),
    Column("outcome", Name(32)),
    UniqueConstraint("tenant", "source", "id", name="uq_inbox_event"),
    Index("ix_inbox_run", "run"),
    sqlite_autoincrement=True,
)

runs = Table(
    "runs",
    metadata,
    Column("id", Name(32), primary_key=True),
    Column("tenant", Name(64), nullable=False),
    Column("seq", Integer, ForeignKey("inbox.seq"), nullable=False, unique=True),
    Column("event_type", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("status", Name(16), nullable=False),
    Column("segment", Integer, nullable=False, default=0),
    Column("source", Words, nullable=False, default=""),
    Column("events", Integer, nullable=False, default=1),
    Column("rank", Integer, nullable=False, default=0),
    Column("turn", BigInteger, nullable=False, default=0),
    Column("in_line", Boolean, nullable=False, default=True),
    Column("head", Boolean, nullable=False, default=False),
    Column("held", Words),
    Column("due_at", UtcDateTime),
    Column("gathers_until", UtcDateTime),
    Column("expires_at", UtcDateTime),
    Column("owner", Name(64)),
    Column("attempts", Integer, nullable=False, default=0),
    Column("after_decision", Integer, nullable=False, default=0),
    Column("cancelled_by", Words),
    Column("decided_by", Words, nullable=False, default=""),
    Column("end_code", Name(64)),
    Column("end_detail", Words),
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
    partial_index("ix_runs_line", "rank", "turn", "seq", where="status = 'queued' AND head AND held IS NULL"),
    partial_index("uq_runs_one_head_per_subject", "tenant", "subject", unique=True, where="status = 'queued' AND head"),
    partial_index("ix_runs_behind", "tenant", "subject", "seq", where="status = 'queued' AND in_line"),
    partial_index(
        "ix_runs_gathering", "tenant", "subject", where="status = 'queued' AND gathers_until IS NOT NULL", unique=True
    ),
    partial_index("ix_runs_due", "due_at", where="status = 'queued' AND due_at IS NOT NULL"),
    partial_index("ix_runs_expires", "expires_at", where="status = 'queued' AND expires_at IS NOT NULL"),
    partial_index("ix_runs_held", "held", where="status = 'queued' AND held IS NOT NULL"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("run", Name(32), ForeignKey("runs.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", Name(8), nullable=False),
    Column("reason", Words, nullable=False),
    Column("decided_by", Words, nullable=False),
    Column("tokens", Integer, nullable=False, default=0),
    Column("candidates", json_column(), nullable=False),
    Column("evidence", json_column(), nullable=False),
    Column("degraded", Words),
    Column("reflex", json_column()),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("arm", Name(8)),
    Column("memory_share", Float),
    Column("swayed", Boolean),
)

calls = Table(
    "calls",
    metadata,
    Column("run", Name(32), ForeignKey("runs.id"), primary_key=True),
    Column("decision", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("tool", Words, nullable=False),
    Column("arguments", json_column(), nullable=False),
    Column("action", Words, nullable=False),
    Column("purpose", Words),
    Column("propensity", Float, nullable=False),
    Column("prior", Float),
    Column("decided_by", Words, nullable=False),
    Column("verdict", Name(16), nullable=False),
    Column("why", Words),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Name(32), primary_key=True),
    Column("tenant", Name(64), nullable=False),
    Column("run", Name(32), ForeignKey("runs.id"), nullable=False),
    Column("decision", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("kind", Name(16), nullable=False),
    Column("tool", Words),
    Column("arguments", json_column()),
    Column("arguments_hash", Name(64)),
    Column("question", json_column()),
    Column("state", Name(16), nullable=False),
    Column("answered_by", Words),
    Column("reason", Words),
    Column("created_at", UtcDateTime, nullable=False),
    Column("answered_at", UtcDateTime),
    UniqueConstraint("run", "decision", "position", name="uq_approvals_call"),
    Index("ix_approvals_state", "tenant", "state", "created_at"),
)

effects = Table(
    "effects",
    metadata,
    Column("key", Name(64), primary_key=True),
    Column("tenant", Name(64), nullable=False),
    Column("run", Name(32), ForeignKey("runs.id"), nullable=False),
    Column("decision", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("tool", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("arguments", json_column(), nullable=False),
    Column("like", Name(64)),
    Column("state", Name(16), nullable=False),
    Column("result", json_column()),
    Column("large_result", Name(64)),
    Column("error", Words),
    Column("attempts", Integer, nullable=False, default=0),
    Column("verified", Float),
    Column("owner", Name(64)),
    Column("settled_by", Words),
    Column("settled_reason", Words),
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

turns = Table(
    "turns",
    metadata,
    Column("tenant", Name(64), primary_key=True),
    Column("source", Words, primary_key=True),
    Column("rank", Integer, primary_key=True),
    Column("turn", BigInteger, nullable=False),
)
"""The last turn given to each source among runs of a rank; the row without a source has that of the latest start."""

rates = Table(
    "rates",
    metadata,
    Column("tenant", Name(64), primary_key=True),
    Column("event_type", Words, primary_key=True),
    Column("starts", Float, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""Starts that an event type with a rate limit had left at a moment."""

workers = Table(
    "workers",
    metadata,
    Column("id", Name(64), primary_key=True),
    Column("kind", Name(16), nullable=False),
    Column("host", Words, nullable=False),
    Column("process", Integer, nullable=False),
    Column("memory", Words, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("lease_until", UtcDateTime, nullable=False),
)

pauses = Table(
    "pauses",
    metadata,
    Column("tenant", Name(64), primary_key=True),
    Column("scope", Name(16), primary_key=True),
    Column("name", Words, primary_key=True),
    Column("by", Words, nullable=False),
    Column("reason", Words),
    Column("since", UtcDateTime, nullable=False),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("run", Name(32), ForeignKey("runs.id"), primary_key=True),
    Column("tenant", Name(64), nullable=False),
    Column("state", Name(16), nullable=False),
    Column("code", Name(64), nullable=False),
    Column("detail", Words, nullable=False),
    Column("history", json_column(), nullable=False),
    Column("replays", Integer, nullable=False, default=0),
    Column("since", UtcDateTime, nullable=False),
    Column("changed_by", Words),
    Column("changed_at", UtcDateTime),
    Index("ix_dead_letters_state", "tenant", "state", "run"),
)

assignments = Table(
    "assignments",
    metadata,
    Column("tenant", Name(64), primary_key=True),
    Column("kind", Name(16), primary_key=True),
    Column("item", Name(64), primary_key=True),
    Column("run", Name(32), nullable=False),
    Column("assignee", Words, nullable=False),
    Column("by", Words, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Index("ix_assignments_run", "run"),
)
"""Rows name no run by a foreign key: assigning holds what waits, and must not then wait for its run."""

large_results = Table(
    "large_results",
    metadata,
    Column("tenant", Name(64), primary_key=True),
    Column("digest", Name(64), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
