"""A PostgreSQL server of a measurement's own, where one is installed. Start with `server`.

Its settings are PostgreSQL's defaults, so a commit is on disk when it says so.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from evals.bench.errors import BenchError

CONNECTIONS = 200


def binaries() -> Path | None:
    """The folder of `initdb` and `pg_ctl`; None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@contextmanager
def server(programs: Path, port: int) -> Iterator[str]:
    """Address of an empty server on loopback, until the block ends. Raises `BenchError`."""
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    # Not below TMPDIR: the server runs as another user, who may not enter it, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="segue-pg-", dir="/tmp"))

    def run(*arguments: str) -> None:
        command = [str(programs / arguments[0]), *arguments[1:]]
        subprocess.run(command, check=True, capture_output=True, user=user, cwd=folder, timeout=60)  # noqa: S603

    data = folder / "data"
    options = f"-k {folder} -c listen_addresses=127.0.0.1 -c port={port} -c max_connections={CONNECTIONS}"
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, user)
        run("initdb", "--pgdata", str(data), "--username", "bench", "--auth", "trust")
        run("pg_ctl", "--pgdata", str(data), "--options", options, "--log", str(folder / "log"), "--wait", "start")
    except (subprocess.SubprocessError, LookupError, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise BenchError(f"PostgreSQL did not start: {error}") from error
    try:
        yield f"postgresql+psycopg://bench@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "--pgdata", str(data), "--mode", "fast", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def new_database(url: str, name: str) -> str:
    """The address of a new, empty database beside the one given. Raises `BenchError`."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    except sa.exc.SQLAlchemyError as error:
        raise BenchError(f"a database {name!r} cannot be made: {error}") from error
    finally:
        engine.dispose()
    return make_url(url).set(database=name).render_as_string(hide_password=False)
