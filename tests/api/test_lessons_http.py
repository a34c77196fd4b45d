"""Lessons over HTTP and by command, on a real Segue: distilled, listed, reworded, retired, and what is refused."""

from __future__ import annotations

import time
from typing import Any

import pytest

from api import shapes_lessons as shapes
from tests.api.served import Served, is_problem
from tests.api.test_cli import ask, ask_json, invoke

PATH = "/v1/memory/lessons"
TEXT = "pause_mail kept 9 of 9, others 0 of 9"


@pytest.fixture(scope="module")
def lesson(served: Served) -> dict[str, Any]:
    """The one lesson of nine runs that paused mail and stayed, and nine that did nothing and did not."""
    for number in range(18):
        word = ("pause", "nothing")[number % 2]
        run = served.handle(f"{word} please")
        subject = run["event"]["subject"]
        served.send(served.event(type="customer.stayed", subject=subject, data={"loyalty": float(word == "pause")}))
    until = time.monotonic() + 20
    while served.http.get("/v1/outcomes?state=new").json()["items"]:
        assert time.monotonic() < until
    distilled = served.http.post(f"{PATH}/distil", json={"type": "customer.upset"})
    shapes.DistilledKinds.model_validate(distilled.json())
    assert distilled.json()["items"] == [{"type": "customer.upset", "added": 1, "retired": 0, "episodes": 18}]
    (found,) = served.http.get(PATH).json()["items"]
    return dict(found)


def test_a_lesson_is_listed_and_shown_as_the_document_says(served: Served, lesson: dict[str, Any]) -> None:
    shapes.LessonPage.model_validate(served.http.get(f"{PATH}?type=customer.upset&state=all").json())
    assert (lesson["text"], lesson["written_by"], lesson["subjects"]) == (TEXT, "statistics", 9)
    assert lesson["sources"] == {"/tests": 9}
    assert len(lesson["episodes"]) == 9
    assert lesson["support"]["low"] > 0.3
    assert served.http.get(f"{PATH}/{lesson['id']}").json() == lesson
    assert served.http.get(f"{PATH}?type=other").json() == {"items": [], "next": None}


def test_lessons_are_listed_reworded_and_retired_by_command(served: Served, lesson: dict[str, Any]) -> None:
    assert TEXT in ask(served, "memory", "lessons", "--type", "customer.upset").stdout
    told = ask(served, "memory", "lessons", "--distil").stdout
    assert "18 graded episodes: 0 new versions, 0 retired" in told
    assert ask_json(served, "memory", "lessons", "show", lesson["id"]) == lesson
    edited = ask_json(served, "memory", "lessons", "edit", lesson["id"], "--text", "Pause mail when they are upset.")
    assert (edited["text"], edited["version"]) == (f"Pause mail when they are upset. ({TEXT})", 2)
    shown = ask(served, "memory", "lessons", "show", edited["id"]).stdout
    assert "9 subjects; sources: /tests 9" in shown
    assert "shown 0, helped 0, hurt 0, otherwise 0, open 0" in shown
    retired = ask(served, "memory", "lessons", "retire", edited["id"], "--reason", "no mail any more").stdout
    assert "retired by operator" in retired
    assert "No lessons." in ask(served, "memory", "lessons", "--distil").stdout
    all_ = ask_json(served, "memory", "lessons", "--all")
    assert [(one["version"], one["state"], one["reason"]) for one in all_] == [
        (2, "retired", "no mail any more"),
        (1, "retired", "replaced by version 2"),
    ]
    for words in (("edit", lesson["id"], "--text", "late"), ("retire", edited["id"])):
        result = invoke("memory", "lessons", *words, "--url", served.url)
        assert (result.exit_code, "409" in result.output) == (1, True)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/none/edit", {"text": "x"}, 404),
        ("/none/retire", {}, 404),
        ("/distil", {"type": "customer.upste"}, 404),
        ("/distil", {"typ": "customer.upset"}, 422),
        ("/none/edit", {"text": ""}, 422),
        ("/none/edit", {"text": "two\nlines"}, 422),
        ("/none/edit", {"text": "x" * 201}, 422),
        ("/none/edit", {}, 422),
        ("/none/retire", {"reason": 1}, 422),
    ],
)
def test_what_cannot_be_done_is_a_problem(served: Served, path: str, body: dict[str, Any], status: int) -> None:
    response = served.http.post(f"{PATH}{path}", json=body)
    assert (response.status_code, is_problem(response)) == (status, True), response.text


def test_an_unknown_lesson_or_filter_is_told(served: Served) -> None:
    assert served.http.get(f"{PATH}/none").status_code == 404
    assert served.http.get(f"{PATH}?state=sleeping").status_code == 422
    result = invoke("memory", "lessons", "show", "none", "--url", served.url)
    assert (result.exit_code, "there is no lesson" in result.output) == (1, True)
