"""Crowds of like episodes, and which episodes the index leaves out, since when and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from agent.store.columns import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

PARTIAL = (
    ("ix_episodes_waiting", ("id",), "NOT indexed AND NOT left_out AND tidied IS NULL"),
    ("ix_episodes_crowd", ("crowd",), "crowd IS NOT NULL"),
    ("ix_episodes_to_forget", ("tenant", "event_type"), "indexed AND tidied IS NOT NULL"),
    ("ix_episodes_unplaced", ("tenant", "event_type"), "place IS NULL"),
    (
        "ix_episodes_place",
        ("tenant", "event_type", "place"),
        "place IS NOT NULL AND crowd IS NULL AND tidied IS NULL",
    ),
)


def upgrade() -> None:
    for name, kind in (
        ("place", sa.String(length=32)),
        ("crowd", sa.String(length=32)),
        ("tidied", sa.String(length=16)),
        ("tidied_at", UtcDateTime()),
        ("tidied_why", sa.Text()),
        ("kept_by", sa.Text()),
    ):
        op.add_column("episodes", sa.Column(name, kind, nullable=True))
    op.drop_index("ix_episodes_waiting", "episodes")
    for name, columns, where in PARTIAL:
        holds = sa.text(where)
        op.create_index(name, "episodes", list(columns), unique=False, sqlite_where=holds, postgresql_where=holds)
    op.create_table(
        "crowds",
        sa.Column("voice", sa.String(length=32), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("place", sa.String(length=32), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("told", sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")),
        sa.PrimaryKeyConstraint("voice"),
        sa.UniqueConstraint("tenant", "event_type", "place", name="uq_crowds_place"),
    )
    stale = sa.text("told IS NULL")
    op.create_index("ix_crowds_stale", "crowds", ["voice"], unique=False, sqlite_where=stale, postgresql_where=stale)


def downgrade() -> None:
    raise NotImplementedError("a store is not taken back to an older schema; restore the copy made before")
