"""What runs earned as time went by: by number, day and week, by arm, and what does not count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from agent.curves import Curves
from agent.errors import NotFound
from agent.portfolio.model import EventType, Portfolio
from memory.lesson_tables import wilson
from memory.types import Arm, Episode
from tests.agent.conftest import new_database
from tests.agent.pasts import GOALS, TYPE, Past, open_past
from tests.memory.episodes import episode

NOTHING = cast("EventType", None)


def curves(past: Past) -> Curves:
    """Over what was written."""
    shop = Portfolio(goals=GOALS, sources=(), chains=(), events={TYPE: NOTHING, "other": NOTHING}, outcomes={})
    return Curves(past.place.database, shop)


def run(number: int, days: float, reward: float | None, arm: Arm | None = "memory", **more: Any) -> Episode:
    """Closed so many days ago."""
    rewards = {} if reward is None else {"satisfaction": reward}
    return replace(episode(f"{number:026d}", "call", rewards=rewards, age_days=days, **more), arm=arm)


def means(points: list[dict[str, Any]], arm: str) -> list[tuple[int, float] | None]:
    """Count and mean of an arm, point by point."""
    return [None if point[arm] is None else (point[arm]["count"], point[arm]["mean"]) for point in points]


async def test_points_by_number_hold_equally_many_runs_in_the_order_they_were_closed(tmp_path: Path) -> None:
    async with open_past(tmp_path) as past:
        told = [run(place, 60 - place, float(place >= 20)) for place in range(40)]
        await past.add(*told[::-1], run(90, 1, None))
        found = await curves(past).curve("default", TYPE, None, "number")
    assert found["graded"] == 40
    assert means(found["points"], "memory") == [(10, 0.0), (10, 0.0), (10, 1.0), (10, 1.0)]
    assert [point["since"] for point in found["points"]] == sorted(point["since"] for point in found["points"])
    low, high = wilson(10, 10, 0.05)
    assert (found["points"][-1]["memory"]["low"], found["points"][-1]["memory"]["high"]) == (round(low, 4), high)


async def test_many_runs_make_no_more_points_than_can_be_looked_at(tmp_path: Path) -> None:
    async with open_past(tmp_path) as past:
        await past.add(*(run(place, 400 - place, 1.0) for place in range(300)))
        found = await curves(past).curve("default", TYPE, None, "number")
    counts = [point["memory"]["count"] for point in found["points"]]
    assert (len(counts), sum(counts)) == (24, 300)
    assert max(counts) - min(counts) <= 1


async def test_days_and_weeks_are_those_of_utc_and_hold_both_arms(tmp_path: Path) -> None:
    async with open_past(tmp_path) as past:
        # NOW is Monday 23 November at noon.
        await past.add(run(1, 0, 1.0), run(2, 0.4, 0.5), run(3, 0.6, 0.0, "control"), run(4, 6.9, 1.0, None))
        days = await curves(past).curve("default", TYPE, None, "day")
        weeks = await curves(past).curve("default", TYPE, None, "week")
    assert [(one["since"], one["until"]) for one in days["points"]] == [
        ("2026-11-16T00:00:00Z", "2026-11-17T00:00:00Z"),
        ("2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"),
        ("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"),
    ]
    assert means(days["points"], "memory") == [None, None, (2, 0.75)]
    assert [(one["since"], one["until"]) for one in weeks["points"]] == [
        ("2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"),
        ("2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"),
    ]
    assert means(weeks["points"], "control") == [(1, 0.0), None]
    assert means(weeks["points"], "undrawn") == [(1, 1.0), None]


async def test_a_correction_counts_and_what_came_from_a_revoked_source_does_not(tmp_path: Path) -> None:
    async with open_past(tmp_path) as past:
        first = run(1, 3, 1.0)
        await past.add(first, run(2, 2, 1.0, source="/evil"))
        await past.grade(first, {"satisfaction": 0.0})
        await past.grade(first, {"satisfaction": 1.0}, source="/liar")
        asked = curves(past)
        assert means((await asked.curve("default", TYPE, None, "number"))["points"], "memory") == [(2, 1.0)]
        await past.revoke("/evil")
        await past.revoke("/liar")
        assert means((await asked.curve("default", TYPE, None, "number"))["points"], "memory") == [(1, 0.0)]


async def test_goals_weigh_as_they_do_now_or_stand_alone(tmp_path: Path) -> None:
    async with open_past(tmp_path) as past:
        both = replace(run(1, 1, None), rewards={"satisfaction": 1.0, "cost": 0.25})
        await past.add(both, run(2, 2, 0.5))
        together = await curves(past).curve("default", TYPE, None, "number")
        cost = await curves(past).curve("default", TYPE, "cost", "number")
    assert means(together["points"], "memory") == [(2, round((0.75 + 0.5) / 2, 4))]
    assert means(cost["points"], "memory") == [(1, 0.25)]


async def test_what_does_not_exist_is_said_and_what_has_no_outcome_is_empty(tmp_path: Path) -> None:
    async with open_past(tmp_path) as past:
        await past.add(run(1, 1, None))
        asked = curves(past)
        assert (await asked.curve("default", "other", None, "day"))["points"] == []
        assert (await asked.curve("default", TYPE, None, "number"))["points"] == []
        assert (await asked.curve("elsewhere", TYPE, None, "number"))["points"] == []
        with pytest.raises(NotFound, match="no event type 'support'"):
            await asked.curve("default", "support", None, "day")
        with pytest.raises(NotFound, match="no goal 'satisfcation'"):
            await asked.curve("default", TYPE, "satisfcation", "day")


async def test_it_is_the_same_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    told = [run(place, 60 - place, (place % 7) / 7, "control" if place % 4 == 0 else "memory") for place in range(35)]
    found = []
    for folder, url in ((tmp_path / "a", None), (tmp_path / "b", new_database(postgres_url, "curves"))):
        async with open_past(folder, database_url=url) as past:
            await past.add(*told)
            found.append([await curves(past).curve("default", TYPE, None, by) for by in ("number", "day", "week")])
    assert found[0] == found[1]
