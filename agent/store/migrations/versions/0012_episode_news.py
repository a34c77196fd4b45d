"""Which episodes say something else than before: written by the database itself, whoever changes them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SAYS = "source, event_type, text, features, actions, declined, trust, closed_at, crowd, tidied"
"""Columns of an episode that recall goes by; `place`, `indexed` and `left_out` are not among them."""

TOLD = (
    ("rewards", "INSERT", "NEW.run"),
    ("rewards", "UPDATE", "OLD.run, NEW.run"),
    ("rewards", "DELETE", "OLD.run"),
    ("episodes", f"UPDATE OF {SAYS}", "NEW.id"),
    ("episodes", "DELETE", "OLD.id"),
    ("crowds", "INSERT", "NEW.voice"),
    ("crowds", "UPDATE OF voice, tenant, event_type, changes", "OLD.voice, NEW.voice"),
    ("crowds", "DELETE", "OLD.voice"),
    # What was found about sources and actions may concern any episode.
    *((table, change, "NULL") for table in ("revoked_sources", "changes") for change in ("INSERT", "UPDATE", "DELETE")),
)

TRIGGER = """
CREATE TRIGGER episode_news_{number} AFTER {change} ON {table}
BEGIN INSERT INTO episode_news (episode) VALUES {rows}; END
"""
SHORTEN = """
CREATE TRIGGER episode_news_last AFTER INSERT ON episode_news WHEN NEW.seq % 100 = 0
BEGIN DELETE FROM episode_news WHERE seq <= NEW.seq - 10000; END
"""
"""Who followed none of so many rows looks at everything anew."""


def upgrade() -> None:
    op.create_table(
        "episode_news",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("episode", sa.String(length=32), nullable=True),
        sqlite_autoincrement=True,
    )
    if op.get_bind().dialect.name != "sqlite":
        return
    for number, (table, change, which) in enumerate(TOLD):
        rows = ", ".join(f"({name})" for name in which.split(", "))
        op.execute(TRIGGER.format(number=number, table=table, change=change, rows=rows))
    op.execute(SHORTEN)


def downgrade() -> None:
    raise NotImplementedError("a store is not taken back to an older schema; restore the copy made before")
