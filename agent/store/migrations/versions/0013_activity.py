"""Who did what: lines that are written with each act, and that nobody changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

CHANGED = "a line of activity is never changed"
REMOVED = "lines of activity are removed by pruning alone"
MAY_GO = 'EXISTS (SELECT 1 FROM activity_pruning WHERE "before" > OLD.at)'

SQLITE = (
    ("update", "UPDATE", "1", CHANGED),
    ("delete", "DELETE", f"NOT {MAY_GO}", REMOVED),
    # What REPLACE removes is told to no other trigger.
    ("replace", "INSERT", "EXISTS (SELECT 1 FROM activity WHERE id = NEW.id)", CHANGED),
)
SQLITE_TRIGGER = """
CREATE TRIGGER activity_no_{name} BEFORE {event} ON activity WHEN {condition}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
POSTGRESQL = (
    f"""
CREATE FUNCTION activity_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN RAISE EXCEPTION '{CHANGED}'; END IF;
  IF TG_OP = 'DELETE' THEN
    IF {MAY_GO} THEN RETURN OLD; END IF;
  END IF;
  RAISE EXCEPTION '{REMOVED}';
END $$
""",
    "CREATE TRIGGER activity_stays BEFORE UPDATE OR DELETE ON activity FOR EACH ROW EXECUTE FUNCTION activity_stays()",
    "CREATE TRIGGER activity_stays_whole BEFORE TRUNCATE ON activity EXECUTE FUNCTION activity_stays()",
)


def upgrade() -> None:
    json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    op.create_table(
        "activity",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("door", sa.String(16), nullable=False),
        sa.Column("act", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("run", sa.String(32)),
        sa.Column("subject", sa.Text()),
        sa.Column("event_type", sa.Text()),
        sa.Column("named", sa.Text(), nullable=False),
        sa.Column("detail", json, nullable=False),
        sqlite_autoincrement=True,
    )
    for name, columns in (("tenant", []), ("who", ["who"]), ("act", ["act"]), ("about", ["kind", "about"])):
        op.create_index(f"ix_activity_{name}", "activity", ["tenant", *columns, "id"])
    there = sa.text("run IS NOT NULL")
    op.create_index("ix_activity_run", "activity", ["tenant", "run", "id"], sqlite_where=there, postgresql_where=there)
    op.create_table("activity_pruning", sa.Column("before", sa.DateTime(timezone=True), primary_key=True))
    op.create_table(
        "settings_seen",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("content", json, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        for name, event, condition, why in SQLITE:
            op.execute(SQLITE_TRIGGER.format(name=name, event=event, condition=condition, why=why))
    else:
        for statement in POSTGRESQL:
            op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("a store is not taken back to an older schema; restore the copy made before")
