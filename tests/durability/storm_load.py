"""The senders of the storm as a process of their own: `python -m tests.durability.storm_load`. Start with `send_all`.

Every event is delivered several times, in an order that is shuffled over all of them, by many clients at once. A client
keeps a delivery until it got a 202 for it, whatever happens to the connection or the server in between.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx

AGAIN_AFTER_S = 0.05
LONGEST_WAIT_S = 2.0
TRY_LATER = frozenset({429, 503})
BODY = {"content-type": "application/cloudevents-batch+json"}
LARGEST_BATCH = 4


@dataclass(frozen=True, kw_only=True)
class Load:
    """What is to be sent."""

    url: str
    events: int
    deliveries: int
    clients: int
    subjects: int
    seed: int


@dataclass
class Sent:
    """What came of it."""

    runs: dict[str, list[str]] = field(default_factory=dict)
    """Event -> the ids of the run that the answers named; more than one is a violation."""
    statuses: dict[str, int] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)
    """Answers that neither took a delivery nor asked for patience."""
    resent: int = 0

    def count(self, what: str) -> None:
        """One more answer, or lack of one."""
        self.statuses[what] = self.statuses.get(what, 0) + 1


def make_event(load: Load, number: int) -> dict[str, Any]:
    """The same number is the same event."""
    subject = random.Random(f"{load.seed}.{number}").randrange(load.subjects)
    return {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": f"/storm/{number % 3}",
        "type": "parcel.lost",
        "subject": f"c-{subject}",
        "time": "2026-11-02T10:00:00Z",
        "data": {"case": f"case-{number}"},
    }


def make_deliveries(load: Load) -> list[list[dict[str, Any]]]:
    """Batches of one to four different deliveries, shuffled: each event first once, the rest at random."""
    dice = random.Random(load.seed)
    numbers = list(range(load.events)) + [dice.randrange(load.events) for _ in range(load.deliveries - load.events)]
    dice.shuffle(numbers)
    batches = []
    while numbers:
        size = dice.randint(1, LARGEST_BATCH)
        batches.append([make_event(load, number) for number in numbers[:size]])
        numbers = numbers[size:]
    return batches


async def send_all(load: Load) -> Sent:
    """Deliver everything; returns once every delivery got its 202."""
    sent, waiting = Sent(), make_deliveries(load)
    limits = httpx.Limits(max_connections=load.clients, max_keepalive_connections=load.clients)

    async with httpx.AsyncClient(base_url=load.url, trust_env=False, timeout=60, limits=limits) as http:

        async def client() -> None:
            while waiting:
                await _deliver(http, waiting.pop(), sent)

        await asyncio.gather(*(client() for _ in range(load.clients)))
    return sent


async def _deliver(http: httpx.AsyncClient, batch: list[dict[str, Any]], sent: Sent) -> None:
    while True:
        try:
            answer = await http.post("/v1/events", json=batch, headers=BODY)
        except httpx.TransportError as error:
            sent.count(type(error).__name__)
            sent.resent += 1
            await asyncio.sleep(AGAIN_AFTER_S)
            continue
        sent.count(str(answer.status_code))
        if answer.status_code == 202:
            for one in answer.json()["accepted"]:
                named = sent.runs.setdefault(one["id"], [])
                if one["run"] not in named:
                    named.append(one["run"])
            return
        if answer.status_code not in TRY_LATER:
            sent.odd.append(f"{answer.status_code}: {answer.text[:300]}")
        sent.resent += 1
        await asyncio.sleep(_patience(answer))


def _patience(answer: httpx.Response) -> float:
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), LONGEST_WAIT_S) if asked.isdigit() else AGAIN_AFTER_S


def main() -> None:
    """Send the load described by the first word (JSON) and write what came of it to the file named by the second."""
    load = Load(**json.loads(sys.argv[1]))
    sent = asyncio.run(send_all(load))
    Path(sys.argv[2]).write_text(json.dumps(asdict(sent)))


if __name__ == "__main__":
    main()
