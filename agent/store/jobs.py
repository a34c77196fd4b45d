"""Works that wait to be written, and what their callers are told. Start with `Waiting`."""

from __future__ import annotations

import asyncio
import time
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
    """Urgent works go first, and never starve the others; long ones have a line of their own.

    One takes them out; others may add to them from another thread meanwhile.
    """

    def __init__(self) -> None:
        self._urgent: deque[Job] = deque()
        self._usual: deque[Job] = deque()
        self._long: deque[Job] = deque()

    @property
    def urgent(self) -> bool:
        """Whether an urgent one waits."""
        return bool(self._urgent)

    def __len__(self) -> int:
        return len(self._urgent) + len(self._usual) + len(self._long)

    def add(self, work: Callable[[Connection], Any], *, urgent: bool, long: bool = False) -> Job:
        """Let a work of the running loop wait."""
        job = Job(work, asyncio.get_running_loop().create_future())
        (self._long if long else self._urgent if urgent else self._usual).append(job)
        return job

    def next(self, done: int) -> Job | None:
        """The next short one after `done` others of this commit: every fourth is a usual one."""
        lines = (self._usual, self._urgent) if done % 4 == 3 else (self._urgent, self._usual)
        return next((line.popleft() for line in lines if line), None)

    def next_long(self) -> Job | None:
        """The next long one."""
        return self._long.popleft() if self._long else None

    def run(self, connection: Connection, jobs: list[Job], most: int = MOST_TOGETHER) -> None:
        """Run the jobs, and short ones that wait, which are added to them, as long as there is time and room."""
        until = time.monotonic() + TOGETHER_S
        for job in jobs:
            job.result = job.work(connection)
            room = len(jobs) < most and time.monotonic() < until
            following = self.next(len(jobs)) if room else None
            if following is not None:
                jobs.append(following)


def resolve(jobs: Sequence[Job]) -> None:
    """Tell the callers, on their loop."""
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
