"""Approvals, questions and unknown effects over HTTP, on a real Segue."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.served import Served, is_problem


def answer(served: Served, approval: str, **body: Any) -> httpx.Response:
    """Post an answer."""
    return served.http.post(f"/v1/approvals/{approval}", json=body)


def waiting(served: Served, message: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A run that waits, and what it waits for."""
    run = served.handle(message)
    assert run["status"] == "waiting"
    return run, run["approvals"][0]


def test_an_approval_is_listed_answered_once_and_its_call_made(served: Served) -> None:
    run, approval = waiting(served, "refund me")
    listed = served.http.get("/v1/approvals", params={"limit": 200}).json()["items"]
    assert approval in listed
    assert served.http.get(f"/v1/approvals/{approval['id']}").json() == approval
    answered = answer(served, approval["id"], answer="approve", reason="fair")
    assert answered.status_code == 200
    assert {name: answered.json()[name] for name in ("state", "answered_by", "reason")} == {
        "state": "approved",
        "answered_by": "operator",
        "reason": "fair",
    }
    second = answer(served, approval["id"], answer="reject")
    assert (second.status_code, is_problem(second)) == (409, True)
    assert [effect["tool"] for effect in served.ended(run["id"])["effects"]] == ["pay_back"]
    pending = served.http.get("/v1/approvals", params={"limit": 200}).json()["items"]
    everything = served.http.get("/v1/approvals", params={"state": "all", "limit": 200}).json()["items"]
    assert approval["id"] not in [one["id"] for one in pending]
    assert approval["id"] in [one["id"] for one in everything]


def test_arguments_that_policy_refuses_are_422_and_the_approval_stays_open(served: Served) -> None:
    run, approval = waiting(served, "refund me")
    refused = answer(served, approval["id"], answer="approve", arguments={"customer": "c-else", "amount": 5})
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:segue:problem:refused")
    assert answer(served, approval["id"], answer="approve", arguments={"amount": 4}).json()["arguments"]["amount"] == 4
    assert served.ended(run["id"])["status"] == "done"


def test_a_question_is_answered_with_calls(served: Served) -> None:
    run, question = waiting(served, "ask me")
    assert [option["tool"] for option in question["options"]] == ["book_call", "pause_mail"]
    chosen = answer(served, question["id"], answer="approve", calls=[{"tool": "pause_mail", "arguments": {"days": 2}}])
    assert chosen.status_code == 200
    assert [effect["arguments"]["days"] for effect in served.ended(run["id"])["effects"]] == [2]


def test_an_unknown_effect_is_settled_once(served: Served) -> None:
    served.lose_next_call()
    run = served.handle("lose it")
    (effect,) = run["effects"]
    assert (run["status"], effect["state"]) == ("waiting", "unknown")
    assert effect in served.http.get("/v1/effects", params={"state": "unknown"}).json()["items"]
    path = f"/v1/effects/{effect['key']}/settle"
    settled = served.http.post(path, json={"state": "done", "result": {"booked": True}, "reason": "seen in the diary"})
    assert settled.status_code == 200
    assert settled.json()["settled"] == {"by": "operator", "reason": "seen in the diary"}
    again = served.http.post(path, json={"state": "failed"})
    assert (again.status_code, is_problem(again)) == (409, True)
    assert served.ended(run["id"])["status"] == "done"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"answer": "maybe"}', 422),
        (b'{"answer": "approve", "by": "me"}', 422),
        (b'{"answer": "approve", "arguments": [1]}', 422),
        (b'{"answer": "approve", "calls": []}', 422),
        (b'{"answer": "approve", "calls": [{"tool": "x", "extra": 1}]}', 422),
        (b'{"answer": "approve", "calls": [{"tool": "x"}], "tool": "y"}', 422),
        (b'{"answer": "reject", "arguments": {}}', 422),
        (b'{"answer": "approve", "reason": 5}', 422),
        (b'{"answer": "approve", "tool": "book_call"}', 422),
        (b'{"answer": "approve", "arguments": {"amount": "lots"}}', 422),
        (b"[]", 422),
        (b"", 400),
        (b'{"answer": "approve", "reason": "\\ud800"}', 400),
        (b'{"answer": "approve", "reason": "\\u0000"}', 400),
        (b'{"answer": "approve", "arguments": {"\\ud800": NaN}}', 400),
        (b'{"answer": "approve", "arguments": {"a": 1, "a": 2}}', 400),
        (b'{"answer": "approve", "arguments": {"a": ' + b"[" * 10_000, 400),
        (b" " * 1_048_577, 413),
    ],
)
def test_a_bad_answer_is_refused_and_the_approval_stays_open(served: Served, body: bytes, status: int) -> None:
    found = served.http.get("/v1/approvals").json()["items"]
    approval = next((one for one in found if one["tool"] == "pay_back"), None) or waiting(served, "refund me")[1]
    response = served.http.post(f"/v1/approvals/{approval['id']}", content=body)
    assert response.status_code == status, response.text
    assert is_problem(response)
    assert served.http.get(f"/v1/approvals/{approval['id']}").json()["state"] == "pending"


def test_an_answer_in_another_format_is_415(served: Served) -> None:
    response = served.http.post("/v1/approvals/x", content=b"answer=approve", headers={"content-type": "text/plain"})
    assert (response.status_code, is_problem(response)) == (415, True)


@pytest.mark.parametrize("name", ["nobody", "%00", "a%0Ab", "x" * 5_000, "%ff", "%F0%9F%98%80", "..%2f..", "{}"])
def test_what_does_not_exist_is_404_whatever_its_name(served: Served, name: str) -> None:
    responses = [
        served.http.get(f"/v1/runs/{name}"),
        served.http.get(f"/v1/approvals/{name}"),
        served.http.post(f"/v1/approvals/{name}", json={"answer": "reject"}),
        served.http.post(f"/v1/effects/{name}/settle", json={"state": "failed"}),
    ]
    assert [response.status_code for response in responses] == [404] * 4
    assert all(is_problem(response) for response in responses)


def test_a_failed_effect_has_no_result(served: Served) -> None:
    response = served.http.post("/v1/effects/r:1:0/settle", json={"state": "failed", "result": 1})
    assert response.status_code == 422
