"""Pausing and resuming over HTTP and by command, on a real Segue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api import shapes
from api.doctor.finding import Setup
from api.doctor.served import look_at_served
from tests.api.served import Served, is_problem
from tests.api.test_cli import ask, ask_json, invoke


@pytest.fixture(autouse=True)
def nothing_stays_paused(served: Served) -> Iterator[None]:
    """Tests of the module share one Segue."""
    yield
    for one in served.http.get("/v1/pauses").json()["items"]:
        named = {} if one["name"] is None else {"name": one["name"]}
        served.http.post("/v1/pauses/resume", json={"scope": one["scope"], **named})


def pause(served: Served, **body: Any) -> httpx.Response:
    """Post a pause."""
    return served.http.post("/v1/pauses", json=body)


def test_a_pause_is_answered_listed_told_by_health_and_ended_once(served: Served) -> None:
    first = pause(served, scope="tool", name="close_account", reason="month's end")
    assert first.status_code == 200, first.text
    shapes.PauseShown.model_validate(first.json())
    assert {name: first.json()[name] for name in ("scope", "name", "by", "reason")} == {
        "scope": "tool",
        "name": "close_account",
        "by": "operator",
        "reason": "month's end",
    }
    assert pause(served, scope="tool", name="close_account", reason="other").json() == first.json()
    listed = served.http.get("/v1/pauses").json()
    shapes.Pauses.model_validate(listed)
    assert listed["items"] == [first.json()]
    health = served.http.get("/health/ready")
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    assert list(health.json()["problems"]) == ["pauses"]
    ends = [served.http.post("/v1/pauses/resume", json={"scope": "tool", "name": "close_account"}) for _ in range(2)]
    assert [(end.status_code, end.json()["resumed"]) for end in ends] == [(200, True), (200, False)]
    shapes.Resumed.model_validate(ends[0].json())
    assert served.http.get("/health/ready").json()["status"] == "ready"


def test_an_unknown_name_is_404_with_the_nearest(served: Served) -> None:
    for path in ("/v1/pauses", "/v1/pauses/resume"):
        response = served.http.post(path, json={"scope": "tool", "name": "close_acount"})
        assert (response.status_code, is_problem(response)) == (404, True)
        assert "Did you mean 'close_account'?" in response.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"scope": "all", "name": "close_account"}', 422),
        (b'{"scope": "tool"}', 422),
        (b'{"scope": "event", "name": ""}', 422),
        (b'{"scope": "tools", "name": "close_account"}', 422),
        (b'{"scope": "tool", "name": "close_account", "by": "me"}', 422),
        (b'{"name": "close_account"}', 422),
        (b"{}", 422),
        (b"", 400),
        (b'{"scope": "tool", "name": "a\\u0000"}', 400),
    ],
)
def test_a_bad_pause_is_refused_and_nothing_is_paused(served: Served, body: bytes, status: int) -> None:
    for path in ("/v1/pauses", "/v1/pauses/resume"):
        response = served.http.post(path, content=body)
        assert (response.status_code, is_problem(response)) == (status, True), response.text
    assert served.http.get("/v1/pauses").json()["items"] == []


def test_commands_pause_list_and_resume(served: Served) -> None:
    said = ask(served, "pause", "--tool", "close_account", "--reason", "no one watches").stdout
    assert "tool close_account is paused by operator since" in said
    assert "no one watches" in said
    assert ask_json(served, "pause", "--event", "customer.upset")["name"] == "customer.upset"
    assert ask_json(served, "pause")["scope"] == "all"
    assert {one["scope"] for one in ask_json(served, "pauses")} == {"all", "event", "tool"}
    table = ask(served, "pauses").stdout
    for words in ("everything", "event customer.upset", "tool close_account", "no one watches"):
        assert words in table
    assert "everything is resumed" in ask(served, "resume").stdout
    assert ask_json(served, "resume", "--event", "customer.upset")["resumed"] is True
    assert "tool close_account is resumed" in ask(served, "resume", "--tool", "close_account").stdout
    assert "was not paused" in ask(served, "resume", "--tool", "close_account").stdout
    assert "Nothing is paused." in ask(served, "pauses").stdout


def test_a_command_says_what_it_cannot_pause(served: Served) -> None:
    unknown = invoke("pause", "--tool", "close_acount", "--url", served.url)
    assert (unknown.exit_code, "Did you mean 'close_account'?" in unknown.stderr) == (1, True)
    for command in ("pause", "resume"):
        both = invoke(command, "--tool", "close_account", "--event", "customer.upset", "--url", served.url)
        assert both.exit_code == 2
    assert served.http.get("/v1/pauses").json()["items"] == []


def test_doctor_tells_of_a_pause_as_a_warning(served: Served) -> None:
    pause(served, scope="tool", name="close_account")
    setup = Setup(
        portfolio=(), data=Path("none"), database_url=None, model=None, url=served.url, key=None, environment={}
    )
    (told,) = look_at_served(setup)
    assert (told.state, "segue resume" in told.mend) == ("warning", True)
