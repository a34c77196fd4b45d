"""Tables of what is learned, and from what. Start with `episodes`, `outcomes` and `rewards`.

Others: `episode_news`, `crowds` of like episodes, `lessons`, `lessons_shown`, `changes`, `revoked_sources`,
`memory_switches`.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    UniqueConstraint,
)

from agent.store.columns import Name, UtcDateTime, Words, json_column, metadata, partial_index

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

episode_news = Table(
    "episode_news",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("episode", Name(32)),
    sqlite_autoincrement=True,
)
"""Episodes that say something else than before, or any (no name); written by triggers, see `agent.store.heard`."""

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
