"""Where a server's processor time goes, by thread and by package. Start with `Watch`.

Times are those of the processor, so that other work on the machine does not count; watching makes all of them larger,
short Python calls most.
"""

from __future__ import annotations

import cProfile
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Self, TypeVar

T = TypeVar("T")

OURS = ("agent", "memory", "tools", "api", "evals")
TOP = 25
LEAST_MS = 0.05
"""What takes less in a run is left out."""


@dataclass
class Watch:
    """Watches the threads that are started while it is open, and from `begin` on the one that calls it."""

    watched: list[tuple[str, cProfile.Profile]] = field(default_factory=list)

    def __enter__(self) -> Self:
        threading.setprofile(self._first)
        return self

    def __exit__(self, *_: object) -> None:
        threading.setprofile(None)
        sys.setprofile(None)

    def begin(self) -> None:
        """All is open: forget what was seen till now, and watch this thread too."""
        for _, profile in self.watched:
            profile.clear()
        self._add()

    def told(self, runs: int) -> str:
        """What was seen, as tables for people; this thread is not watched any more."""
        sys.setprofile(None)
        return _told(self.watched, max(1, runs))

    def _first(self, _frame: FrameType, _event: str, _argument: Any) -> None:
        sys.setprofile(None)
        self._add()

    def _add(self) -> None:
        profile = cProfile.Profile(time.thread_time)
        self.watched.append((_group(threading.current_thread().name), profile))
        profile.enable()


def _group(thread: str) -> str:
    return thread.rstrip("0123456789").rstrip("-_") or thread


def _told(watched: list[tuple[str, cProfile.Profile]], runs: int) -> str:
    packages: defaultdict[tuple[str, str], float] = defaultdict(float)
    functions: defaultdict[tuple[str, str], float] = defaultdict(float)
    threads: defaultdict[str, float] = defaultdict(float)
    for thread, profile in watched:
        for entry in profile.getstats():
            if isinstance(entry.code, str):
                continue  # Built-in: it is added to those who call it.
            own = entry.inlinetime + sum(
                called.inlinetime for called in entry.calls or () if isinstance(called.code, str)
            )
            threads[thread] += own
            packages[thread, _package(entry.code)] += own
            if _package(entry.code) in OURS:
                functions[thread, f"{_package(entry.code)} {entry.code.co_qualname}"] += entry.totaltime
    lines = [f"{runs} runs, milliseconds of processor time a run (watched: larger than unwatched)", "", "by thread"]
    lines += _table([(name, "", ms) for name, ms in _largest(threads)], runs)
    lines += ["", "by thread and package, own time with the built-ins it calls"]
    lines += _table([(*key, ms) for key, ms in _largest(packages)[:TOP]], runs)
    lines += ["", "our functions, with all they call (coroutines: without what they wait for)"]
    lines += _table([(*key, ms) for key, ms in _largest(functions)[: 2 * TOP]], runs)
    return "\n".join(lines) + "\n"


def _largest(times: Mapping[T, float]) -> list[tuple[T, float]]:
    return sorted(times.items(), key=lambda pair: -pair[1])


def _table(rows: list[tuple[str, str, float]], runs: int) -> list[str]:
    per_run = [(thread, what, 1000 * seconds / runs) for thread, what, seconds in rows]
    return [f"{ms:8.2f}  {thread:24} {what}" for thread, what, ms in per_run if ms >= LEAST_MS]


def _package(code: CodeType) -> str:
    path = Path(code.co_filename)
    parts = path.parts
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1].removesuffix(".py")
    for name in OURS:
        if name in parts:
            return name
    return "python"
