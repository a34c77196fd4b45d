"""The data directory: who holds it, and where things lie in it. Start with `DataDirectory.hold`."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

LOCK = "segue.lock"


class DataDirectoryBusy(Exception):
    """Another process holds the data directory; says which."""


@dataclass(frozen=True, kw_only=True)
class DataDirectory:
    """A held data directory; a context manager that lets go of it."""

    path: Path
    lock: int

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
        return self.path / "documents"

    def __enter__(self) -> DataDirectory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.lock)
