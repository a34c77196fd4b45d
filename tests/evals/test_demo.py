"""The demo: its stories on seeds of their own against real servers, and the arithmetic of its comparison."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from evals.demo import plant_arm, season_plant, season_retail, story_plant, story_retail
from evals.demo.arms import play_season
from evals.demo.play import DemoError, play_demo
from evals.demo.season import ARMS, Affair, Arm, Ended, Measure, Played, Season, compare
from evals.demo.story import Story
from evals.demo.telling import tell_run
from evals.processes import open_stage
from evals.seasons.plant import Repair
from evals.workers import open_workers


async def test_the_retail_story_holds_on_another_seed(tmp_path: Path) -> None:
    story = silent("retail_care")
    async with open_stage("retail_care", tmp_path, seed=4711, memory=True) as stage:
        world: dict[str, Any] = await story_retail.play_story(stage, story)
    assert [check.detail for check in story.checks if not check.passed] == []
    assert len(story.checks) >= 11
    assert {run["decided_by"] for run in story.runs} == {"planner"}
    assert sum(row["applied"] for row in world["ledger"] if row["tool"] == "issue_refund") == 1


async def test_the_plant_story_holds_on_another_seed(tmp_path: Path) -> None:
    story = silent("plant_maintenance")
    async with open_stage("plant_maintenance", tmp_path, seed=4711, memory=True) as stage:
        world: dict[str, Any] = await story_plant.play_story(stage, story)
    assert [check.detail for check in story.checks if not check.passed] == []
    assert len(story.checks) >= 15
    assert {run["decided_by"] for run in story.runs} == {"planner"}
    done = [row["tool"] for row in world["ledger"] if row["applied"]]
    assert (done.count("order_part"), done.count("reserve_part"), done.count("dispatch_technician")) == (1, 1, 2)


@pytest.mark.slow
async def test_seasons_play_the_same_events_in_both_arms(tmp_path: Path) -> None:
    seasons = season_retail.SEASON, season_plant.SEASON
    done: list[tuple[str, str, int]] = []

    async def play(pool: ProcessPoolExecutor, season: Season) -> Played:
        def progress(arm: Arm, more: int) -> None:
            done.append((season.world, arm, more))

        return await play_season(pool, season, tmp_path / season.world, seed=4712, events=4, progress=progress)

    with open_workers(2) as pool:
        played = await asyncio.gather(*(play(pool, season) for season in seasons))
    for season, one in zip(seasons, played, strict=True):
        assert [affair.id for affair in one.without] == [affair.id for affair in one.with_memory]
        assert [learned.measure for learned in compare(season, one)][:2] == list(season.measures)[:2]
        told = [sum(more for *of, more in done if of == [season.world, arm]) for arm in ARMS]
        assert told == [4, 4 + season.further]
    assert [len(one.checks) for one in played] == [0, 2]


async def test_a_season_nobody_waits_for_is_given_up(tmp_path: Path) -> None:
    def interrupt(_: str, __: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), open_workers(1) as pool:
        await play_season(pool, season(), tmp_path, seed=1, events=10_000, progress=interrupt)


async def test_an_unknown_world_is_no_demo(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=r"no story of 'bakery'\. Known: retail_care, plant_maintenance"):
        await play_demo(worlds=["bakery"], as_json=True, seed=1, events=10, keep=tmp_path)


def test_the_second_halves_are_compared_in_pairs() -> None:
    satisfaction, churn = compare(season(), Played(without=arm(9, 9, 50, 40, churned=3), with_memory=arm(0, 0, 60, 60)))
    assert (satisfaction.before, satisfaction.after, satisfaction.events) == (45, 60, 2)
    assert satisfaction.low < 15 < satisfaction.high
    assert (churn.before, churn.after) == (0.5, 0.0)


def test_a_figure_is_compared_where_both_arms_have_it() -> None:
    without = [affair("a", satisfaction=1), affair("b", churn=1), affair("c", satisfaction=1, churn=1)]
    with_memory = [affair("a", satisfaction=1), affair("b", satisfaction=7), affair("c", satisfaction=3, churn=0)]
    satisfaction, churn = compare(season(), Played(without=without, with_memory=with_memory))
    assert (satisfaction.before, satisfaction.after, satisfaction.events) == (1, 3, 1)
    assert (churn.before, churn.after, churn.events) == (1, 0, 1)


def test_arms_that_played_different_seasons_are_not_compared() -> None:
    other = [affair("b", satisfaction=1)] * 4
    with pytest.raises(ValueError, match="same season"):
        compare(season(), Played(without=arm(1, 2, 3, 4), with_memory=other))


def test_a_difference_of_shares_stays_between_all_and_nothing() -> None:
    (share,) = compare(season(), Played(without=[affair("a", churn=1)] * 8, with_memory=[affair("a", churn=0)] * 8))
    assert (share.before, share.after) == (1.0, 0.0)
    assert -1.0 <= share.low < -0.9 < share.high < 0


def test_one_pair_tells_nothing_of_other_figures() -> None:
    (one,) = compare(season(), Played(without=[affair("a", satisfaction=1)], with_memory=[affair("a", satisfaction=9)]))
    assert (one.as_json()["low"], one.as_json()["high"]) == (None, None)


def test_what_was_told_of_a_run_is_not_told_again() -> None:
    page, told = StringIO(), set[str]()
    console = Console(file=page, width=120)
    asked = {"action": "issue_refund", "index": 0, "verdict": "approval", "why": None, "purpose": "pay the money back"}
    found = {"action": "open_case", "index": 1, "verdict": "permitted", "why": None, "purpose": "hand it over"}
    decision = {"number": 1, "reason": "both are due", "calls": [asked, found]}
    done = {"key": "r:1:1", "state": "done"}
    run = {"id": "r", "evidence": [], "decisions": [decision], "effects": [done]}
    tell_run(console, run, told)
    tell_run(console, run | {"effects": [{"key": "r:1:0", "state": "done"}, done]}, told)
    assert [line.strip() for line in page.getvalue().splitlines()] == [
        "decision 1  issue_refund waits for an operator: pay the money back",
        "decision 1  open_case done: hand it over",
        "decision 1  issue_refund done: pay the money back",
    ]


def test_a_row_of_what_was_learned_names_its_world() -> None:
    (row,) = compare(season(), Played(without=[affair("a", churn=1)] * 2, with_memory=[affair("a", churn=0)] * 2))
    assert row.as_json()["world"] == "retail_care"
    assert set(row.as_json()) == {"world", "measure", "before", "after", "low", "high", "events"}


@pytest.mark.parametrize(
    ("before", "after", "passed"),
    [
        ("tarvo tarvo quint quint tarvo quint", "tarvo", True),
        ("tarvo", "tarvo", False),
        ("quint", "quint", False),
        ("quint", "quint tarvo", False),
        ("quint", "", False),
    ],
)
def test_exchanged_weights_must_turn_the_choice(before: str, after: str, passed: bool) -> None:
    further = [*map(repair, after.split()), repair("tarvo", "seal")]
    check = plant_arm.exchanged([*map(repair, before.split())], further)
    assert check.passed is passed
    assert f"in {len(further)} further failures" in check.detail


def test_the_late_supplier_is_dropped_where_it_gets_less_with_memory() -> None:
    late, other = plant_arm.affair(repair("tarvo")), plant_arm.affair(repair("quint"))
    seal = plant_arm.affair(repair("tarvo", "seal"))
    assert dropped([late, late, seal, late], [late, late, seal, other])
    assert not dropped([other, other, seal, late], [late, late, seal, late])
    assert not dropped([late, late, seal, seal], [late, late, seal, other])


def dropped(without: list[Affair], with_memory: list[Affair]) -> bool:
    (check,) = season_plant.SEASON.judge(without, with_memory)
    return check.passed


def silent(world: str) -> Story:
    return Story(name=world, tell=lambda _sentence, _run: None)


def endless(_arm: Arm, _seed: int, events: int, progress: Callable[[int], object]) -> Ended:
    """A season that ends when its progress cannot be told."""
    for _ in range(events):
        progress(1)
        time.sleep(0.05)
    return Ended(affairs=())


def season() -> Season:
    return Season(
        world="retail_care",
        title="events",
        about="what there is to learn",
        events=4,
        measures=[
            Measure(key="satisfaction", name="satisfaction", unit=""),
            Measure(key="churn", name="customers who left", unit="share"),
        ],
        play_arm=endless,
    )


def affair(id_: str, **figures: float) -> Affair:
    return Affair(id=id_, figures=figures)


def arm(*satisfactions: float, churned: int = 0) -> list[Affair]:
    return [
        affair(f"a-{number}", satisfaction=satisfaction, churn=float(number < churned))
        for number, satisfaction in enumerate(satisfactions)
    ]


def repair(supplier: str, family: str = "bearing") -> Repair:
    return Repair(id="a", family=family, supplier=supplier, downtime_hours=6.0, cost_euro=800.0, late=0)
