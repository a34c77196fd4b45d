"""Due events reach Segue: at once, late, never twice, and with the key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from evals.worlds.kit.loopback import on_loopback
from tests.evals.worlds.company import Company, build, in_process


def inbox(received: list[dict[str, Any]], *, answers: list[int] | None = None) -> FastAPI:
    """Takes events; first gives the answers listed, then accepts."""
    app = FastAPI()
    due = list(answers or [])

    @app.post("/v1/events")
    async def take(request: Request) -> Response:
        status = due.pop(0) if due else 202
        if status == 202:
            event = json.loads(await request.body())
            received.append({**event, "authorization": request.headers.get("authorization")})
        return JSONResponse({}, status_code=status)

    return app


async def cause_events(company: Company, n: int = 5) -> None:
    for event in await company.events("support.conversation.failed", n=n, seed=8):
        data = event["data"]
        case = {"customer_id": event["subject"], "question": data["question"], "team": "meadow"}
        await company.call("/desk/cases", {**case, "conversation_id": data["conversation_id"]})


async def test_due_events_arrive_as_cloudevents_with_the_key(tmp_path: Path) -> None:
    received: list[dict[str, Any]] = []
    async with on_loopback(inbox(received)) as segue:
        app = build(tmp_path, segue=segue + "/", key="secret")
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://world") as client,
        ):
            company = Company(client=client)
            await cause_events(company)
            answer = await company.advance(120)
            assert answer == {"hours": 120.0, "sent": 15, "pending": 0, "now": 120.0}
    assert {event["authorization"] for event in received} == {"Bearer secret"}
    assert {event["specversion"] for event in received} == {"1.0"}
    types = [event["type"] for event in received]
    assert types.count("desk.case.resolved") == types.count("desk.case.reviewed") == 5
    assert types.count("customer.repurchased") + types.count("customer.churned") == 5
    assert len({event["id"] for event in received}) == 15


async def test_events_wait_while_segue_is_away_and_come_in_order_once_it_is_back(tmp_path: Path) -> None:
    received: list[dict[str, Any]] = []
    async with in_process(tmp_path, segue="http://127.0.0.1:9") as company:
        await cause_events(company)
        answer = await company.advance(120)
        assert (answer["sent"], answer["pending"]) == (0, 15)
    async with on_loopback(inbox(received)) as segue, in_process(tmp_path, segue=segue) as company:
        answer = await company.advance(0)
        assert (answer["sent"], answer["pending"]) == (15, 0)
        assert (await company.advance(0))["sent"] == 0
    assert [event["type"] for event in received[:5]] == ["desk.case.resolved"] * 5


async def test_a_world_without_segue_keeps_its_events(tmp_path: Path) -> None:
    async with in_process(tmp_path) as company:
        await cause_events(company)
        assert (await company.advance(120))["pending"] == 15


async def test_a_busy_segue_is_asked_again_and_a_refused_event_holds_nothing_up(tmp_path: Path) -> None:
    received: list[dict[str, Any]] = []
    async with (
        on_loopback(inbox(received, answers=[503, 429, 409])) as segue,
        in_process(tmp_path, segue=segue) as company,
    ):
        await cause_events(company)
        assert (await company.advance(120))["pending"] == 15
        assert (await company.advance(0))["pending"] == 15
        assert (await company.advance(0))["sent"] == 14
        state = await company.state()
        assert state["outbox"] == {"pending": 0, "sent": 14, "refused": 1}
        assert state["refused_events"][0]["error"].startswith("409")


async def test_events_of_another_life_have_other_ids(tmp_path: Path) -> None:
    received: list[dict[str, Any]] = []
    async with on_loopback(inbox(received)) as segue, in_process(tmp_path, segue=segue) as company:
        for _ in range(2):
            await cause_events(company, n=1)
            await company.advance(120)
            await company.client.post("/_world/reset", params={"seed": 1})
    assert len({event["id"] for event in received}) == 6
