"""Episodes of an event type are found by time."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_episodes_type", "episodes", ["tenant", "event_type", "closed_at"], unique=False)


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("ix_episodes_type", "episodes")
