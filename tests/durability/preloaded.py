"""A parent that has everything imported and forks programs, so that a start takes no imports.

Start with `Preloaded.run`. A program is the `main` of a module, such as `api.cli` for `segue`, in a process of its own
with words and environment of its own; it ends with the parent, and the parent ends with whoever started it.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parent.parent.parent
GONE_POLL_S = 0.01
PROGRAMS = (
    "agent.wiring",
    "api.cli",
    "api.serving",
    "memory.minilm",
    "tests.durability.storm_load",
    "tests.durability.storm_tools",
)
"""What is imported before anything is forked: they and what they need."""
DIE_WITH_PARENT = 1
"""Linux's PR_SET_PDEATHSIG."""


class Preloaded:
    """The parent; an async context manager that ends it and all it forked."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        with self._log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "tests.durability.preloaded"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=output,
                cwd=ROOT,
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()

    async def run(
        self, module: str, words: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> int:
        """Start a program; its process id. What it prints is added to the log."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("the parent is not running")
        given = dict(os.environ if environment is None else environment)
        order = {"module": module, "words": list(words), "log": str(log), "environment": given}
        process.stdin.write(json.dumps(order).encode() + b"\n")
        answer = await process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the parent ended; see {self._log}")
        return int(answer)


def lives(process: int) -> bool:
    """Whether a forked process is still there; the parent buries the dead at once."""
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


async def end(process: int, how: signal.Signals) -> None:
    """Send a signal and wait until the process is gone."""
    with suppress(ProcessLookupError):
        os.kill(process, how)
    while lives(process):
        await asyncio.sleep(GONE_POLL_S)


def main() -> None:
    """Fork a program for every line of standard input, and answer with its process id; words name more to import."""
    for module in (*PROGRAMS, *sys.argv[1:]):
        import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(order)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


def _become(order: Mapping[str, Any]) -> None:
    """Be the program; never returns."""
    code = 1
    try:
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.clear()
        os.environ.update(order["environment"])
        sys.argv = [order["module"], *order["words"]]
        import_module(order["module"]).main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
