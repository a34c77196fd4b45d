"""Work that may hang, given up after a time. Start with `within`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

_THREAD = "segue-doctor"


class Overrun(Exception):
    """It has not ended within its time; its thread is left behind."""


class _Work(Generic[T]):
    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self.result: T | BaseException = Overrun()
        self.thread = threading.Thread(target=self._run, name=_THREAD, daemon=True)

    def _run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:  # noqa: BLE001  tools may raise whatever they like while they are imported
            self.result = error


def within(limit_s: float, works: Sequence[Callable[[], T]]) -> list[T | BaseException]:
    """Do all at the same time, each in a thread: what each gave or raised, `Overrun` for what is not done in time."""
    started = [_Work(work) for work in works]
    for one in started:
        one.thread.start()
    until = time.monotonic() + limit_s
    for one in started:
        one.thread.join(max(0.0, until - time.monotonic()))
    return [one.result for one in started]


def left_behind() -> bool:
    """Whether something that was given up still runs, and could keep the process from ending."""
    return any(thread.name == _THREAD for thread in threading.enumerate())
