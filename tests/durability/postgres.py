"""A PostgreSQL server of the tests' own that can be restarted under load. Start with `Postgres.own`."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


class NoPostgres(Exception):
    """There is none to start; says why."""


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """A running server, listening on a socket in its folder only."""

    folder: Path
    binaries: Path
    user: str

    @classmethod
    @contextmanager
    def own(cls) -> Iterator[Postgres]:
        """A new server with an empty database, until the end of the block. Raises `NoPostgres`."""
        user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        # Not below TMPDIR: the server runs as another user, who may not enter it, and a socket's path must be short.
        folder = Path(tempfile.mkdtemp(prefix="segue-pg-", dir="/tmp"))
        try:
            if os.geteuid() == 0:
                _give(folder, user)
            server = cls(folder=folder, binaries=_binaries(), user=user)
            server.run("initdb", "--username", "segue", "--auth", "trust", "--no-sync")
            server.start()
            try:
                yield server
            finally:
                server.stop("immediate")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """Of its database, for SQLAlchemy."""
        return f"postgresql+psycopg://segue@/postgres?host={self.folder}"

    def start(self) -> None:
        """Start and wait until it answers."""
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off -c max_connections=50"
        self.run("pg_ctl", "--options", options, "--log", str(self.folder / "log"), "--wait", "start")

    def stop(self, how: Literal["fast", "immediate"]) -> None:
        """`fast` ends its connections and writes all; `immediate` is a crash, recovered at the next start."""
        self.run("pg_ctl", "--mode", how, "--wait", "stop")

    def run(self, program: str, *words: str) -> None:
        """One of PostgreSQL's programs on this server's data."""
        command = [str(self.binaries / program), "--pgdata", str(self.folder / "data"), *words]
        subprocess.run(command, check=True, capture_output=True, user=self.user, cwd=self.folder, timeout=60)


def _give(folder: Path, user: str) -> None:
    try:
        shutil.chown(folder, user)
    except LookupError as error:
        raise NoPostgres("PostgreSQL does not run as root, and there is no user postgres") from error


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise NoPostgres("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    return Path(on_path).parent
