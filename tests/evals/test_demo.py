"""The demo: its story on a seed of its own against real servers, and the arithmetic of its comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evals.demo.season import Affair, compare, play_season
from evals.demo.story import Story, play_story
from evals.processes import open_stage


async def test_the_story_holds_on_another_seed(tmp_path: Path) -> None:
    told: list[str] = []
    story = Story(name="retail_care", tell=lambda sentence, _run: told.append(sentence))
    async with open_stage("retail_care", tmp_path, seed=4711, memory=True) as stage:
        world: dict[str, Any] = await play_story(stage, story)
    assert [check.detail for check in story.checks if not check.passed] == []
    assert len(story.checks) >= 11
    assert {run["decided_by"] for run in story.runs} == {"planner"}
    assert sum(row["applied"] for row in world["ledger"] if row["tool"] == "issue_refund") == 1


async def test_a_season_gives_every_affair_an_end(tmp_path: Path) -> None:
    done: list[int] = []
    async with open_stage("retail_care", tmp_path, seed=4712, memory=False) as stage:
        affairs = await play_season(stage, 12, done.append)
    assert sum(done) == len(affairs) == 12
    assert all(0 <= affair.satisfaction <= 100 for affair in affairs)


def affairs(*satisfactions: float, churned: int = 0) -> list[Affair]:
    return [
        Affair(id=f"a-{number}", satisfaction=satisfaction, churned=number < churned)
        for number, satisfaction in enumerate(satisfactions)
    ]


def test_the_second_halves_are_compared_in_pairs() -> None:
    satisfaction, churn = compare(affairs(9, 9, 50, 40, churned=3), affairs(0, 0, 60, 60, churned=0))
    assert (satisfaction.before, satisfaction.after, satisfaction.events) == (45, 60, 2)
    assert satisfaction.low < 15 < satisfaction.high
    assert (churn.before, churn.after) == (0.5, 0.0)


def test_arms_that_played_different_seasons_are_not_compared() -> None:
    other = [Affair(id="b", satisfaction=1, churned=False) for _ in range(4)]
    with pytest.raises(ValueError, match="same season"):
        compare(affairs(1, 2, 3, 4), other)
