"""Housekeeping over HTTP and by command, on a real Segue."""

from __future__ import annotations

from typing import Any

import pytest

from api import shapes_memory as shapes
from tests.api.served import Served, is_problem
from tests.api.test_cli import ask_json, invoke

PATH = "/v1/memory/tidy"


def test_a_round_is_told_as_the_document_says(served: Served) -> None:
    served.handle("nothing please")
    for body in ({}, {"type": "customer.upset"}, {"dry_run": True}):
        answer = served.http.post(PATH, json=body)
        shapes.TidiedKinds.model_validate(answer.json())
        (one,) = [one for one in answer.json()["items"] if one["type"] == "customer.upset"]
        # Nothing is a day old yet.
        assert (one["finished"], one["members"], one["old"]) == (True, 0, 0)
        assert one["index_before"] == one["index_after"] > 0


def test_the_command_says_what_was_done(served: Served) -> None:
    result = invoke("memory", "tidy", "--dry-run", "--url", served.url)
    assert (result.exit_code, "Nothing was changed." in result.output) == (0, True)
    (one,) = ask_json(served, "memory", "tidy", "--type", "customer.upset")
    assert one["finished"]


def test_an_episode_that_speaks_is_kept_as_it_is(served: Served) -> None:
    run = served.handle("nothing please")["id"]
    answer = served.http.post(f"/v1/memory/episodes/{run}/keep", json={})
    assert shapes.KeptEpisode.model_validate(answer.json()).tidied is None
    assert "was never forgotten" in invoke("memory", "keep", run, "--url", served.url).output
    shown = served.http.get(f"/v1/memory/episodes/{run}").json()
    assert shapes.EpisodeStory.model_validate(shown).tidied is None


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (PATH, {"type": "customer.upste"}, 404),
        (PATH, {"typ": "customer.upset"}, 422),
        (PATH, {"dry_run": "perhaps"}, 422),
        ("/v1/memory/episodes/none/keep", {}, 404),
        ("/v1/memory/episodes/none/keep", {"reason": "x"}, 422),
    ],
)
def test_what_cannot_be_done_is_a_problem(served: Served, path: str, body: dict[str, Any], status: int) -> None:
    response = served.http.post(path, json=body)
    assert (response.status_code, is_problem(response)) == (status, True), response.text


def test_an_unknown_type_or_episode_is_told(served: Served) -> None:
    result = invoke("memory", "tidy", "--type", "customer.upste", "--url", served.url)
    assert (result.exit_code, "Did you mean 'customer.upset'" in result.output) == (1, True)
    result = invoke("memory", "keep", "none", "--url", served.url)
    assert (result.exit_code, "there is no episode 'none'" in result.output) == (1, True)
