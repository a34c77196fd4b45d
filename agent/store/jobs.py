"""Works that wait to be written, and what their callers are told. Start with `Waiting`."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

TOGETHER_S = 0.008
"""For so long works are added to a commit before it is made."""

MOST_TOGETHER = 64


@dataclass(eq=False)
class Job:
    """A work, and who waits for it."""

    work: Callable[[Connection], Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class Waiting:
    """Urgent works go first, and never starve the others."""

    def __init__(self) -> None:
        self._urgent: deque[Job] = deque()
        self._usual: deque[Job] = deque()

    def __len__(self) -> int:
        return len(self._urgent) + len(self._usual)

    def add(self, work: Callable[[Connection], Any], *, urgent: bool) -> Job:
        """Let a work of the running loop wait."""
        job = Job(work, asyncio.get_running_loop().create_future())
        (self._urgent if urgent else self._usual).append(job)
        return job

    def next(self, done: int) -> Job | None:
        """The next after `done` others of this commit: every fourth is a usual one."""
        first, second = (self._usual, self._urgent) if done % 4 == 3 else (self._urgent, self._usual)
        for waiting in (first, second):
            if waiting:
                return waiting.popleft()
        return None


def resolve(jobs: Sequence[Job]) -> None:
    """Tell the callers, on their loop."""
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
