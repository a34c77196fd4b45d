"""Lessons, and which decision was shown which."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ACTIVE = sa.text("state = 'active'")


def upgrade() -> None:
    op.create_table(
        "lessons",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("rule", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("words", sa.Text()),
        *(sa.Column(name, sa.String(16), nullable=False) for name in ("kind", "advice", "against")),
        *(sa.Column(name, _json(), nullable=False) for name in ("actions", "conditions")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("good", "total", "rest_good", "rest_total")),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ("low", "high", "p")),
        *(sa.Column(name, _json(), nullable=False) for name in ("episodes", "sources")),
        sa.Column("subjects", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in ("created_at", "found_at")),
        sa.Column("retired_at", sa.DateTime(timezone=True)),
        sa.Column("retired_by", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("replaces", sa.String(32)),
        sa.Column("broken_since", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("tenant", "event_type", "rule", "version", name="uq_lessons_version"),
    )
    op.create_index(
        "uq_lessons_one_active",
        "lessons",
        ["tenant", "event_type", "rule"],
        unique=True,
        sqlite_where=ACTIVE,
        postgresql_where=ACTIVE,
    )
    op.create_index("ix_lessons_replaces", "lessons", ["replaces"])
    op.create_table(
        "lessons_shown",
        sa.Column("run", sa.String(32), primary_key=True),
        sa.Column("decision", sa.Integer(), primary_key=True),
        sa.Column("lesson", sa.String(32), primary_key=True),
    )
    op.create_index("ix_lessons_shown", "lessons_shown", ["lesson", "run"])


def downgrade() -> None:
    raise NotImplementedError("a store is not taken back to an older schema; restore the copy made before")


def _json() -> Any:
    return sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
