"""Who did what, over HTTP and on the command line: filtered, paged, exported."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from api.activity_words import did
from api.keyfile import Key, key_hash
from api.shapes_activity import ActShown
from tests.api.served import Served, is_problem, open_served
from tests.api.test_cli import ask, ask_json, invoke

FORMULA = '=HYPERLINK("http://evil")'


def acted(served: Served, count: int = 1) -> None:
    """Pause and resume a tool so often."""
    for _ in range(count):
        pause = {"scope": "tool", "name": "pay_back"}
        served.http.post("/v1/pauses", json={**pause, "reason": FORMULA})
        served.http.post("/v1/pauses/resume", json=pause)


def lines(served: Served, **query: Any) -> list[dict[str, Any]]:
    """Lines, newest first."""
    answer = served.http.get("/v1/activity", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_an_act_over_http_is_a_line_with_its_door(served: Served) -> None:
    run = served.handle("refund me", subject="mrs-act")
    approval = run["approvals"][0]["id"]
    answer = {"answer": "approve", "arguments": {"amount": 4}, "reason": "less"}
    assert served.http.post(f"/v1/approvals/{approval}", json=answer).status_code == 200
    assert served.http.post(f"/v1/approvals/{approval}", json=answer).status_code == 409
    (line,) = lines(served, run=run["id"])
    ActShown.model_validate(line)
    assert (line["who"], line["door"], line["act"], line["about"]) == ("operator", "api", "approved", approval)
    assert did(line) == "approved pay_back for mrs-act, amount edited"


def test_filters_pages_and_exports_agree(served: Served) -> None:
    acted(served, 5)
    wanted = {"act": "resumed", "q": "PAY_B"}
    listed = lines(served, limit=200, **wanted)
    assert len(listed) >= 5
    paged: list[Any] = []
    cursor: str | None = None
    while True:
        query = {**wanted, "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = served.http.get("/v1/activity", params=query).json()
        paged += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    objects = served.http.get("/v1/activity", params={**wanted, "format": "jsonl"})
    table = served.http.get("/v1/activity", params={**wanted, "format": "csv"})
    assert paged == listed == [json.loads(one) for one in objects.text.splitlines()]
    assert [one["id"] for one in csv.DictReader(io.StringIO(table.text))] == [str(one["id"]) for one in listed]
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"] == 'attachment; filename="segue-activity.csv"'
    assert objects.headers["content-type"] == "application/x-ndjson"


def test_a_cell_of_the_export_is_never_a_formula(served: Served) -> None:
    served.http.post("/v1/pauses", json={"scope": "tool", "name": "look_up", "reason": FORMULA})
    served.http.post("/v1/pauses/resume", json={"scope": "tool", "name": "look_up"})
    table = served.http.get("/v1/activity", params={"about": "look_up", "format": "csv"}).text
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["reason"] for row in rows] == ["", f"'{FORMULA}"]
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


def test_a_day_means_all_of_it(served: Served) -> None:
    acted(served)
    day = lines(served)[0]["at"][:10]
    assert lines(served, since=day, until=day)
    assert lines(served, since="2999-01-01") == lines(served, until="1999-12-31") == []


@pytest.mark.parametrize(
    "query",
    [
        "act=slept",
        "door=window",
        "kind=thing",
        "since=yesterday",
        "until=2026-13-01",
        "since=2026-11-02&until=2026-11-01",
        "format=xml",
        "format=csv&limit=5",
        "format=jsonl&cursor=5",
        "cursor=abc",
        "whom=ann",
        "q=",
    ],
)
def test_a_filter_that_means_nothing_is_422(served: Served, query: str) -> None:
    answer = served.http.get(f"/v1/activity?{query}")
    assert (answer.status_code, is_problem(answer)) == (422, True)
    assert "Value error" not in answer.text


def test_the_command_lists_filters_and_exports(served: Served, tmp_path: Path) -> None:
    acted(served)
    table = ask(served, "activity", "--act", "paused", "--about", "pay_back").stdout
    assert "paused the tool pay_back" in table
    assert "over HTTP" in table
    listed = ask_json(served, "activity", "--act", "paused", "--limit", "3")
    assert {one["act"] for one in listed} == {"paused"}
    file = tmp_path / "acts.jsonl"
    file.write_text("of before")
    told = json.loads(ask(served, "activity", "--act", "paused", "--export", str(file), "--json").stdout)
    assert told == {"file": str(file), "bytes": file.stat().st_size}
    assert [json.loads(one) for one in file.read_text().splitlines()] == lines(served, act="paused", limit=200)
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--since", "yesterday"], 2, "is no day or moment. Right: such as"),
        (["--act", "slept"], 2, "--act"),
        (["--export", "acts.xls"], 2, "ends in .csv or"),
        (["--export", "/nowhere/acts.csv"], 1, "'/nowhere/acts.csv' cannot be written: No such file"),
    ],
)
def test_a_command_that_cannot_be_done_says_why(served: Served, words: list[str], code: int, says: str) -> None:
    result = invoke("activity", *words, "--url", served.url)
    assert result.exit_code == code
    assert says in " ".join(result.output.replace("│", " ").split())


def test_another_tenant_sees_nothing_of_it_and_who_may_not_read_nothing_at_all(tmp_path: Path) -> None:
    keys = (
        Key(name="ann", tenant="a", scopes=frozenset({"read", "steer"}), sha256=key_hash("ann")),
        Key(name="bob", tenant="b", scopes=frozenset({"read"}), sha256=key_hash("bob")),
        Key(name="shop", tenant="a", scopes=frozenset({"events"}), sha256=key_hash("shop")),
    )
    with open_served(tmp_path, keys) as served:

        def ask_as(name: str, **query: str) -> Any:
            return served.http.get("/v1/activity", params=query, headers={"x-api-key": name})

        served.http.post("/v1/pauses", json={"scope": "all"}, headers={"x-api-key": "ann"})
        assert [one["who"] for one in ask_as("ann").json()["items"]] == ["ann"]
        assert ask_as("bob").json()["items"] == []
        assert ask_as("bob", format="jsonl").text == ""
        assert ask_as("shop").status_code == 403
        assert ask_as("eve", format="csv").status_code == 401
