"""How many events are being taken in at once, and how much memory their bodies fill. Start with `Intake.taking`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from api.problems import Busy


class Taken:
    """One request's share."""

    def __init__(self, intake: Intake) -> None:
        self.bytes = 0
        self._intake = intake

    def more(self, number: int) -> None:
        """So many bytes more have come. Raises `Busy` when they are too many with those of the others."""
        self.bytes += number
        self._intake.bytes += number
        if self._intake.bytes > self._intake.most_bytes:
            raise Busy(f"bodies of {self._intake.most_bytes} bytes are being taken in, as many as may be")


class Intake:
    """What is held between a request's first byte and its answer."""

    def __init__(self, *, most: int, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self._most = most
        self._count = 0

    @contextmanager
    def taking(self) -> Iterator[Taken]:
        """Take one request in. Raises `Busy` when there are too many."""
        if self._count >= self._most:
            raise Busy(f"{self._count} requests are being taken in, as many as may be")
        taken = Taken(self)
        self._count += 1
        try:
            yield taken
        finally:
            self._count -= 1
            self.bytes -= taken.bytes
