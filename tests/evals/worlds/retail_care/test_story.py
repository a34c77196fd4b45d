"""The company as tools and observers see it: events, campaigns, desk, refunds, outcomes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from evals.worlds.retail_care.truth import FITTING_TEAM
from tests.evals.worlds.company import Company, in_process

TYPES = [
    "support.conversation.failed",
    "support.conversation.solved",
    "customer.complaint.received",
    "desk.case.resolved",
    "customer.repurchased",
    "customer.churned",
    "desk.case.reviewed",
]
OTHER_TEAM = {"harbour": "meadow", "meadow": "harbour"}


@pytest.fixture
async def company(tmp_path: Path) -> AsyncIterator[Company]:
    async with in_process(tmp_path) as company:
        yield company


async def test_the_document_describes_the_tools_and_nothing_else(company: Company) -> None:
    document = (await company.client.get("/openapi.json")).json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert {operation["operationId"] for operation in operations} == {
        "find_customer",
        "read_conversation",
        "ask_chatbot",
        "teach_chatbot",
        "list_campaigns",
        "pause_campaigns",
        "resume_campaigns",
        "open_case",
        "book_callback",
        "issue_refund",
        "send_apology",
    }
    assert all(operation["summary"] and operation["description"] for operation in operations)
    assert all(p["description"] for operation in operations for p in operation.get("parameters", []))
    ours = {n: s for n, s in document["components"]["schemas"].items() if "Validation" not in n}
    assert all(field.get("description") for schema in ours.values() for field in schema["properties"].values())


@pytest.mark.parametrize("type_", TYPES)
async def test_events_are_the_same_when_asked_again_and_in_a_like_world(
    company: Company, tmp_path: Path, type_: str
) -> None:
    few, many = await company.events(type_, n=3, seed=-7), await company.events(type_, n=9, seed=-7)
    assert many[:3] == few
    assert len({event["id"] for event in many}) == 9
    async with in_process(tmp_path / "twin") as twin:
        assert [e["data"] for e in await twin.events(type_, n=9, seed=-7)] == [e["data"] for e in many]
        assert [e["id"] for e in await twin.events(type_, n=2, seed=6)] != [e["id"] for e in many[:2]]


async def test_hundreds_of_conversations_are_worded_differently_and_known_to_the_tools(company: Company) -> None:
    events = await company.events("support.conversation.failed", n=300, seed=31)
    assert len({event["data"]["message"] for event in events}) >= 295
    assert len({event["data"]["question"] for event in events}) >= 150
    assert len({event["subject"] for event in events}) == 300
    for event in events[:20]:
        read = (await company.client.get(f"/conversations/{event['data']['conversation_id']}")).json()
        assert read["customer_id"] == event["subject"]
        assert event["data"]["question"] in event["data"]["message"]
        found = (await company.client.get(f"/customers/{event['subject']}")).json()
        assert found["segment"] == event["data"]["segment"]


async def test_about_a_quarter_of_the_answers_belong_to_one_customer_only(company: Company) -> None:
    events = await company.events("desk.case.resolved", n=200, seed=2)
    personal = [event for event in events if not event["data"]["teachable"]]
    assert 0.17 <= len(personal) / len(events) <= 0.33


async def test_a_complaint_asks_for_money_only_within_what_the_shop_may_refund(company: Company) -> None:
    events = await company.events("customer.complaint.received", n=60, seed=3)
    asking = [event for event in events if "amount" in event["data"]]
    assert 10 <= len(asking) <= 40
    for event in asking:
        body = {"customer_id": event["subject"], **{n: event["data"][n] for n in ("order_id", "amount")}}
        assert (await company.call("/refunds", body)).status_code == 201


async def test_a_refund_outside_the_limits_is_refused(company: Company) -> None:
    one, other = (await company.state())["customers"][:2]
    order = one["orders"][0]
    body = {"customer_id": one["customer_id"], "order_id": order["order_id"], "amount": 5.0}
    too_much = {**body, "amount": min(order["total"], one["refund_limit"]) + 0.01}
    for wrong in ({**body, "customer_id": other["customer_id"]}, too_much, {**body, "order_id": "R-0"}):
        assert (await company.call("/refunds", wrong)).status_code == 422
    assert (await company.state())["refunds"] == []


async def test_pausing_and_resuming_change_what_the_list_shows(company: Company) -> None:
    id_ = (await company.customer_with(running=2))["customer_id"]
    listed = f"/customers/{id_}/campaigns"
    assert (await company.call(f"{listed}/pause", {"reason": "complaint"})).json()["paused_count"] == 2
    assert (await company.client.get(listed)).json()["running_count"] == 0
    assert (await company.call(f"{listed}/pause", {})).json()["paused_count"] == 0
    assert [row["applied"] for row in await company.ledger("pause_campaigns")] == [True, False]
    assert (await company.call(f"{listed}/resume", {})).json()["resumed_count"] >= 2
    await company.client.post(f"{listed}/pause", json={"until_hours": 5})
    await company.advance(6)
    assert (await company.client.get(listed)).json()["running_count"] >= 2


async def test_a_case_is_announced_with_an_answer_that_can_be_taught(company: Company) -> None:
    for event in await company.events("support.conversation.failed", n=12, seed=5):
        data = event["data"]
        body = {"customer_id": event["subject"], "question": data["question"], "team": FITTING_TEAM[data["topic"]]}
        await company.call("/desk/cases", {**body, "conversation_id": data["conversation_id"]})
    await company.advance(30)
    case = next(case for case in (await company.state())["cases"] if case["teachable"])
    asked = await company.call("/chatbot/answers", {"question": case["question"]})
    assert asked.json()["answered"] is False
    lesson = {"question": case["question"], "answer": case["answer"], "case_id": case["id"]}
    assert (await company.call("/chatbot/lessons", lesson, key="t")).status_code == 201
    asked = await company.call("/chatbot/answers", {"question": case["question"]})
    assert asked.json() | {"confidence": 1.0} == {
        "answered": True,
        "answer": case["answer"],
        "confidence": 1.0,
        "article_id": "lesson-1",
    }


async def test_the_desk_recognises_a_question_written_by_hand_and_never_teaches_what_it_does_not_know(
    company: Company,
) -> None:
    known = {"customer_id": "cust-0003", "question": "Somehow you billed my card twice for one order!"}
    strange = {"customer_id": "cust-0004", "question": "Does your mascot have a name?"}
    for body in (known, strange):
        assert (await company.call("/desk/callbacks", body)).status_code == 201
    await company.advance(8)
    first, second = (await company.state())["callbacks"]
    assert (first["matter"], first["teachable"]) == ("q-double-charge", 1)
    assert (second["matter"], second["teachable"]) == (None, 0)


async def season(data: Path, route: dict[str, str] | None, *, pause: bool = True) -> dict[str, Any]:
    """A season of 120 failed conversations handled by one rule: segment -> `fit`, `other` or `call`."""
    async with in_process(data) as company:
        for event in await company.events("support.conversation.failed", n=120, seed=77):
            about = event["data"]
            if pause:
                await company.call(f"/customers/{event['subject']}/campaigns/pause", {})
            if route is None:
                continue
            body = {
                "customer_id": event["subject"],
                "question": about["question"],
                "conversation_id": about["conversation_id"],
            }
            kind, fit = route[about["segment"]], FITTING_TEAM[about["topic"]]
            if kind == "call":
                await company.call("/desk/callbacks", body)
            else:
                await company.call("/desk/cases", {**body, "team": fit if kind == "fit" else OTHER_TEAM[fit]})
        await company.advance(100)
        totals: dict[str, Any] = (await company.state())["totals"]
        assert totals["closed"] == 120
        return totals


async def test_what_is_done_decides_over_repurchase_and_churn(tmp_path: Path) -> None:
    best = await season(tmp_path / "a", {"private": "fit", "premium": "fit", "business": "call"})
    cases = await season(tmp_path / "b", {"private": "fit", "premium": "fit", "business": "fit"})
    wrong = await season(tmp_path / "c", {"private": "call", "premium": "other", "business": "other"})
    nothing = await season(tmp_path / "d", None)
    angry = await season(tmp_path / "e", None, pause=False)
    assert best["repurchased"] >= 100 > cases["repurchased"] > 60
    assert wrong["repurchased"] <= 45
    assert nothing["repurchased"] < wrong["repurchased"]
    assert angry["marketing_contacts_to_angry_customers"] > 0 == nothing["marketing_contacts_to_angry_customers"]
    assert angry["mean_satisfaction_of_affected"] < nothing["mean_satisfaction_of_affected"] - 10
    assert best["mean_satisfaction_of_affected"] > cases["mean_satisfaction_of_affected"] > 60


async def test_the_same_season_turns_out_the_same(tmp_path: Path) -> None:
    route = {"private": "fit", "premium": "call", "business": "other"}
    assert await season(tmp_path / "a", route) == await season(tmp_path / "b", route)


async def test_unknown_things_are_not_found(company: Company) -> None:
    for path in ("/customers/cust-9999", "/customers/cust-9999/campaigns", "/conversations/nope", "/nothing"):
        answer = await company.client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_the_share_of_questions_answered_grows_with_lessons(company: Company) -> None:
    before = (await company.client.get("/_world/chats", params={"n": 60, "seed": 3})).json()
    for number, event in enumerate(await company.events("desk.case.resolved", n=40, seed=12)):
        data = event["data"]
        if data["teachable"]:
            lesson = {name: data[name] for name in ("question", "answer", "case_id")}
            assert (await company.call("/chatbot/lessons", lesson, key=f"l{number}")).status_code == 201
    after = (await company.client.get("/_world/chats", params={"n": 60, "seed": 3})).json()
    assert after["right"] >= before["right"] + 8
