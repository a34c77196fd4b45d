"""More than is taken, over HTTP: a full queue, too many requests, large batches."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agent.accepting import BatchError
from agent.events import RawEvent
from agent.store.inbox import Accepted
from api.bodies import Limits
from tests.agent.company import PORTFOLIO, open_company, raw
from tests.api.served import Served, is_problem, open_served
from tests.api.stand_in import StandIn, app_over, client_for

BATCH = "application/cloudevents-batch+json"
STRUCTURED = {"content-type": "application/cloudevents+json"}
EVENT = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": {}}


@contextmanager
def held_up(served: Served, subject: str) -> Iterator[str]:
    """A run that goes on at its tool, so that others of its subject stay queued; let go at the end."""
    go_on = threading.Event()
    served.company.ledger.faults.setdefault("pause_mail", []).append(lambda: asyncio.to_thread(go_on.wait, 60))
    run: str = served.send(served.event(subject=subject)).json()["accepted"][0]["run"]
    try:
        deadline = time.monotonic() + 10
        while not served.http.get(f"/v1/runs/{run}").json()["effects"]:
            assert time.monotonic() < deadline
        yield run
    finally:
        go_on.set()


def taken(served: Served, event: Any) -> Any:
    """Send an event until it is taken: for a moment the queue's length is known too high. The answer."""
    deadline = time.monotonic() + 20
    while (answer := served.send(event)).status_code != 202:
        assert time.monotonic() < deadline
    return answer


def test_a_full_queue_refuses_new_events_takes_the_rest_and_handles_what_it_has(tmp_path: Path) -> None:
    patient = PORTFOLIO.replace("idempotent: true, timeout_s: 5", "idempotent: true, timeout_s: 60")
    with open_served(tmp_path, portfolio=patient, max_queued=3) as served:
        with held_up(served, "busy") as first:
            queued = [served.event("nothing", subject="busy") for _ in range(3)]
            answers = [taken(served, event) for event in queued]
            new = served.event("nothing", subject="busy")
            refused = served.send(new)
            assert (refused.status_code, is_problem(refused)) == (429, True)
            assert refused.json()["type"] == "urn:segue:problem:overloaded"
            assert 1 <= int(refused.headers["retry-after"]) <= 60
            again = served.send(queued, BATCH)
            assert [one["duplicate"] for one in again.json()["accepted"]] == [True, True, True]
            assert served.send([queued[0], new], BATCH).status_code == 429
            outcome = served.event(type="customer.stayed", subject="busy", data={"loyalty": 1})
            assert served.send(outcome).status_code == 202
            ready = served.http.get("/health/ready")
            assert (ready.status_code, "overloaded" in ready.json()["problems"]["queue"]) == (503, True)
            assert served.http.get("/health/live").status_code == 200
        runs = [first, *(answer.json()["accepted"][0]["run"] for answer in answers)]
        assert [served.ended(run)["status"] for run in runs] == ["done"] * 4
        deadline = time.monotonic() + 10
        while served.send(new).status_code != 202:
            assert time.monotonic() < deadline
        assert served.http.get("/health/ready").status_code == 200


@dataclass
class Slow(StandIn):
    """Accepts when it is told to."""

    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def accept(self, tenant: str, batch: Sequence[RawEvent], *, by: str | None = None) -> tuple[Accepted, ...]:
        """A run for each, at last."""
        await self.go_on.wait()
        return await super().accept(tenant, batch, by=by)


async def test_only_so_many_requests_are_taken_in_at_once() -> None:
    slow = Slow()
    http = client_for(app_over(slow, limits=Limits(requests=1)))
    first = asyncio.create_task(http.post("/v1/events", json=EVENT, headers=STRUCTURED))
    while (second := await http.post("/v1/events", json={}, headers=STRUCTURED)).status_code != 503:
        await asyncio.sleep(0)
    assert (second.headers["retry-after"], is_problem(second)) == ("1", True)
    slow.go_on.set()
    assert (await first).status_code == 202
    assert (await http.post("/v1/events", json=EVENT, headers=STRUCTURED)).status_code == 202


async def test_the_bodies_taken_in_at_once_fill_only_so_much_memory() -> None:
    slow = Slow()
    http = client_for(app_over(slow, limits=Limits(memory_bytes=3_000)))
    large = {**EVENT, "data": {"text": "x" * 2_000}}
    first = asyncio.create_task(http.post("/v1/events", json=large, headers=STRUCTURED))
    while (second := await http.post("/v1/events", json=[large], headers=STRUCTURED)).status_code != 503:
        await asyncio.sleep(0)
    assert is_problem(second)
    slow.go_on.set()
    assert (await first).status_code == 202
    assert (await http.post("/v1/events", json=large, headers=STRUCTURED)).status_code == 202


async def test_a_large_batch_lets_others_go_on_while_it_is_checked(tmp_path: Path) -> None:
    async with open_company(tmp_path, None) as company:
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        batch = [raw(f"c-{number}", id=f"e-{number}", message="x" * 100) for number in range(499)]
        going = asyncio.create_task(others())
        with pytest.raises(BatchError, match="499"):
            # The last one is wrong, so that nothing but the check takes time.
            await company.segue.accept("default", [*batch, raw("c", id="e", message=1)])
        going.cancel()
        assert turns > 5
