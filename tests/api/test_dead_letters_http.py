"""Dead letters over HTTP and by command, on a real Segue."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from api import shapes_dead_letters
from tests.agent.letters import dead_letter, store
from tests.api.served import Served, is_problem
from tests.api.test_cli import ask, ask_json, invoke


def buried(served: Served, tries: int = 1) -> str:
    """The run of a new dead letter."""

    async def bury() -> str:
        async with store(served.company.segue._database.url) as database:
            return await dead_letter(database, subject=str(served.event()["subject"]), tries=tries)

    return asyncio.run(bury())


def listed(served: Served, **query: Any) -> list[str]:
    """The runs of a list of letters."""
    return [one["run"] for one in served.http.get("/v1/dead-letters", params={"limit": 200, **query}).json()["items"]]


def test_a_letter_is_listed_shown_replayed_once_and_its_run_handled(served: Served) -> None:
    run = buried(served, tries=3)
    shown = served.http.get(f"/v1/dead-letters/{run}").json()
    shapes_dead_letters.DeadLetterShown.model_validate(shown)
    assert [entry["attempt"] for entry in shown["history"]] == [1, 2, 3]
    assert shown["record"] == served.http.get(f"/v1/runs/{run}").json()
    page = served.http.get("/v1/dead-letters", params={"limit": 200}).json()
    shapes_dead_letters.DeadLetterPage.model_validate(page)
    assert run in listed(served)
    first, second = (served.http.post(f"/v1/dead-letters/{run}/replay") for _ in range(2))
    assert (first.status_code, first.json()["state"]) == (200, "replayed")
    assert second.json() == first.json()
    shapes_dead_letters.DeadLetterRow.model_validate(first.json())
    ended = served.ended(run)
    assert (ended["status"], [effect["tool"] for effect in ended["effects"]]) == ("done", ["pause_mail"])
    assert run not in listed(served)
    assert run in listed(served, state="replayed")
    assert run in listed(served, state="all")


def test_a_discarded_letter_is_kept_and_not_replayed(served: Served) -> None:
    run = buried(served)
    path = f"/v1/dead-letters/{run}"
    first, second = (served.http.post(f"{path}/discard", json={"reason": "a test order"}) for _ in range(2))
    assert (first.status_code, first.json()["state"]) == (200, "discarded")
    assert second.json() == first.json()
    refused = served.http.post(f"{path}/replay")
    assert (refused.status_code, is_problem(refused)) == (409, True)
    shown = served.http.get(path).json()
    shapes_dead_letters.DeadLetterShown.model_validate(shown)
    assert shown["history"][-1]["reason"] == "a test order"
    assert shown["record"]["status"] == "failed"


def test_a_replayed_letter_cannot_be_discarded(served: Served) -> None:
    run = buried(served)
    served.http.post(f"/v1/dead-letters/{run}/replay")
    response = served.http.post(f"/v1/dead-letters/{run}/discard", json={})
    assert (response.status_code, is_problem(response)) == (409, True)


@pytest.mark.parametrize("name", ["nobody", "%00", "a%0Ab", "x" * 5_000, "%F0%9F%98%80", "..%2f..", "{}"])
def test_a_letter_that_does_not_exist_is_404_whatever_its_name(served: Served, name: str) -> None:
    path = f"/v1/dead-letters/{name}"
    answers = [served.http.get(path), served.http.post(f"{path}/replay"), served.http.post(f"{path}/discard", json={})]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert all(is_problem(answer) for answer in answers)


def test_a_run_that_did_not_fail_is_no_dead_letter(served: Served) -> None:
    run = served.handle("pause me")
    assert served.http.post(f"/v1/dead-letters/{run['id']}/replay").status_code == 404
    assert served.http.get(f"/v1/runs/{run['id']}").json() == run


@pytest.mark.parametrize("query", ["state=dead", "limit=0", "cursor=%00", "run=x"])
def test_a_bad_query_is_422(served: Served, query: str) -> None:
    response = served.http.get(f"/v1/dead-letters?{query}")
    assert (response.status_code, is_problem(response)) == (422, True)


def test_commands_list_show_discard_and_replay(served: Served, tmp_path: Path) -> None:
    first, second, third = (buried(served, tries=2) for _ in range(3))
    table = ask(served, "dead", "list", "--limit", "500").stdout
    assert {first, second, third} <= set(table.split())
    assert "told to fail" in table
    shown = ask(served, "dead", "show", first).stdout
    for words in ("try 1: broken: told to fail", "try 2", "pause please", "open"):
        assert words in shown
    assert ask_json(served, "dead", "show", first)["history"][0]["attempt"] == 1
    assert "discarded" in ask(served, "dead", "discard", first, "--reason", "a test").stdout
    assert "discarded by operator: a test" in ask(served, "dead", "show", first).stdout
    assert ask_json(served, "dead", "replay", second)["state"] == "replayed"
    assert third in [one["run"] for one in ask_json(served, "dead", "replay", "--all")]
    assert [served.ended(run)["status"] for run in (second, third)] == ["done", "done"]
    assert "No dead letters." in ask(served, "dead", "replay", "--all").stdout
    assert ask_json(served, "dead", "list") == []
    assert first in [one["run"] for one in ask_json(served, "dead", "list", "--state", "discarded")]


def test_a_command_says_what_it_cannot_replay(served: Served) -> None:
    discarded = buried(served)
    ask(served, "dead", "discard", discarded)
    for words, says in (
        (("dead", "show", "none"), "404"),
        (("dead", "replay", "none"), "404"),
        (("dead", "replay", discarded), "was discarded"),
        (("dead", "list", "--state", "asleep"), "state"),
    ):
        result = invoke(*words, "--url", served.url)
        assert (result.exit_code, says in result.stderr) == (1, True), result.output
        assert result.stderr.startswith("segue: ")
    for wrong in (("dead", "replay"), ("dead", "replay", "x", "--all"), ("dead", "discard")):
        assert invoke(*wrong, "--url", served.url).exit_code == 2
