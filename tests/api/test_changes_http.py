"""Changes of actions, over HTTP and by command, on a real Segue."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from agent import drifting
from api.shapes_changes import Changes
from tests.api.served import Served, is_problem, open_served
from tests.api.test_cli import ask, ask_json, invoke

PATH = "/v1/memory/changes"


def changed(served: Served) -> dict[str, Any]:
    """Mail is paused twelve times to good effect, then nine times to none; the change that is noticed."""
    for number in range(21):
        run = served.handle("pause please")
        subject = run["event"]["subject"]
        served.send(served.event(type="customer.stayed", subject=subject, data={"loyalty": float(number < 12)}))
    until = time.monotonic() + 30
    while not (found := served.http.get(PATH).json()["items"]):
        assert time.monotonic() < until
    (only,) = found
    return dict(only)


def test_a_change_is_told_over_http_and_by_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drifting, "EVERY_S", 0.02)
    with open_served(tmp_path) as served:
        assert served.http.get(PATH).json() == {"items": []}
        assert "No action has changed." in ask(served, "memory", "changes").stdout
        change = changed(served)
        (shown,) = Changes.model_validate(served.http.get(PATH, params={"type": "customer.upset"}).json()).items
        assert shown.model_dump() == change
        assert (shown.action, shown.way, shown.source, shown.before, shown.found) == (
            *("pause_mail", "worse", "/tests", 12, 0.0),
        )
        assert ask_json(served, "memory", "changes", "--type", "customer.upset") == [change]
        table = ask(served, "memory", "changes").stdout
        for words in ("pause_mail", "worse", "0.00", f"{shown.since} after 12", "to 1", "/tests"):
            assert words in table


def test_an_unknown_type_is_404_with_the_nearest_and_an_unknown_filter_422(served: Served) -> None:
    response = served.http.get(PATH, params={"type": "customer.upsett"})
    assert (response.status_code, is_problem(response)) == (404, True)
    assert "Did you mean 'customer.upset'?" in response.json()["detail"]
    assert served.http.get(PATH, params={"typ": "customer.upset"}).status_code == 422
    unknown = invoke("memory", "changes", "--type", "customer.upsett", "--url", served.url)
    assert (unknown.exit_code, "Did you mean 'customer.upset'?" in unknown.stderr) == (1, True)
