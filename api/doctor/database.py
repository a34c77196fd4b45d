"""Whether PostgreSQL can be reached, where it takes the place of SQLite. The session is read-only."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from agent.store.postgres_store import HOLDING
from api.doctor.finding import Finding, Setup, failed, ok, warning
from api.doctor.revisions import judge_revision

CONNECT_S = 5
_FORM = "Use postgresql+psycopg://USER:PASSWORD@HOST/DATABASE (--database-url, SEGUE_DATABASE_URL), or leave it out."


def look_at_database(setup: Setup) -> Iterator[Finding]:
    """Nothing where SQLite is used."""
    if setup.database_url is None:
        return
    try:
        url = make_url(setup.database_url)
    except (ArgumentError, ValueError):
        yield failed("the database's address cannot be read", _FORM)
        return
    if url.get_backend_name() != "postgresql":
        yield failed(f"{url.get_backend_name()!r} is no PostgreSQL", _FORM)
        return
    yield from _asked(url)


def _asked(url: URL) -> Iterator[Finding]:
    shown = f"{url.host or 'local socket'}/{url.database or ''}"
    options = "-c default_transaction_read_only=on -c statement_timeout=5000 -c lock_timeout=2000"
    try:
        engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": CONNECT_S, "options": options})
        with engine.connect() as connection:
            yield from _found(connection, shown)
    except (SQLAlchemyError, ImportError) as error:
        # The driver's own words, without the address they may quote with its password.
        reason = str(getattr(error, "orig", None) or error)
        if url.password:
            reason = reason.replace(str(url.password), "***")
        yield failed(f"{shown} does not work: {' '.join(reason.split())[:400]}", f"Start PostgreSQL. {_FORM}")


def _found(connection: Connection, shown: str) -> Iterator[Finding]:
    version = connection.execute(text("SHOW server_version")).scalar_one()
    yield ok(f"{shown} answers: PostgreSQL {version}")
    held = connection.execute(
        text(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = :key "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ),
        {"key": HOLDING},
    ).scalar_one()
    if held:
        yield warning(f"a Segue works on {shown}", "To serve on it from here, stop that one first.")
    there = connection.execute(text("SELECT to_regclass('alembic_version') IS NOT NULL")).scalar_one()
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if there else None
    yield judge_revision(shown, revision)
