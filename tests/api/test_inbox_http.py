"""The inbox over HTTP and by command, on a real Segue: listed, taken, given, given back."""

from __future__ import annotations

import pytest

from api import shapes_inbox as shapes
from tests.agent.company import dies
from tests.api.served import Served, is_problem
from tests.api.test_cli import ask, ask_json, invoke


def waiting(served: Served) -> str:
    """An approval that waits."""
    return str(served.handle("refund please")["approvals"][0]["id"])


def test_what_waits_is_taken_given_and_given_back_by_command(served: Served) -> None:
    name = waiting(served)
    assert ask(served, "inbox", "take", "approval", name).stdout.strip() == "operator has it."
    other = invoke("inbox", "assign", "approval", name, "--to", "ann", "--url", served.url)
    assert (other.exit_code, "'operator' has approval" in other.stderr) == (1, True)
    given = ask_json(served, "inbox", "assign", "approval", name, "--to", "ann", "--from", "operator")
    assert (given["assigned"]["to"], given["assigned"]["by"]) == ("ann", "operator")
    mine = ask_json(served, "inbox", "list", "--whose", "mine")
    assert name not in [one["id"] for one in mine]
    line = next(one for one in ask(served, "inbox", "list").stdout.splitlines() if name in one)
    assert "ann" in line
    assert ask(served, "inbox", "release", "approval", name, "--from", "ann").stdout.strip() == "Nobody has it."
    assert name in [one["id"] for one in ask_json(served, "inbox", "list", "--whose", "nobody")]


def test_the_list_is_as_the_document_says_oldest_first(served: Served) -> None:
    waiting(served)
    served.company.ledger.faults["book_call"] = [dies]
    served.handle("lose it")
    found = served.http.get("/v1/inbox?limit=200").json()
    items = shapes.Inbox.model_validate(found).items
    assert {"call", "effect"} <= {one.kind for one in items}
    assert [one.since for one in items] == sorted(one.since for one in items)
    only = served.http.get("/v1/inbox?kind=effect").json()["items"]
    assert {one["kind"] for one in only} == {"effect"}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("approval/none", b"{}", 404),
        ("effect/none", b"{}", 404),
        ("letter/none", b"{}", 404),
        ("pause/all", b"{}", 422),
        ("approval/none", b"[]", 422),
        ("approval/none", b"{", 400),
        ("approval/none", b'{"to": ""}', 422),
        ("approval/none", b'{"to": "a b"}', 422),
        ("approval/none", b'{"to": "ann", "by": "me"}', 422),
        ("approval/%00", b"{}", 404),
    ],
)
def test_what_cannot_be_assigned_is_a_problem(served: Served, path: str, body: bytes, status: int) -> None:
    headers = {"content-type": "application/json"}
    response = served.http.post(f"/v1/inbox/{path}/assign", content=body, headers=headers)
    assert (response.status_code, is_problem(response)) == (status, True), response.text


@pytest.mark.parametrize("query", ["whose=ours", "kind=letters", "limit=0", "limit=201", "who=mine"])
def test_a_wrong_filter_is_refused(served: Served, query: str) -> None:
    assert served.http.get(f"/v1/inbox?{query}").status_code == 422
