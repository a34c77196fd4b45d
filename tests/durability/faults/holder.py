"""Another process that holds the write lock of an SQLite file. Start with `hold`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = """
import select, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
connection.execute(sys.argv[2])
print("held", flush=True)
select.select([sys.stdin], [], [], 60)
connection.execute("ROLLBACK")
"""


@contextmanager
def hold(file: Path, how: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    """Nobody else can write until the end of the block; with `BEGIN EXCLUSIVE` nobody can read either.

    It ends after a minute whatever happens here: who waits for the lock may keep this process from ending it.
    """
    with subprocess.Popen(
        [sys.executable, "-S", "-c", PROGRAM, str(file), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()
