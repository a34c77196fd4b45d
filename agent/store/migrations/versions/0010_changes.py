"""Actions that turn out otherwise from some moment on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    op.create_table(
        "changes",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("event_type", sa.Text(), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("source", sa.Text()),
        sa.Column("apart", json, nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in ("at", "found_at")),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ("expected", "found")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("before", "since")),
        sa.Column("log_odds", sa.Float(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("a store is not taken back to an older schema; restore the copy made before")
