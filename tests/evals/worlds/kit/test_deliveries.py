"""Ledger, idempotency and faults, as a caller of the tools meets them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from evals.worlds.kit.loopback import on_loopback
from evals.worlds.kit.serve import UnknownWorldError, load_rules
from tests.evals.worlds.company import Company, build, in_process, own_process

FAILED = "support.conversation.failed"


@pytest.fixture
async def company(tmp_path: Path) -> AsyncIterator[Company]:
    async with in_process(tmp_path) as company:
        yield company


async def a_case(company: Company) -> dict[str, Any]:
    (event,) = await company.events(FAILED)
    data = event["data"]
    return {
        "customer_id": event["subject"],
        "question": data["question"],
        "conversation_id": data["conversation_id"],
        "team": "harbour",
    }


async def test_every_delivery_is_one_ledger_row_that_says_whether_it_acted(company: Company) -> None:
    case = await a_case(company)
    await company.call("/desk/cases", case, key="k1")
    await company.call("/desk/cases", {**case, "team": "nobody"}, key="k2")
    await company.call("/desk/cases", {**case, "customer_id": "cust-9999"})
    rows = await company.ledger("open_case")
    assert [(row["key"], row["applied"]) for row in rows] == [("k1", True), ("k2", False), (None, False)]
    assert rows[0]["arguments"] == case
    assert abs(rows[0]["delivered_at"] - time.time()) < 60


async def test_reads_are_deliveries_that_never_apply(company: Company) -> None:
    await company.client.get("/customers/cust-0001")
    (row,) = await company.ledger("find_customer")
    assert row["arguments"] == {"customer_id": "cust-0001"}
    assert row["applied"] is False


async def test_a_repeated_key_gets_the_first_answer_and_no_second_effect(company: Company) -> None:
    case = await a_case(company)
    first = await company.call("/desk/cases", case, key="k")
    second = await company.call("/desk/cases", case, key="k")
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert len((await company.state())["cases"]) == 1
    assert [row["applied"] for row in await company.ledger("open_case")] == [True, False]


async def test_a_key_with_another_body_is_refused_with_409(company: Company) -> None:
    case = await a_case(company)
    await company.call("/desk/cases", case, key="k")
    answer = await company.call("/desk/cases", {**case, "team": "meadow"}, key="k")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    other = await company.call("/customers/cust-0001/campaigns/pause", {}, key="k")
    assert other.status_code == 200


async def test_the_customer_in_the_path_belongs_to_the_request_of_a_key(company: Company) -> None:
    await company.call("/customers/cust-0001/campaigns/pause", {}, key="k")
    answer = await company.call("/customers/cust-0002/campaigns/pause", {}, key="k")
    assert answer.status_code == 409


async def test_identical_deliveries_at_once_have_one_effect(tmp_path: Path) -> None:
    app = build(tmp_path)
    async with on_loopback(app) as address, httpx.AsyncClient(base_url=address) as client:
        company = Company(client=client)
        case = await a_case(company)
        answers = await asyncio.gather(*(company.call("/desk/cases", case, key="same") for _ in range(10)))
        assert len({answer.text for answer in answers}) == 1
        assert len((await company.state())["cases"]) == 1
        assert sum(row["applied"] for row in await company.ledger("open_case")) == 1


async def test_the_refund_and_the_callback_act_on_every_delivery_of_a_key(company: Company) -> None:
    customer = (await company.state())["customers"][0]
    order = customer["orders"][0]["order_id"]
    money = {"customer_id": customer["customer_id"], "order_id": order, "amount": 10.0}
    call = {"customer_id": customer["customer_id"], "question": "Where is my parcel?"}
    for _ in range(2):
        assert (await company.call("/refunds", money, key="k")).status_code == 201
        assert (await company.call("/desk/callbacks", call, key="k")).status_code == 201
    state = await company.state()
    assert (len(state["refunds"]), len(state["callbacks"])) == (2, 2)
    assert [row["applied"] for row in await company.ledger("issue_refund")] == [True, True]


async def test_a_failing_tool_answers_500_without_acting_as_often_as_asked(company: Company) -> None:
    case = await a_case(company)
    await company.fault(tool="open_case", mode="fail", times=2)
    codes = [(await company.call("/desk/cases", case, key="k")).status_code for _ in range(3)]
    assert codes == [500, 500, 201]
    assert [row["applied"] for row in await company.ledger("open_case")] == [False, False, True]


async def test_a_garbage_answer_is_a_success_that_nobody_can_read_and_no_effect(company: Company) -> None:
    case = await a_case(company)
    await company.fault(tool="*", mode="garbage")
    answer = await company.call("/desk/cases", case)
    assert answer.status_code == 200
    with pytest.raises(ValueError):
        answer.json()
    assert (await company.state())["cases"] == []
    await company.fault(tool="*", mode="off")
    assert (await company.call("/desk/cases", case)).status_code == 201


async def test_a_slow_tool_acts_late_and_holds_nobody_else_up(company: Company) -> None:
    case = await a_case(company)
    await company.fault(tool="open_case", mode="slow", seconds=0.3)
    started = time.monotonic()
    slow = asyncio.create_task(company.call("/desk/cases", case))
    assert (await company.client.get("/customers/cust-0001")).status_code == 200
    assert not slow.done()
    assert (await slow).status_code == 201
    assert time.monotonic() - started >= 0.3


async def test_a_tool_that_dies_after_its_effect_really_cuts_the_connection(tmp_path: Path) -> None:
    app = build(tmp_path)
    async with on_loopback(app) as address, httpx.AsyncClient(base_url=address) as client:
        company = Company(client=client)
        call = {"customer_id": "cust-0001", "question": "Where is my parcel?"}
        await company.fault(tool="book_callback", mode="die_after_effect", times=1)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await company.call("/desk/callbacks", call, key="k")
        assert [row["applied"] for row in await company.ledger("book_callback")] == [True]
        assert len((await company.state())["callbacks"]) == 1
        assert (await company.call("/desk/callbacks", call, key="k")).status_code == 201


async def test_faults_are_shown_and_unknown_ones_refused(company: Company) -> None:
    await company.fault(tool="open_case", mode="slow", seconds=3, times=4)
    (shown,) = (await company.state())["faults"]
    assert shown == {"tool": "open_case", "mode": "slow", "seconds": 3.0, "times_left": 4}
    refused: list[Any] = [{"tool": "nothing", "mode": "fail"}, {"tool": "*", "mode": "explode"}, {"mode": "fail"}, []]
    for wrong in refused:
        answer = await company.client.post("/_world/fault", json=wrong)
        assert answer.status_code == 422


async def test_a_restart_keeps_what_was_done_and_reset_forgets_it(tmp_path: Path) -> None:
    async with in_process(tmp_path, seed=4) as company:
        case = await a_case(company)
        first = await company.call("/desk/cases", case, key="k")
        await company.advance(3)
        before = await company.state()
    async with in_process(tmp_path, seed=99) as company:
        assert await company.state() == before
        assert (await company.call("/desk/cases", case, key="k")).json() == first.json()
        await company.client.post("/_world/reset", params={"seed": 5})
        state = await company.state()
        assert (state["seed"], state["now"], state["cases"], state["affairs"]) == (5, 0.0, [], [])
        assert await company.ledger("open_case") == []


async def test_kill_9_loses_no_answered_effect(tmp_path: Path) -> None:
    async with own_process(tmp_path) as (process, company):
        case = await a_case(company)
        answered = await company.call("/desk/cases", case, key="k")
        call = {name: case[name] for name in ("customer_id", "question", "conversation_id")}
        background = [asyncio.create_task(company.call("/desk/callbacks", call, key=f"c{n}")) for n in range(40)]
        await asyncio.wait(background, return_when=asyncio.FIRST_COMPLETED)
        process.kill()
        done = await asyncio.gather(*background, return_exceptions=True)
        told = sum(isinstance(result, httpx.Response) for result in done)
    async with in_process(tmp_path) as company:
        assert (await company.call("/desk/cases", case, key="k")).json() == answered.json()
        applied = sum(row["applied"] for row in await company.ledger("book_callback"))
        assert applied == len((await company.state())["callbacks"])
        assert applied >= told >= 1


HOSTILE_BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe\x00",
    b'{"customer_id": NaN}',
    b'{"customer_id": "\\ud800", "question": "x", "team": "harbour"}',
    b'{"customer_id": "cust-0001", "question": "x", "team": "harbour", "extra": 1e999}',
    b"[" * 30_000,
    b'{"customer_id": "' + b"x" * 70_000 + b'"}',
    b'{"customer_id": "cust-0001\\u0000", "question": "x", "team": "harbour"}',
    b'{"\\ud800": 1, "customer_id": "cust-0001", "order_id": "R-1", "amount": 5}',
    b'{"customer_id": "cust-0001", "order_id": "R-1", "amount": -5}',
    b'{"customer_id": "cust-0001", "order_id": "R-1", "amount": Infinity}',
]


@pytest.mark.parametrize("path", ["/desk/cases", "/refunds", "/chatbot/lessons"])
async def test_hostile_bodies_are_refused_as_problems(company: Company, path: str) -> None:
    headers = {b"Content-Type": b"application/json", b"Idempotency-Key": b"\xff" * 600}
    for body in HOSTILE_BODIES:
        answer = await company.client.post(path, content=body, headers=headers)
        assert 400 <= answer.status_code < 500, body[:80]
        assert answer.headers["content-type"] == "application/problem+json"
        assert (await company.client.get("/_world/ledger")).status_code == 200


BAD_QUERIES = [
    "events?type=nope",
    "events",
    f"events?type={FAILED}&n=0",
    f"events?type={FAILED}&n=99999999",
    f"events?type={FAILED}&seed=1e99",
    f"events?type={FAILED}&seed={10**40}",
    "events?type=%00%ff",
]


async def test_bad_questions_to_the_world_are_refused(company: Company) -> None:
    for query in BAD_QUERIES:
        assert (await company.client.get(f"/_world/{query}")).status_code == 422, query


async def test_time_moves_only_by_sensible_hours(company: Company) -> None:
    for hours in ("-1", "nan", "inf", "1e9", "soon"):
        assert (await company.client.post("/_world/advance", params={"hours": hours})).status_code == 422, hours


async def test_an_unknown_event_type_is_answered_with_those_known(company: Company) -> None:
    answer = await company.client.get("/_world/events", params={"type": "nope"})
    assert FAILED in answer.json()["detail"]


def test_an_unknown_world_is_named_with_those_known() -> None:
    with pytest.raises(UnknownWorldError, match="retail_care"):
        load_rules("../../etc")
