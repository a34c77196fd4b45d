"""Whether the disk of the data directory has room and can do what SQLite and the lock need.

The probe is a folder of its own that is removed again; a data directory that is in use is not touched.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from agent.directory import who_holds
from api.doctor.finding import Finding, Setup, failed, ok, warning

LEAST = 50_000_000
"""Bytes below which even a start is in danger."""
LITTLE = 1_000_000_000
_RIGHT = "Give the user that runs Segue the right to write there, or use another data directory (--data)."
_ROOM = "Make room, or use a data directory on another disk (--data)."


def look_at_disk(setup: Setup) -> Iterator[Finding]:
    """Room, then what the file system can do."""
    try:
        place = _existing(setup.data)
        yield _room(place)
    except OSError as error:
        yield failed(f"{setup.data} cannot be looked at: {error.strerror or error}", _RIGHT)
        return
    try:
        holding = who_holds(setup.data)
    except OSError:
        holding = None  # the check of the data directory says so
    if holding is not None and holding.held:
        return
    try:
        with tempfile.TemporaryDirectory(prefix=".segue-doctor-", dir=place) as probe:
            yield _probed(place, Path(probe))
    except OSError as error:
        yield failed(f"{place} cannot be written: {error.strerror or error}", _RIGHT)


def _existing(data: Path) -> Path:
    """The data directory, or the folder in which it would be made."""
    return next(path for path in (data.absolute(), *data.absolute().parents) if path.is_dir())


def _room(place: Path) -> Finding:
    free = shutil.disk_usage(place).free
    inodes = os.statvfs(place)
    text = f"{place}: {free / 1e9:.1f} GB free" if free >= LITTLE else f"{place}: {free / 1e6:.1f} MB free"
    if free < LEAST:
        return failed(text, _ROOM)
    if inodes.f_files and not inodes.f_favail:
        return failed(f"{text}, but no file can be added (no inodes)", _ROOM)
    return warning(text, _ROOM) if free < LITTLE else ok(text)


def _probed(place: Path, probe: Path) -> Finding:
    try:
        with (probe / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        mode = _write_ahead(probe / "probe.sqlite")
    except (OSError, sqlite3.Error) as error:
        return failed(f"{place}: SQLite does not work there: {error}", "Use a data directory on a local disk (--data).")
    if mode != "wal":
        return failed(
            f"{place}: SQLite's write-ahead log does not work there (it stays {mode!r})",
            "Use a data directory on a local disk (--data); network file systems cannot do it.",
        )
    return ok(f"{place} can be written, locks and SQLite's write-ahead log work")


def _write_ahead(file: Path) -> str:
    with closing(sqlite3.connect(file)) as writer, closing(sqlite3.connect(file)) as reader:
        mode = str(writer.execute("PRAGMA journal_mode=WAL").fetchone()[0])
        writer.execute("CREATE TABLE probe (value INTEGER)")
        with writer:
            writer.execute("INSERT INTO probe VALUES (1)")
        if reader.execute("SELECT value FROM probe").fetchall() != [(1,)]:
            raise sqlite3.OperationalError("what was written cannot be read")
    return mode
