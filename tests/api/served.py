"""A real Segue behind real HTTP on loopback, for the tests of a module. Start with `open_served`."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from agent.types import Decision, Question, Situation
from api.address import listen
from api.app import build_app
from api.keyfile import Key
from tests.agent.company import Company, call, dies, open_company

ENDED = frozenset({"done", "stopped", "failed", "cancelled", "waiting"})


class ByWord:
    """A decider that does what the first word of the event's message says, once."""

    name = "by-word"

    async def decide(self, situation: Situation) -> Decision:
        """The calls for that word in the first decision, none later."""
        words = {
            "pause": (call("pause_mail", days=3),),
            "refund": (call("pay_back", amount=5),),
            "lose": (call("book_call", note=situation.event.id),),
        }
        message = str(situation.event.data.get("message", ""))
        word = message.partition(" ")[0]
        if situation.decision == 1 and word in words:
            return Decision(kind="act", reason=f"as told: {message}", calls=words[word], decided_by=self.name)
        if situation.decision == 1 and word == "ask":
            options = (call("book_call"), call("pause_mail"))
            question = Question(text=f"What now? {message}", options=options)
            return Decision(kind="ask", reason="unsure", question=question, decided_by=self.name)
        return Decision(kind="finish", reason="nothing to do", decided_by=self.name)


@dataclass
class Served:
    """A running Segue and a client for it."""

    url: str
    company: Company
    http: httpx.Client
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def event(self, message: str = "pause please", **changes: Any) -> dict[str, Any]:
        """A structured event that was never sent before; a change to None leaves the attribute out."""
        number = next(self.numbers)
        made = {
            "specversion": "1.0",
            "id": f"e-{number}",
            "source": "/tests",
            "type": "customer.upset",
            "subject": f"c-{number}",
            "time": "2026-11-01T10:00:00Z",
            "data": {"message": message},
        } | changes
        return {name: value for name, value in made.items() if value is not None}

    def send(self, event: Any, content_type: str = "application/cloudevents+json") -> httpx.Response:
        """Post a JSON body as events."""
        return self.http.post("/v1/events", content=json.dumps(event), headers={"content-type": content_type})

    def handle(self, message: str = "pause please", **changes: Any) -> dict[str, Any]:
        """Send an event and wait for its run."""
        response = self.send(self.event(message, **changes))
        assert response.status_code == 202, response.text
        return self.ended(response.json()["accepted"][0]["run"])

    def ended(self, run: str) -> dict[str, Any]:
        """The run once it has ended or waits."""
        until = time.monotonic() + 20
        while True:
            found: dict[str, Any] = self.http.get(f"/v1/runs/{run}").json()
            if found["status"] in ENDED:
                return found
            assert time.monotonic() < until, found
            time.sleep(0.005)

    def lose_next_call(self) -> None:
        """The next booked call is acted on, and its answer lost."""
        self.company.ledger.faults.setdefault("book_call", []).append(dies)


@contextmanager
def open_served(data: Path, keys: tuple[Key, ...] | None = None, **changes: Any) -> Iterator[Served]:
    """Serve on a free port from a thread of its own, until the end of the block; `changes` are of the settings."""
    started: list[tuple[Company, uvicorn.Server]] = []
    failed: list[BaseException] = []
    up = threading.Event()
    with listen("127.0.0.1", 0) as listener:

        async def main() -> None:
            async with open_company(data, ByWord(), **changes) as company:
                app = build_app(company.segue, keys=keys)
                server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
                started.append((company, server))
                up.set()
                await server.serve(sockets=[listener])

        def run() -> None:
            try:
                asyncio.run(main())
            except BaseException as error:
                failed.append(error)
                raise
            finally:
                up.set()

        thread = threading.Thread(target=run, name="served")
        thread.start()
        up.wait()
        if failed:
            raise failed[0]
        company, server = started[0]
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            with httpx.Client(base_url=url, trust_env=False, timeout=20) as http:
                yield Served(url=url, company=company, http=http)
        finally:
            server.should_exit = True
            thread.join()


def is_problem(response: httpx.Response) -> bool:
    """Whether the answer is a whole RFC 9457 problem."""
    if response.headers["content-type"] != "application/problem+json":
        return False
    body = response.json()
    return bool(body["status"] == response.status_code and {"type", "title", "detail"} <= body.keys())
