"""Uplift and memory switched off, over HTTP and by command, on a real Segue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api import shapes, shapes_uplift
from api.doctor.finding import Setup
from api.doctor.served import look_at_served
from tests.api.served import Served, is_problem
from tests.api.test_cli import ask, ask_json, invoke

TYPE = "customer.upset"


@pytest.fixture(autouse=True)
def memory_is_on_again(served: Served) -> Iterator[None]:
    """Tests of the module share one Segue."""
    yield
    switch(served, state="on")


def switch(served: Served, **body: Any) -> httpx.Response:
    """Post a switch."""
    return served.http.post("/v1/memory/switches", json={"type": TYPE, **body})


def test_memory_is_switched_off_once_listed_told_by_health_and_seen_in_runs(served: Served) -> None:
    assert served.handle("pause me")["arm"] == "memory"
    first = switch(served, state="off", reason="it repeats itself")
    assert first.status_code == 200, first.text
    shapes_uplift.SwitchShown.model_validate(first.json())
    assert (first.json()["state"], first.json()["by"]) == ("off", "operator")
    assert switch(served, state="off", reason="other").json() == first.json()
    assert served.http.get("/v1/memory/switches").json()["items"] == [first.json()]
    health = served.http.get("/health/ready")
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    assert list(health.json()["problems"]) == [f"memory.{TYPE}"]
    run = served.handle("pause me")
    shapes.RunShown.model_validate(run)
    assert (run["arm"], run["decisions"][0]["arm"], run["evidence"]) == ("control", "control", [])
    assert "control arm, decided without memory" in ask(served, "runs", "show", run["id"]).stdout
    assert switch(served, state="on").json()["state"] == "on"
    assert served.http.get("/health/ready").json()["status"] == "ready"
    assert "decided with memory" in ask(served, "runs", "show", served.handle("pause me")["id"]).stdout


def test_uplift_is_told_per_type(served: Served) -> None:
    run = served.handle("pause me")
    found = served.http.get("/v1/memory/uplift").json()
    shapes_uplift.Uplifts.model_validate(found)
    (only,) = found["items"]
    assert (only["type"], only["control"], only["verdict"]) == (TYPE, 0.0, "unknown")
    assert only["runs"]["memory"] >= 1
    assert only["runs"]["control"] == 0
    assert served.http.get("/v1/memory/uplift", params={"type": TYPE}).json() == found
    assert run["swayed"] is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"type": "customer.upset"}', 422),
        (b'{"type": "customer.upset", "state": "maybe"}', 422),
        (b'{"type": "", "state": "off"}', 422),
        (b'{"state": "off"}', 422),
        (b'{"type": "customer.upset", "state": "off", "by": "me"}', 422),
        (b'{"type": "customer.upsett", "state": "off"}', 404),
        (b'{"type": "customer.upsett", "state": "on"}', 404),
        (b'{"type": "customer.stayed", "state": "off"}', 404),
        (b"", 400),
    ],
)
def test_a_bad_switch_is_refused_and_nothing_is_switched(served: Served, body: bytes, status: int) -> None:
    response = served.http.post("/v1/memory/switches", content=body)
    assert (response.status_code, is_problem(response)) == (status, True), response.text
    assert all(one["state"] == "on" for one in served.http.get("/v1/memory/switches").json()["items"])


def test_the_uplift_of_an_unknown_type_is_404_with_the_nearest(served: Served) -> None:
    response = served.http.get("/v1/memory/uplift", params={"type": "customer.upsett"})
    assert (response.status_code, is_problem(response)) == (404, True)
    assert "Did you mean 'customer.upset'?" in response.json()["detail"]
    assert served.http.get("/v1/memory/uplift", params={"typ": TYPE}).status_code == 422


def test_commands_switch_and_show_the_uplift(served: Served) -> None:
    said = ask(served, "memory", "off", "--type", TYPE, "--reason", "it repeats itself").stdout
    assert f"memory is off for {TYPE}, switched by operator at" in said
    assert "it repeats itself" in said
    table = ask(served, "memory", "uplift").stdout
    for words in (TYPE, "off", "unknown", "it repeats itself"):
        assert words in table
    (only,) = ask_json(served, "memory", "uplift", "--type", TYPE)
    assert only["memory"]["reason"] == "it repeats itself"
    assert f"memory is on for {TYPE}" in ask(served, "memory", "on", "--type", TYPE).stdout
    assert ask_json(served, "memory", "on", "--type", TYPE)["state"] == "on"


def test_commands_say_what_they_do_not_know(served: Served) -> None:
    for command in ("off", "on", "uplift"):
        unknown = invoke("memory", command, "--type", "customer.upsett", "--url", served.url)
        assert (unknown.exit_code, "Did you mean 'customer.upset'?" in unknown.stderr) == (1, True)
    for command in ("off", "on"):
        assert invoke("memory", command, "--url", served.url).exit_code == 2


def test_doctor_tells_of_memory_switched_off_as_a_warning(served: Served) -> None:
    switch(served, state="off")
    setup = Setup(
        portfolio=(), data=Path("none"), database_url=None, model=None, url=served.url, key=None, environment={}
    )
    (told,) = look_at_served(setup)
    assert (told.state, TYPE in told.found, "segue memory on" in told.mend) == ("warning", True, True)
