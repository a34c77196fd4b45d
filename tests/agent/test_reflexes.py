"""What a reflex spared, counted from the notes of its decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.portfolio.model import Portfolio
from agent.reflexes import spared
from agent.store.queries import Shown
from agent.store.reflex import Noted, NotedDecision

NOBODY = Portfolio(goals={"loyalty": 1.0}, sources=(), chains=(), events={}, outcomes={})


def decision(run: str, role: Any, **changes: Any) -> NotedDecision:
    made = NotedDecision(run=run, event_type="upset", role=role, gave_way=None, agrees=None, spared=0, tokens=0)
    return replace(made, **changes)


def shown(decisions: list[NotedDecision], earned: dict[str, float]) -> Shown:
    rewards = {run: {"loyalty": reward} for run, reward in earned.items()}
    (only,) = spared(Noted(decisions=decisions, rewards=rewards), NOBODY, None)
    return only


def test_a_run_counts_once_and_by_the_reflex_where_it_decided_anything_in_it() -> None:
    found = shown(
        [
            decision("a", "used", spared=70),
            decision("a", "gave_way", gave_way="new", tokens=90),
            decision("b", "checked", agrees=True, tokens=60),
            decision("b", "checked", agrees=False, tokens=60),
            decision("c", "gave_way", gave_way="few", tokens=50),
            decision("c", "gave_way", gave_way="few", tokens=50),
        ],
        {"a": 0.5, "b": 1.0},
    )
    assert found["runs"] == {"reflex": 1, "checked": 1, "model": 2}
    assert found["decisions"] == {"reflex": 1, "checked": 2, "agreed": 1, "model": 5}
    assert list(found["gave_way"].items()) == [("few", 2), ("new", 1)]
    assert (found["model_calls_saved"], found["tokens_saved"], found["tokens_used"]) == (1, 70, 310)
    assert found["reward"]["model"] == {"runs": 1, "mean": 1.0}
    assert found["reflex"] is None


def test_the_difference_is_that_of_reflex_and_checked_runs_with_welchs_interval() -> None:
    rewards = {f"r{n}": 0.5 + 0.1 * n for n in range(5)} | {f"c{n}": 0.6 + 0.05 * n for n in range(5)}
    decisions = [decision(run, "used" if run.startswith("r") else "checked") for run in rewards]
    difference = shown(decisions, rewards)["reward"]["difference"]
    # Means 0.7 and 0.7; variances 0.025 and 0.00625 over 5; 5.88 degrees of freedom, t = 2.459.
    assert difference["mean"] == pytest.approx(0.0, abs=1e-4)
    assert difference["high"] == pytest.approx(0.1944, abs=2e-3)
    assert difference["low"] == pytest.approx(-0.1944, abs=2e-3)


def test_of_few_runs_no_difference_is_told() -> None:
    rewards = {f"r{n}": 1.0 for n in range(9)} | {f"c{n}": 1.0 for n in range(4)}
    decisions = [decision(run, "used" if run.startswith("r") else "checked") for run in rewards]
    assert shown(decisions, rewards)["reward"]["difference"] is None
