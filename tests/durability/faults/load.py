"""Events sent through the HTTP door of a Segue whose database fails, and what must hold then. Start with `Door`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from agent.store.episodes import unindexed
from api.app import build_app
from tests.agent.company import PORTFOLIO, Company, open_company
from tests.api.served import ByWord

POLL_S = 0.02
AGAIN_AFTER_S = 0.05
WORDS = ("pause", "lose", "refunds later", "pause")
"""What the decider does with an event: a call that may be repeated, one that may not, or nothing."""


@dataclass
class Door:
    """An open Segue and its HTTP door."""

    company: Company
    http: httpx.AsyncClient
    runs: dict[str, str] = field(default_factory=dict)
    """Event -> its run, for everything that got a 202."""
    refused: list[httpx.Response] = field(default_factory=list)
    """Every answer that was no 202."""

    async def send(self, number: int) -> None:
        """Send an event again and again until it is taken."""
        event = {
            "specversion": "1.0",
            "id": f"e-{number}",
            "source": "/faults",
            "type": "customer.upset",
            "subject": f"c-{number % 5}",
            "time": "2026-11-02T10:00:00Z",
            "data": {"message": f"{WORDS[number % len(WORDS)]} {number}"},
        }
        while True:
            answer = await self.http.post(
                "/v1/events", json=event, headers={"content-type": "application/cloudevents+json"}
            )
            if answer.status_code == 202:
                self.runs[event["id"]] = answer.json()["accepted"][0]["run"]  # type: ignore[index]
                return
            self.refused.append(answer)
            await asyncio.sleep(AGAIN_AFTER_S)

    async def send_all(self, numbers: Sequence[int], clients: int = 4) -> None:
        """All of them, several at once."""
        waiting = list(numbers)

        async def client() -> None:
            while waiting:
                await self.send(waiting.pop())

        await asyncio.gather(*(client() for _ in range(clients)))

    async def get(self, path: str, **asked: Any) -> Any:
        """What the door says once it can."""
        while (answer := await self.http.get(path, params=asked)).status_code != 200:
            self.refused.append(answer)
            await asyncio.sleep(AGAIN_AFTER_S)
        return answer.json()

    async def until_done(self) -> list[dict[str, Any]]:
        """Every run at its end; what is in doubt is settled by what the tool has noted."""
        while True:
            noted = {key for _, _, key in self.company.ledger.deliveries}
            for effect in (await self.get("/v1/effects", state="unknown"))["items"]:
                state = "done" if effect["key"] in noted else "failed"
                await self.http.post(f"/v1/effects/{effect['key']}/settle", json={"state": state})
            items = (await self.get("/v1/runs", limit=200))["items"]
            if all(run["status"] not in ("queued", "running", "waiting") for run in items):
                return list(items)
            await asyncio.sleep(POLL_S)

    async def until_indexed(self) -> None:
        """Until no episode waits for the index, so that nothing is being written there."""
        database = self.company.segue._database
        while await database.read(lambda connection: unindexed(connection, 1)):
            await asyncio.sleep(POLL_S)

    async def until_well(self, well: Callable[[httpx.Response], bool] | None = None) -> httpx.Response:
        """Until health says that nothing is wrong, or what is asked for."""
        while True:
            answer = await self.http.get("/health/ready")
            if well(answer) if well else answer.status_code == 200 and answer.json()["problems"] == {}:
                return answer
            await asyncio.sleep(POLL_S)

    async def check(self, events: int) -> None:
        """Everything that was taken came to its end once, and what was not taken was refused in good form."""
        items = await self.until_done()
        assert [run for run in items if run["status"] != "done"] == []
        assert len(items) == events
        assert {run["event"]["id"]: run["id"] for run in items} == self.runs
        keys = Counter((tool, key) for tool, _, key in self.company.ledger.deliveries)
        assert {pair: times for pair, times in keys.items() if times > 1 and pair[0] == "book_call"} == {}
        booked = Counter(arguments["note"] for arguments in self.company.ledger.of("book_call"))
        assert all(times == 1 for times in booked.values()), booked
        for answer in self.refused:
            assert is_a_clear_refusal(answer), (answer.status_code, answer.text)
        await self.until_well()


def is_a_clear_refusal(answer: httpx.Response) -> bool:
    """503 in the form of a problem, with when to come again, and without any SQL."""
    body = answer.json()
    return (
        answer.status_code == 503
        and answer.headers["content-type"] == "application/problem+json"
        and (answer.headers.get("retry-after", "").isdigit() or body["type"].endswith("not-ready"))
        and not any(word in answer.text for word in ("SELECT", "INSERT", "UPDATE", "Traceback"))
    )


@asynccontextmanager
async def open_door(data: Path, **changes: Any) -> AsyncIterator[Door]:
    """A company with its door; the same directory again is a restart."""
    async with open_company(data, ByWord(), PORTFOLIO, **changes) as company:
        transport = httpx.ASGITransport(app=build_app(company.segue))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as http:
            yield Door(company=company, http=http)
