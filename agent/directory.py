"""The data directory: who holds it, and where things lie in it. Start with `DataDirectory.hold`.

`who_holds` looks without holding.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

LOCK = "segue.lock"


class DataDirectoryBusy(Exception):
    """Another process holds the data directory; says which."""


class HalfConfigured(DataDirectoryBusy):
    """Several processes would work on one store with an index each; says what to set."""


@dataclass(frozen=True, kw_only=True)
class DataDirectory:
    """A held data directory; a context manager that lets go of it."""

    path: Path
    lock: int | None
    """None: nobody holds it, as nothing in it belongs to one process."""

    @classmethod
    def share(cls, path: Path) -> DataDirectory:
        """Use the directory for what several processes may write: documents and caches. Raises OSError."""
        path.mkdir(parents=True, exist_ok=True)
        return cls(path=path, lock=None)

    @classmethod
    def hold(cls, path: Path) -> DataDirectory:
        """Create the directory if need be and hold it. Raises `DataDirectoryBusy`, OSError."""
        path.mkdir(parents=True, exist_ok=True)
        lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(lock, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(lock)
            raise DataDirectoryBusy(
                f"The data directory {str(path)!r} is held by process {holder}. "
                "Stop that process, talk to it over HTTP (--url), or use another directory (--data)."
            ) from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        return cls(path=path, lock=lock)

    @property
    def store_url(self) -> str:
        """Our own tables."""
        return f"sqlite:///{self.path / 'segue.sqlite'}"

    @property
    def engine_url(self) -> str:
        """DBOS's tables, in a file of their own."""
        return f"sqlite:///{self.path / 'engine.sqlite'}"

    @property
    def index(self) -> Path:
        """Chroma's folder."""
        return self.path / "index"

    @property
    def index_file(self) -> Path:
        """What Chroma keeps everything else by: without it the folder holds nothing."""
        return self.index / "chroma.sqlite3"

    @property
    def documents(self) -> Path:
        """The last good OpenAPI documents."""
        return documents_in(self.path)

    def __enter__(self) -> DataDirectory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.lock is not None:
            os.close(self.lock)


def documents_in(path: Path) -> Path:
    """Where a data directory, held or not, keeps the last good OpenAPI documents."""
    return path / "documents"


@dataclass(frozen=True, kw_only=True)
class Holding:
    """Who holds a data directory, or held it last."""

    held: bool
    process: int | None
    """As its lock file names it; another container may count processes differently."""


def who_holds(path: Path) -> Holding | None:
    """Look at the lock without waiting and without keeping it; None where nobody ever held the directory.

    Raises OSError where the lock file cannot be read.
    """
    try:
        lock = os.open(path / LOCK, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        text = os.read(lock, 32).decode("ascii", "replace").strip()
        process = int(text) if text.isascii() and text.isdigit() else None
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return Holding(held=True, process=process)
        return Holding(held=False, process=process)
    finally:
        os.close(lock)


def cache_dir(environment: Mapping[str, str], data: Path) -> Path:
    """Where the embedding graph is kept: shared by all data directories of a user where there is such a place."""
    if environment.get("SEGUE_CACHE"):
        return Path(environment["SEGUE_CACHE"])
    home = environment.get("XDG_CACHE_HOME") or (f"{environment['HOME']}/.cache" if environment.get("HOME") else "")
    if home and os.access(Path(home).parent, os.W_OK):
        return Path(home) / "segue"
    return data / "cache"
