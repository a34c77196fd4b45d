"""What the pages of memory and portfolio say, as data: no browser."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.portfolio.model import Chain, Step
from agent.store.figures import ToolCount
from api.console.memory.map_view import places
from api.console.memory.telling import in_words
from api.console.memory.uplift_view import added_in_words
from api.console.pages.portfolio_page import kind_of, steps_of, use_of

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


def count(tool: str, done: int, failed: int) -> ToolCount:
    """Of a tool that took a second each time."""
    seconds = tuple(1.0 for _ in range(done))
    return ToolCount(
        tool=tool, done=done, failed=failed, unknown=0, claimed=0, seconds=seconds, error=None, error_run=None
    )


def test_a_chain_says_who_performs_each_step_and_how_often_it_did_not_succeed() -> None:
    chain = Chain(
        name="care",
        description="",
        steps=(
            Step(name="know", description=""),
            Step(name="calm", description=""),
            Step(name="thank", description=""),
        ),
    )
    tools = [{"name": "look_up", "step": "know"}, {"name": "call", "step": "calm"}, {"name": "mail", "step": "calm"}]
    counts = {"call": count("call", 3, 1), "mail": count("mail", 6, 0)}
    shown = [(one.name, one.tools, one.calls, one.bad) for one in steps_of(chain, tools, counts)]
    assert shown == [("know", ("look_up",), 0, 0), ("calm", ("call", "mail"), 10, 1), ("thank", (), 0, 0)]


def test_a_tool_is_told_in_words_with_its_use_and_units() -> None:
    tool = {"effect": "write", "risk": "high", "step": None, "owner": "", "idempotent": True}
    assert kind_of(tool) == "changes something, high risk; no step; no owner; may be repeated; waits for an approval"
    assert use_of(None) == "not called this week"
    assert use_of(count("call", 3, 1)) == "4 calls this week, 75 % done, half of them within 1 s"
