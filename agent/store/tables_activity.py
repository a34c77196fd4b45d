"""Tables of who did what: `activity` only grows. Start with `activity`."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table

from agent.store.columns import Name, UtcDateTime, Words, json_column, metadata, partial_index

activity = Table(
    "activity",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("tenant", Name(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("who", Words, nullable=False),
    Column("door", Name(16), nullable=False),
    Column("act", Name(32), nullable=False),
    Column("kind", Name(16), nullable=False),
    Column("about", Words, nullable=False),
    Column("run", Name(32)),
    Column("subject", Words),
    Column("event_type", Words),
    Column("named", Words, nullable=False),
    Column("detail", json_column(), nullable=False),
    Index("ix_activity_tenant", "tenant", "id"),
    Index("ix_activity_who", "tenant", "who", "id"),
    Index("ix_activity_act", "tenant", "act", "id"),
    Index("ix_activity_about", "tenant", "kind", "about", "id"),
    partial_index("ix_activity_run", "tenant", "run", "id", where="run IS NOT NULL"),
    sqlite_autoincrement=True,
)
"""A line for each act, written with it. The database refuses to change one, and to remove one but for what
`activity_pruning` names. `named` is what a search looks through, in small letters."""

activity_pruning = Table(
    "activity_pruning",
    metadata,
    Column("before", UtcDateTime, primary_key=True),
)
"""Up to when lines may be removed; a row is there only within the transaction that removes them."""

settings_seen = Table(
    "settings_seen",
    metadata,
    Column("name", Name(16), primary_key=True),
    Column("digest", Name(64), nullable=False),
    Column("content", json_column(), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""The portfolio, as it was when Segue was last started with another one than before."""
