"""A queue with heads, turns and limits; workers with leases; pauses, dead letters and large results."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from agent.store.columns import UtcDateTime

JSON_ = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ZERO = sa.text("0")
QUEUE = (
    ("ix_runs_line", ["rank", "turn", "seq"], False, "status = 'queued' AND head AND held IS NULL"),
    ("uq_runs_one_head_per_subject", ["tenant", "subject"], True, "status = 'queued' AND head"),
    ("ix_runs_behind", ["tenant", "subject", "seq"], False, "status = 'queued' AND in_line"),
    ("ix_runs_gathering", ["tenant", "subject"], True, "status = 'queued' AND gathers_until IS NOT NULL"),
    ("ix_runs_due", ["due_at"], False, "status = 'queued' AND due_at IS NOT NULL"),
    ("ix_runs_expires", ["expires_at"], False, "status = 'queued' AND expires_at IS NOT NULL"),
    ("ix_runs_held", ["held"], False, "status = 'queued' AND held IS NOT NULL"),
)


def upgrade() -> None:
    _widen_runs()
    op.create_index("ix_inbox_run", "inbox", ["run"], unique=False)
    op.add_column("effects", sa.Column("large_result", sa.String(length=64), nullable=True))
    op.add_column("effects", sa.Column("owner", sa.String(length=64), nullable=True))
    _free_episodes()
    _create_queue_tables()
    _create_operators_tables()


def downgrade() -> None:
    raise NotImplementedError("a store is not taken back to an older schema; restore the copy made before")


def _widen_runs() -> None:
    for column in (
        sa.Column("source", sa.Text(), nullable=False, server_default=""),
        sa.Column("events", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("rank", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("turn", sa.BigInteger(), nullable=False, server_default=ZERO),
        sa.Column("in_line", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("head", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("held", sa.Text(), nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("gathers_until", UtcDateTime(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("owner", sa.String(length=64), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("after_decision", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("cancelled_by", sa.Text(), nullable=True),
    ):
        op.add_column("runs", column)
    op.execute("UPDATE runs SET source = (SELECT source FROM inbox WHERE inbox.seq = runs.seq)")
    op.execute(
        "UPDATE runs SET head = true WHERE status = 'queued' AND seq IN"
        " (SELECT min(seq) FROM runs WHERE status = 'queued' GROUP BY tenant, subject)"
    )
    for name, columns, unique, where in QUEUE:
        kept: Any = sa.text(where)
        op.create_index(name, "runs", list(columns), unique=unique, sqlite_where=kept, postgresql_where=kept)


def _free_episodes() -> None:
    """Memory outlives the runs it was made from."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("episodes_id_fkey", "episodes", type_="foreignkey")
        return
    naming = {"fk": "fk_%(table_name)s_%(column_0_name)s"}
    with op.batch_alter_table("episodes", naming_convention=naming) as batch:
        batch.drop_constraint("fk_episodes_id", type_="foreignkey")


def _create_queue_tables() -> None:
    op.create_table(
        "turns",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "source", "rank"),
    )
    op.create_table(
        "rates",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("starts", sa.Float(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "event_type"),
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("process", sa.Integer(), nullable=False),
        sa.Column("memory", sa.Text(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _create_operators_tables() -> None:
    op.create_table(
        "pauses",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "scope", "name"),
    )
    op.create_table(
        "dead_letters",
        sa.Column("run", sa.String(length=32), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("history", JSON_, nullable=False),
        sa.Column("replays", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["run"], ["runs.id"]),
        sa.PrimaryKeyConstraint("run"),
    )
    op.create_index("ix_dead_letters_state", "dead_letters", ["tenant", "state", "run"], unique=False)
    op.create_table(
        "large_results",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "digest"),
    )
