"""What the page of memory says, as data: no browser."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.console.memory.map_view import places
from api.console.memory.telling import in_words
from api.console.memory.uplift_view import added_in_words

HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m\u202e{{7*7}}"


def point(**changes: Any) -> dict[str, Any]:
    """A point of the map."""
    made = {"x": 0.5, "y": -0.5, "episode": "01RUN", "actions": ["call"], "reward": 1.0, "subject": "c-1"}
    return {**made, "text": "late", **changes}


def test_the_map_tells_outcomes_apart_and_says_the_same_in_words() -> None:
    points = [point(), point(reward=0.2), point(reward=None), point(reward=0.5)]
    assert places(points)["kind"] == "0120"
    assert in_words(points).startswith("2 went well, 1 went badly, 1 no outcome yet. Their mean reward is 0.57 of 1")


def test_only_numbers_of_what_is_on_the_map_go_to_the_browser() -> None:
    sent = json.dumps(places([point(text=HOSTILE, subject=HOSTILE, actions=[HOSTILE]), point(reward=None)]))
    assert sent == '{"x": [0.5, 0.5], "y": [-0.5, -0.5], "kind": "02"}'


def uplift(**changes: Any) -> dict[str, Any]:
    """Of an event type."""
    made = {"graded": {"memory": 90, "control": 10}, "control": 0.1, "difference": 0.05, "share_swayed": 0.4}
    return {**made, "anytime_interval": {"low": -0.01, "high": 0.11}, **changes}


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (uplift(), "+0.050 of a reward of 1, 95 % interval -0.010 to +0.110; 90 judged runs"),
        (uplift(difference=None), "Not known yet: 90 judged runs with memory, 10 without"),
        (uplift(difference=None, control=0), "no run decides without memory"),
        (uplift(anytime_interval=None), "+0.050 of a reward of 1; 90"),
    ],
)
def test_what_memory_adds_is_said_with_its_interval_or_why_not(told: dict[str, Any], says: str) -> None:
    assert says in added_in_words(told)
