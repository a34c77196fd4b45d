"""Outcomes know their source and are found by subject while unmatched; sources can be revoked."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from agent.store.columns import UtcDateTime

JSON_ = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
UNMATCHED: Any = sa.text("state = 'unmatched'")

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outcomes", sa.Column("source", sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE outcomes SET source = (SELECT source FROM inbox WHERE inbox.seq = outcomes.seq)")
    op.create_index("ix_outcomes_source", "outcomes", ["tenant", "source"], unique=False)
    op.create_index(
        "ix_outcomes_unmatched",
        "outcomes",
        ["tenant", "subject"],
        unique=False,
        sqlite_where=UNMATCHED,
        postgresql_where=UNMATCHED,
    )
    op.add_column("episodes", sa.Column("left_out", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.drop_index("ix_episodes_indexed", "episodes")
    op.create_index("ix_episodes_waiting", "episodes", ["indexed", "left_out"], unique=False)
    op.create_index("ix_episodes_source", "episodes", ["tenant", "source", "left_out"], unique=False)
    op.create_table(
        "revoked_sources",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("history", JSON_, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "source"),
    )


def downgrade() -> None:
    raise NotImplementedError("a store is not taken back to an older schema; restore the copy made before")
