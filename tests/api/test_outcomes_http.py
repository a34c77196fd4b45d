"""Outcomes of a run, thumbs, late outcomes and revocation over HTTP and by command, on a real Segue."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from api import shapes, shapes_memory, shapes_sources
from tests.api.served import Served, is_problem
from tests.api.test_cli import ask, ask_json, invoke


def give(served: Served, run: str, **body: Any) -> httpx.Response:
    """Post an outcome of a run."""
    return served.http.post(f"/v1/runs/{run}/outcome", json=body)


def graded(served: Served, run: str, number: int) -> list[dict[str, Any]]:
    """The outcomes of a run once so many are joined, in the order they came."""
    until = time.monotonic() + 20
    while True:
        found = served.http.get(f"/v1/runs/{run}").json()
        shapes.RunShown.model_validate(found)
        joined = [one for one in found["outcomes"] if one["state"] == "joined"]
        if len(joined) >= number:
            return sorted(joined, key=lambda one: str(one["id"]))
        assert time.monotonic() < until, found
        time.sleep(0.02)


def sources(served: Served, **query: Any) -> dict[str, dict[str, Any]]:
    """All there are, by name."""
    page = served.http.get("/v1/memory/sources", params={"limit": 200, **query})
    shapes_sources.SourcePage.model_validate(page.json())
    return {one["source"]: one for one in page.json()["items"]}


def searched(served: Served, text: str) -> list[str]:
    """Event ids of what a search finds."""
    found = served.http.get("/v1/memory/search", params={"type": "customer.upset", "text": text, "k": 100}).json()
    shapes_memory.FoundEpisodes.model_validate(found)
    return [one["event_id"] for one in found["items"]]


def test_an_outcome_and_a_thumb_are_stored_graded_and_told_once(served: Served) -> None:
    run = served.handle()["id"]
    first = give(served, run, type="customer.stayed", data={"loyalty": 0.7}, id="crm-1")
    assert (first.status_code, first.json()["duplicate"]) == (202, False)
    shapes_sources.OutcomeAccepted.model_validate(first.json())
    again = give(served, run, type="customer.stayed", data={"loyalty": 0.7}, id="crm-1")
    assert (again.status_code, again.json()) == (202, {**first.json(), "duplicate": True})
    assert give(served, run, thumb="down", reason="too pushy").status_code == 202
    outcome, thumb = graded(served, run, 2)
    assert (outcome["id"], outcome["rewards"]) == (first.json()["outcome"], {"loyalty": 0.7})
    assert (thumb["rewards"], thumb["data"]["reason"]) == ({"*": 0.0}, "too pushy")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 422, "either type and data, or thumb"),
        ({"thumb": "up", "type": "customer.stayed"}, 422, "either type and data, or thumb"),
        ({"thumb": "sideways"}, 422, "'up' or 'down'"),
        ({"thumb": "up", "data": {}}, 422, "a thumb has no data"),
        ({"type": "customer.stayed", "data": {"loyalty": 1}, "reason": "x"}, 422, "only a thumb has a reason"),
        ({"type": "customer.stayed", "data": {"loyalty": "much"}}, 422, "data.loyalty"),
        ({"type": "customer.stayed"}, 422, "'loyalty' is a required property"),
        ({"type": "customer.left", "data": {}}, 422, "there is no outcome type 'customer.left'"),
        ({"type": "customer.stayed", "data": [1]}, 422, "data"),
        ({"thumb": "up", "by": "me"}, 422, "by"),
        ({"thumb": "up", "id": "x" * 1025}, 422, "id"),
        ({"thumb": "up", "id": ""}, 422, "id"),
    ],
)
def test_what_is_no_outcome_is_a_problem_that_says_why(
    served: Served, body: dict[str, Any], status: int, words: str
) -> None:
    run = served.handle()["id"]
    response = give(served, run, **body)
    assert (response.status_code, is_problem(response)) == (status, True), response.text
    assert words in response.json()["detail"]
    assert served.http.get(f"/v1/runs/{run}").json()["outcomes"] == []


def test_unknown_runs_known_ids_and_runs_that_decided_nothing_are_problems(served: Served) -> None:
    for run in ("01NONE", "k%C3%BCche", "x" * 300):
        response = give(served, run, thumb="up")
        assert (response.status_code, is_problem(response)) == (404, True)
    run = served.handle()["id"]
    give(served, run, thumb="up", id="same")
    conflict = give(served, run, thumb="down", id="same")
    assert (conflict.status_code, is_problem(conflict)) == (409, True)
    served.http.post("/v1/pauses", json={"scope": "all"})
    try:
        idle = served.send(served.event()).json()["accepted"][0]["run"]
        assert served.http.post(f"/v1/runs/{idle}/cancel").status_code == 200
    finally:
        served.http.post("/v1/pauses/resume", json={"scope": "all"})
    assert served.ended(idle)["status"] == "cancelled"
    nothing = give(served, idle, thumb="up")
    assert (nothing.status_code, is_problem(nothing)) == (409, True)
    assert "decided nothing" in nothing.json()["detail"]


def test_an_outcome_that_came_first_is_shown_unmatched_and_joined_with_its_run(served: Served) -> None:
    early = served.event(id="early", subject="c-early", type="customer.stayed", data={"loyalty": 0.6})
    outcome = served.send(early).json()["accepted"][0]["outcome"]
    while outcome not in {one["id"] for one in ask_json(served, "memory", "outcomes", "--state", "unmatched")}:
        time.sleep(0.02)
    run = served.handle(subject="c-early", time="2026-11-01T09:00:00Z")["id"]
    (found,) = graded(served, run, 1)
    assert (found["id"], found["rewards"]) == (outcome, {"loyalty": 0.6})
    assert "early" not in {one["event_id"] for one in ask_json(served, "memory", "outcomes", "--state", "unmatched")}


def test_a_revoked_source_is_found_no_more_and_comes_back(served: Served) -> None:
    served.handle("hold the letters", id="bad-1", source="/http/liar")
    served.handle("hold the letters", id="good-1", source="/http/shop")
    assert {"bad-1", "good-1"} <= set(searched(served, "hold the letters"))
    body = {"source": "/http/liar", "reason": "key stolen"}
    first = served.http.post("/v1/memory/revocations", json=body)
    shapes_sources.SourceChanged.model_validate(first.json())
    assert (first.status_code, first.json()["changed"], first.json()["reason"]) == (200, True, "key stolen")
    second = served.http.post("/v1/memory/revocations", json={"source": "/http/liar"})
    assert second.json() == {**first.json(), "changed": False}
    served.handle("hold the letters", id="bad-2", source="/http/liar")
    assert [one for one in searched(served, "hold the letters") if one.startswith("bad")] == []
    assert list(sources(served, state="revoked")) == ["/http/liar"]
    assert sources(served)["/http/liar"]["episodes"] == 2
    assert "/http/liar" not in sources(served, state="trusted")
    back = served.http.post("/v1/memory/revocations/restore", json={"source": "/http/liar"})
    assert (back.json()["state"], back.json()["changed"], back.json()["index_left"]) == ("trusted", True, 0)
    assert {"bad-1", "bad-2", "good-1"} <= set(searched(served, "hold the letters"))
    assert served.http.post("/v1/memory/revocations/restore", json={"source": "/http/liar"}).json()["changed"] is False


def test_sources_come_in_pages(served: Served) -> None:
    for number in range(3):
        served.handle(source=f"/page/{number}")
    names: list[str] = []
    cursor: str | None = None
    while True:
        page = served.http.get("/v1/memory/sources", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        names += [one["source"] for one in page.json()["items"]]
        cursor = page.json()["next"]
        if cursor is None:
            break
    assert names == list(sources(served))
    assert {"/page/0", "/page/1", "/page/2"} <= set(names)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{}", 422),
        (b'{"source": ""}', 422),
        (b'{"source": 1}', 422),
        (b'{"source": "/x", "by": "me"}', 422),
        (b'{"source": "/http/lair"}', 404),
        (b'{"source": "/x', 400),
    ],
)
def test_a_bad_revocation_is_a_problem(served: Served, body: bytes, status: int) -> None:
    for path in ("/v1/memory/revocations", "/v1/memory/revocations/restore"):
        response = served.http.post(path, content=body)
        assert (response.status_code, is_problem(response)) == (status, True), response.text
    assert served.http.get("/v1/memory/sources", params={"cursor": "x"}).status_code == 422


def test_commands_give_outcomes_and_thumbs(served: Served) -> None:
    run = served.handle()["id"]
    said = ask(served, "outcome", run, "--type", "customer.stayed", "--data", '{"loyalty": 0.5}').stdout
    assert f"of run {run} is stored" in said
    assert ask_json(served, "thumb", run, "up", "--reason", "kind")["duplicate"] is False
    assert "was there already" in ask(served, "thumb", run, "up", "--reason", "kind").stdout
    assert [one["rewards"] for one in graded(served, run, 2)] == [{"loyalty": 0.5}, {"*": 1.0}]
    assert "reward: * 1.00" in ask(served, "runs", "show", run).stdout
    listed = ask(served, "memory", "outcomes").stdout
    assert "loyalty 0.50" in listed
    assert "urn:segue:operator:operator" in listed
    for words in (("outcome", run, "--type", "customer.stayed", "--data", "[1]"), ("thumb", run, "sideways")):
        assert invoke(*words, "--url", served.url).exit_code == 2
    unknown = invoke("thumb", "01NONE", "up", "--url", served.url)
    assert (unknown.exit_code, "there is no run" in unknown.stderr) == (1, True)


def test_commands_list_revoke_and_restore_sources(served: Served) -> None:
    served.handle(source="/cli/liar")
    asked = invoke("memory", "revoke", "--source", "/cli/liar", "--url", served.url, input="n\n")
    assert (asked.exit_code, sources(served)["/cli/liar"]["state"]) == (1, "trusted")
    said = ask(served, "memory", "revoke", "--source", "/cli/liar", "--reason", "it lies", input="y\n").stdout
    assert "/cli/liar is revoked by operator since" in said
    assert "1 episodes and 0 outcomes are unheard" in said
    assert "was already revoked" in ask(served, "memory", "revoke", "--source", "/cli/liar", "--yes").stdout
    assert [one["source"] for one in ask_json(served, "memory", "sources", "--revoked")] == ["/cli/liar"]
    assert "it lies" in ask(served, "memory", "sources").stdout
    assert "is restored" in ask(served, "memory", "restore", "--source", "/cli/liar").stdout
    assert "was not revoked" in ask(served, "memory", "restore", "--source", "/cli/liar").stdout
    unknown = invoke("memory", "revoke", "--yes", "--source", "/cli/lair", "--url", served.url)
    assert (unknown.exit_code, "Did you mean '/cli/liar'?" in unknown.stderr) == (1, True)
