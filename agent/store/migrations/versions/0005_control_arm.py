"""The arm of each decision and episode, and where memory is switched off."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from agent.store.columns import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("decisions", "episodes"):
        op.add_column(table, sa.Column("arm", sa.String(length=8), nullable=True))
        op.add_column(table, sa.Column("memory_share", sa.Float(), nullable=True))
        op.add_column(table, sa.Column("swayed", sa.Boolean(), nullable=True))
    op.create_table(
        "memory_switches",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "event_type"),
    )


def downgrade() -> None:
    raise NotImplementedError("a store is not taken back to an older schema; restore the copy made before")
