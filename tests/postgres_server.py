"""A PostgreSQL server of the tests' own, where the machine has one installed. Start with `postgres_server`."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class NoServer(Exception):
    """There is no server to start; says why."""


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise NoServer("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    return Path(on_path).parent


@contextmanager
def postgres_server() -> Iterator[str]:
    """URL of an empty database on a socket of its own. Raises `NoServer`."""
    binaries = _binaries()
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    # Not below TMPDIR: the server runs as another user, who may not enter it, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="segue-pg-", dir="/tmp"))
    if os.geteuid() == 0:
        try:
            shutil.chown(folder, user)
        except LookupError:
            raise NoServer("PostgreSQL does not run as root, and there is no user postgres") from None

    def run(*arguments: str) -> None:
        command = [str(binaries / arguments[0]), *arguments[1:]]
        subprocess.run(command, check=True, capture_output=True, user=user, cwd=folder, timeout=60)

    data = folder / "data"
    run("initdb", "--pgdata", str(data), "--username", "segue", "--auth", "trust", "--no-sync")
    options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=100"
    run("pg_ctl", "--pgdata", str(data), "--options", options, "--log", str(folder / "log"), "--wait", "start")
    try:
        yield f"postgresql+psycopg://segue@/postgres?host={folder}"
    finally:
        run("pg_ctl", "--pgdata", str(data), "--mode", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
