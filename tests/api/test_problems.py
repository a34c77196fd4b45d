"""Every error is a problem, and none tells what happened inside."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from agent.accepting import BatchError
from agent.errors import Conflict, NotFound, Refused
from api.bodies import Limits
from api.problems import TABLE
from memory.recall import MemoryUnavailable
from tests.api.served import is_problem
from tests.api.stand_in import StandIn, app_over, client_for


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("none"), 404),
        (Conflict("late"), 409),
        (Refused("no"), 422),
        (BatchError("invalid", {0: "bad"}), 422),
        (BatchError("conflict", {0: "other"}), 409),
        (MemoryUnavailable("away"), 503),
    ],
)
async def test_every_domain_error_has_its_status(error: Exception, status: int) -> None:
    response = await client_for(app_over(StandIn(broken={"run": error}))).get("/v1/runs/r-1")
    assert response.status_code == status
    assert is_problem(response)


@pytest.mark.parametrize("error", [KeyError("secret"), ZeroDivisionError("secret"), OSError("secret"), LookupError()])
async def test_an_unexpected_error_is_a_500_that_tells_nothing_and_is_logged(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        response = await client_for(app_over(StandIn(broken={"runs": error}))).get("/v1/runs")
    assert response.status_code == 500
    assert is_problem(response)
    assert "secret" not in response.text
    assert any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/docs", 404),
        ("GET", "/v1/runs/", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/events", 405),
        ("DELETE", "/v1/runs", 405),
        ("OPTIONS", "/v1/events", 405),
        ("NONSENSE", "/v1/runs", 405),
    ],
)
async def test_unknown_routes_and_methods_are_problems(method: str, path: str, status: int) -> None:
    response = await client_for(app_over(StandIn())).request(method, path)
    assert response.status_code == status
    assert is_problem(response)


def test_no_error_of_the_table_is_a_plain_python_error() -> None:
    assert not {KeyError, LookupError, ValueError, OSError, Exception} & TABLE.keys()


async def test_a_broken_dispatcher_is_not_ready_and_a_degraded_tool_source_is() -> None:
    http = client_for(app_over(StandIn(unwell={"dispatcher": "disk full", "tools.0": "old document"})))
    failed = await http.get("/health/ready")
    assert (failed.status_code, is_problem(failed)) == (503, True)
    assert failed.json()["problems"] == {"dispatcher": "disk full", "tools.0": "old document"}
    degraded = await client_for(app_over(StandIn(unwell={"tools.0": "old document"}))).get("/health/ready")
    assert (degraded.status_code, degraded.json()["status"]) == (200, "degraded")
    broken = await client_for(app_over(StandIn(broken={"health": OSError("no disk")}))).get("/health/ready")
    assert (broken.status_code, list(broken.json()["problems"])) == (503, ["store"])


async def test_what_cannot_be_written_as_utf8_is_shown_as_escapes() -> None:
    http = client_for(app_over(StandIn(found={"result": "half \ud83d", "text": "whole \N{GRINNING FACE}"})))
    response = await http.get("/v1/runs/r-1")
    assert response.status_code == 200
    assert response.json() == {"result": "half \ud83d", "text": "whole \N{GRINNING FACE}"}


async def test_a_body_that_never_ends_is_given_up_in_time() -> None:
    never = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"{"
        await never.wait()

    http = client_for(app_over(StandIn(), limits=Limits(seconds=0.02)))
    response = await http.post("/v1/events", content=body(), headers={"content-type": "application/cloudevents+json"})
    assert (response.status_code, is_problem(response)) == (408, True)
