"""The stream of a run, followed over lost connections. Start with `follow_run`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from api.client import Client, StreamLost
from api.terminal import CommandError

MOST_LOSSES = 30
"""Lost connections in a row, with nothing told between, after which it is given up."""
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Told:
    """One event of a stream."""

    id: str
    name: str
    data: dict[str, Any]


@dataclass
class EventReader:
    """Server-sent events from their lines, as far as Segue uses them."""

    last_id: str = ""
    retry_s: float = FIRST_RETRY_S

    def read(self, lines: Iterable[str]) -> Iterator[Told]:
        """Whole events; one that was cut off is not told."""
        name, data = "", ""
        for line in lines:
            if not line:
                if data:
                    yield Told(id=self.last_id, name=name, data=_object(data))
                name, data = "", ""
                continue
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match field:
                case "id":
                    self.last_id = value
                case "event":
                    name = value
                case "data":
                    data += value
                case "retry" if value.isascii() and value.isdigit():
                    self.retry_s = min(int(value[:9]) / 1000, LONGEST_RETRY_S)


def follow_run(client: Client, run: str, sleep: Callable[[float], None] = time.sleep) -> Iterator[Told]:
    """What happens to a run until it has ended, each thing once, from its beginning. Raises `CommandError`."""
    reader = EventReader()
    seen, losses = "", 0
    while True:
        headers = {"accept": "text/event-stream", **({"last-event-id": seen} if seen else {})}
        wait: float | None = None
        lost = "the server closed the stream"
        try:
            for told in reader.read(client.lines(f"/v1/runs/{quote(run, safe='')}/stream", headers)):
                seen, losses = told.id, 0
                yield told
                if told.name == "end":
                    return
        except StreamLost as error:
            lost, wait = str(error), error.retry_after_s
        losses += 1
        if losses >= MOST_LOSSES:
            raise CommandError(f"The stream of run {run} was lost {losses} times in a row: {lost}")
        sleep(reader.retry_s if wait is None else wait)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CommandError("The stream is not what a Segue sends. Is the address (--url) right?") from error
    if not isinstance(found, dict):
        raise CommandError("The stream is not what a Segue sends. Is the address (--url) right?")
    return found
