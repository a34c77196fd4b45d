"""Every table of Segue's own store. The migrations under `migrations/` create exactly these.

In the order a business event meets them: `inbox`, `runs`, `decisions`, `calls`, `approvals`, `effects`, then
`episodes`, `crowds`, `outcomes` and `rewards`; beside them what keeps the queue in order (`turns`, `rates`, `workers`,
`pauses`, `dead_letters`), what is learned, and from what (`lessons`, `lessons_shown`, `changes`, `revoked_sources`,
`memory_switches`), and what is too large for a row (`large_results`).
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
    MetaData,
    Table,
    UniqueConstraint,
    text,
)

from agent.store.columns import Name, UtcDateTime, Words, json_column, partial_index

metadata = MetaData()

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

episodes = Table(
    "episodes",
    metadata,
    Column("id", Name(32), primary_key=True),
    Column("tenant", Name(64), nullable=False),
    Column("source", Words, nullable=False),
    Column("event_id", Words, nullable=False),
    Column("event_type", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("features", json_column(), nullable=False),
    Column("actions", json_column(), nullable=False),
    Column("declined", json_column(), nullable=False),
    Column("decided_by", Words, nullable=False),
    Column("trust", Float, nullable=False),
    Column("closed_at", UtcDateTime, nullable=False),
    Column("indexed", Boolean, nullable=False, default=False),
    Column("arm", Name(8)),
    Column("memory_share", Float),
    Column("swayed", Boolean),
    Column("left_out", Boolean, nullable=False, default=False),
    Column("place", Name(32)),
    Column("crowd", Name(32)),
    Column("tidied", Name(16)),
    Column("tidied_at", UtcDateTime),
    Column("tidied_why", Words),
    Column("kept_by", Words),
    partial_index("ix_episodes_waiting", "id", where="NOT indexed AND NOT left_out AND tidied IS NULL"),
    Index("ix_episodes_source", "tenant", "source", "left_out"),
    Index("ix_episodes_closed", "tenant", "closed_at"),
    Index("ix_episodes_type", "tenant", "event_type", "closed_at"),
    partial_index("ix_episodes_crowd", "crowd", where="crowd IS NOT NULL"),
    partial_index("ix_episodes_to_forget", "tenant", "event_type", where="indexed AND tidied IS NOT NULL"),
    partial_index("ix_episodes_unplaced", "tenant", "event_type", where="place IS NULL"),
    partial_index(
        "ix_episodes_place",
        "tenant",
        "event_type",
        "place",
        where="place IS NOT NULL AND crowd IS NULL AND tidied IS NULL",
    ),
)
"""`tidied`: why the index leaves it out, see `agent.store.tidy`; `crowd`: the episode that speaks for it, or itself."""

crowds = Table(
    "crowds",
    metadata,
    Column("voice", Name(32), primary_key=True),
    Column("tenant", Name(64), nullable=False),
    Column("event_type", Words, nullable=False),
    Column("place", Name(32), nullable=False),
    Column("changes", Integer, nullable=False),
    Column("told", json_column()),
    UniqueConstraint("tenant", "event_type", "place", name="uq_crowds_place"),
    partial_index("ix_crowds_stale", "voice", where="told IS NULL"),
)
"""Like episodes of which one, the voice, speaks for all; what it says is worked out anew where `told` is missing."""

outcomes = Table(
    "outcomes",
    metadata,
    Column("id", Name(32), primary_key=True),
    Column("tenant", Name(64), nullable=False),
    Column("seq", Integer, ForeignKey("inbox.seq"), nullable=False, unique=True),
    Column("type", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("state", Name(16), nullable=False),
    Column("run", Name(32)),
    Column("detail", Words),
    Column("created_at", UtcDateTime, nullable=False),
    Column("joined_at", UtcDateTime),
    Column("source", Words, nullable=False, default=""),
    Index("ix_outcomes_state", "state"),
    Index("ix_outcomes_run", "run"),
    Index("ix_outcomes_source", "tenant", "source"),
    partial_index("ix_outcomes_unmatched", "tenant", "subject", where="state = 'unmatched'"),
)

rewards = Table(
    "rewards",
    metadata,
    Column("outcome", Name(32), ForeignKey("outcomes.id"), primary_key=True),
    Column("goal", Name(64), primary_key=True),
    Column("run", Name(32), nullable=False),
    Column("reward", Float, nullable=False),
    Index("ix_rewards_run", "run"),
)

revoked_sources = Table(
    "revoked_sources",
    metadata,
    Column("tenant", Name(64), primary_key=True),
    Column("source", Words, primary_key=True),
    Column("revoked", Boolean, nullable=False),
    Column("by", Words, nullable=False),
    Column("reason", Words),
    Column("since", UtcDateTime, nullable=False),
    Column("changes", Integer, nullable=False),
    Column("history", json_column(), nullable=False),
)
"""Sources that were ever revoked; one that was restored keeps its row, as its history says who did what, and why."""
lessons = Table(
    "lessons",
    metadata,
    Column("id", Name(32), primary_key=True),
    Column("tenant", Name(64), nullable=False),
    Column("event_type", Words, nullable=False),
    Column("rule", Name(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", Name(16), nullable=False),
    Column("text", Words, nullable=False),
    Column("words", Words),
    Column("kind", Name(16), nullable=False),
    Column("advice", Name(16), nullable=False),
    Column("against", Name(16), nullable=False),
    Column("actions", json_column(), nullable=False),
    Column("conditions", json_column(), nullable=False),
    Column("good", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("rest_good", Integer, nullable=False),
    Column("rest_total", Integer, nullable=False),
    Column("low", Float, nullable=False),
    Column("high", Float, nullable=False),
    Column("p", Float, nullable=False),
    Column("episodes", json_column(), nullable=False),
    Column("sources", json_column(), nullable=False),
    Column("subjects", Integer, nullable=False),
    Column("origin", Name(16), nullable=False),
    Column("written_by", Words, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("found_at", UtcDateTime, nullable=False),
    Column("retired_at", UtcDateTime),
    Column("retired_by", Words),
    Column("reason", Words),
    Column("replaces", Name(32)),
    Column("broken_since", UtcDateTime),
    UniqueConstraint("tenant", "event_type", "rule", "version", name="uq_lessons_version"),
    partial_index("uq_lessons_one_active", "tenant", "event_type", "rule", where="state = 'active'", unique=True),
    Index("ix_lessons_replaces", "replaces"),
)
"""Every version of every lesson; `rule` is the digest of what it says, which all its versions share."""

lessons_shown = Table(
    "lessons_shown",
    metadata,
    Column("run", Name(32), primary_key=True),
    Column("decision", Integer, primary_key=True),
    Column("lesson", Name(32), primary_key=True),
    Index("ix_lessons_shown", "lesson", "run"),
)
"""Which lessons a decision was shown; they stay when the run is pruned, as its episode and rewards do."""

changes = Table(
    "changes",
    metadata,
    Column("tenant", Name(64), primary_key=True),
    Column("event_type", Words, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("action", Words, nullable=False),
    Column("source", Words),
    Column("apart", json_column(), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("found_at", UtcDateTime, nullable=False),
    Column("expected", Float, nullable=False),
    Column("found", Float, nullable=False),
    Column("before", Integer, nullable=False),
    Column("since", Integer, nullable=False),
    Column("log_odds", Float, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("noted_at", UtcDateTime, nullable=False),
)
"""Actions that turn out otherwise from some moment on; all rows of an event type are replaced at once."""

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

memory_switches = Table(
    "memory_switches",
    metadata,
    Column("tenant", Name(64), primary_key=True),
    Column("event_type", Words, primary_key=True),
    Column("state", Name(8), nullable=False),
    Column("by", Words, nullable=False),
    Column("reason", Words),
    Column("since", UtcDateTime, nullable=False),
)
"""The last switch of each event type whose memory was ever switched off: `off`, or `on` again."""

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

large_results = Table(
    "large_results",
    metadata,
    Column("tenant", Name(64), primary_key=True),
    Column("digest", Name(64), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
