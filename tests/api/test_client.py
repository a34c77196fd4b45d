"""What commands do when a Segue has too much to do, or is lost for a while."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from agent.seen import Seen
from api.client import ATTEMPTS, Client
from api.following import MOST_LOSSES, follow_run
from api.terminal import CommandError

RUN = "01JG0000000000000000ABCDEF"


@dataclass
class Scripted:
    """A server that gives its answers in turn, the last of them for ever, and keeps what it was asked."""

    answers: list[tuple[int, dict[str, str], bytes]]
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def next(self) -> tuple[int, dict[str, str], bytes]:
        """The answer to the request that came last."""
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


@contextmanager
def scripted(*answers: tuple[int, dict[str, str], bytes]) -> Iterator[Scripted]:
    """Serve on loopback until the end of the block."""
    script = Scripted(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            script.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            self.rfile.read(int(self.headers.get("content-length", 0)))
            status, headers, body = script.next()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        script.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()


FULL = (429, {"retry-after": "7"}, b'{"title": "The queue is full", "detail": "later"}')
TAKEN: tuple[int, dict[str, str], bytes] = (202, {}, b'{"accepted": []}')


def test_a_full_queue_is_waited_for_as_long_as_it_says() -> None:
    waits: list[float] = []
    with scripted(FULL, (503, {"retry-after": "999"}, b"{}"), TAKEN) as script:
        client = Client(script.url, None, waits.append)
        assert client.post("/v1/events", content=b"[]", headers={}) == {"accepted": []}
    assert waits == [7, 60]


def test_a_queue_that_stays_full_is_given_up() -> None:
    waits: list[float] = []
    with scripted(FULL) as script, pytest.raises(CommandError, match="The queue is full"):
        Client(script.url, None, waits.append).post("/v1/events", content=b"[]", headers={})
    assert len(script.asked) == ATTEMPTS == len(waits) + 1


def test_an_answer_that_names_no_time_is_not_asked_for_again() -> None:
    waits: list[float] = []
    with scripted((503, {}, b'{"title": "Memory", "detail": "away"}')) as script, pytest.raises(CommandError):
        Client(script.url, None, waits.append).get("/v1/runs")
    assert (len(script.asked), waits) == (1, [])


def part(number: int, name: str = "decision") -> bytes:
    """One event of a stream."""
    return f'id: {Seen(decisions=number).text(RUN)}\nevent: {name}\ndata: {{"number": {number}}}\n\n'.encode()


def test_a_lost_stream_is_taken_up_where_it_broke_off() -> None:
    waits: list[float] = []
    opening = b"retry: 250\n\n: still here\n\n"
    with scripted(
        (200, {}, opening + part(1) + part(2)[:-10]),
        (503, {"retry-after": "5"}, b"{}"),
        (200, {}, opening + part(2) + part(3, "end")),
    ) as script:
        told = list(follow_run(Client(script.url, None), RUN, waits.append))
    assert [(one.name, one.data["number"]) for one in told] == [("decision", 1), ("decision", 2), ("end", 3)]
    assert [headers.get("last-event-id") for _, headers in script.asked] == [None, told[0].id, told[0].id]
    assert waits == [0.25, 5]


def test_a_stream_that_is_lost_again_and_again_is_given_up() -> None:
    with scripted((200, {}, b"")) as script, pytest.raises(CommandError, match="lost"):
        list(follow_run(Client(script.url, None), RUN, lambda _: None))
    assert len(script.asked) == MOST_LOSSES


def test_an_error_is_told_at_once() -> None:
    waits: list[float] = []
    missing = (404, {"x": "y"}, b'{"title": "No such thing", "detail": "no run"}')
    with scripted(missing) as script, pytest.raises(CommandError, match="no run"):
        list(follow_run(Client(script.url, None), RUN, waits.append))
    assert waits == []
