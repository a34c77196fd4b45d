"""Streams of runs as tests read them. Start with `opened`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from api.following import EventReader, Told
from tests.api.served import Served


@contextmanager
def opened(served: Served, run: str, last: str | None = None) -> Iterator[Iterator[Told]]:
    """The events of a run's stream after the one with this id, as they come."""
    headers = {} if last is None else {"last-event-id": last}
    with served.http.stream("GET", f"/v1/runs/{run}/stream", headers=headers) as response:
        assert response.status_code == 200, response.read()
        yield EventReader().read(response.iter_lines())


def whole(served: Served, run: str, last: str | None = None) -> list[Told]:
    """All events, to the end of the stream."""
    with opened(served, run, last) as events:
        return list(events)


def answered(served: Served, run: str, last: str) -> httpx.Response:
    """The answer to one who comes back with this id, where it is no stream."""
    return served.http.get(f"/v1/runs/{run}/stream", headers={"last-event-id": last})
