"""Who takes care of what waits for a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "assignments",
        sa.Column("tenant", sa.String(length=64), primary_key=True),
        sa.Column("kind", sa.String(length=16), primary_key=True),
        sa.Column("item", sa.String(length=64), primary_key=True),
        sa.Column("run", sa.String(length=32), nullable=False),
        sa.Column("assignee", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_assignments_run", "assignments", ["run"])


def downgrade() -> None:
    raise NotImplementedError("a store is not taken back to an older schema; restore the copy made before")
