"""Reports of seasons, and what reversed weights do to a choice that outcomes have taught."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.events import RawEvent
from agent.service import Segue
from agent.store.queries import Shown
from agent.wiring import Settings, open_segue
from evals.intervals import mean_spread
from evals.seasons.plant import ARMS, PORTFOLIO, Arm, Played, Repair, Season, play, reversed_portfolio
from evals.seasons.season import SeasonError, run_seasons, summed_up
from evals.seasons.telling import told
from evals.worlds.kit.loopback import on_loopback
from tests.agent.company import Company as Office
from tests.agent.company import Ledger, embedder, embedding_cache
from tests.evals.worlds.company import build

EXPERIENCE = {
    "tarvo": {"downtime_hours": 46.0, "cost_euro": 1780.0, "late_share": 0.6},
    "quint": {"downtime_hours": 6.0, "cost_euro": 2450.0, "late_share": 0.0},
}
"""What becomes of drives ordered at each, as the world has it."""


def raw(id_: str, type_: str, subject: str, data: dict[str, Any]) -> RawEvent:
    return RawEvent(source="/t", id=id_, type=type_, subject=subject, time=datetime.now(UTC), data=data)


async def alarm(segue: Segue, number: int) -> str:
    """The supplier a drive is ordered from for another machine."""
    data = {"part_family": "drive", "fault_mode": "drive overload", "repair_in_hours": 30.0, "repair_hours": 6.0}
    event = raw(f"a{number}", "machine.failure.predicted", f"m-{number}", data)
    (accepted,) = await segue.accept("default", [event])
    run: Shown = await Office(segue=segue, ledger=Ledger()).ended(accepted.run or "")
    (order,) = [effect for effect in run["effects"] if effect["tool"] == "order_part"]
    return str(order["arguments"]["supplier"])


async def closed(segue: Segue, number: int, supplier: str) -> None:
    """The outcomes of that order, joined."""
    data = EXPERIENCE[supplier]
    week = {"downtime_hours": data["downtime_hours"], "cost_euro": data["cost_euro"], "budget_euro": 1660.0}
    delivery = {"late_share": data["late_share"]}
    batch = [
        raw(f"w{number}", "machine.week.closed", f"m-{number}", week),
        raw(f"d{number}", "delivery.closed", f"m-{number}", delivery),
    ]
    await segue.accept("default", batch)
    while (await segue.memories.outcomes("default", "new", None, 1)).items:
        pass


async def test_exchanged_weights_reverse_the_choice_at_once_from_the_same_outcomes(tmp_path: Path) -> None:
    async with on_loopback(build(tmp_path / "world", world="plant_maintenance")) as address:
        environment = {"SEGUE_CACHE": str(embedding_cache()), "PLANT_MAINTENANCE_URL": address}

        def settings(portfolio: Path) -> Settings:
            return Settings(portfolio=(portfolio,), data=tmp_path / "segue", environment=environment)

        await prepare(address)
        async with open_segue(settings(PORTFOLIO), None, embedder()) as segue:
            tried = []
            for number in range(2):
                tried.append(await alarm(segue, number))
                await closed(segue, number, tried[-1])
            assert set(tried) == {"tarvo", "quint"}
            assert await alarm(segue, 2) == "quint"
        async with open_segue(settings(reversed_portfolio(tmp_path)), None, embedder()) as segue:
            assert await alarm(segue, 3) == "tarvo"
        async with open_segue(settings(PORTFOLIO), None, embedder()) as segue:
            assert await alarm(segue, 4) == "quint"


async def prepare(address: str) -> None:
    """Five machines without a drive on stock."""
    async with httpx.AsyncClient(base_url=address) as client:
        machines = [{"machine_id": f"m-{number}", "line": f"T{number}"} for number in range(5)]
        given = {"machines": machines, "parts": [{"part_family": "drive", "on_stock": 0}]}
        (await client.post("/_world/arrange", json=given)).raise_for_status()


def repair(number: int, family: str, supplier: str | None, downtime: float) -> Repair:
    return Repair(
        id=f"r{number}", family=family, supplier=supplier, downtime_hours=downtime, cost_euro=100.0 + downtime, late=1
    )


def played(seed: int, arm: Arm, supplier: str, downtime: float) -> Played:
    first = tuple(repair(number, "drive", "tarvo", 40.0) for number in range(2))
    second = (repair(2, "drive", supplier, downtime), repair(3, "seal", "tarvo", 6.0))
    after = (repair(4, "valve", "tarvo", 0.0),) if arm == "memory" else ()
    return Played(seed=seed, arm=arm, repairs=first + second, reversed=after, runs=4, undone=0)


def test_a_report_compares_second_halves_over_seeds() -> None:
    season = [played(seed, "no_memory", "tarvo", 40.0 + seed) for seed in range(3)]
    season += [played(seed, "memory", "quint", 6.0) for seed in range(3)]
    report = summed_up("plant_maintenance", range(3), 4, season)
    downtime = report.differences[0]
    assert (downtime.no_memory, downtime.memory) == (23.5, 6.0)
    assert downtime.low < downtime.difference == -17.5 < downtime.high < 0
    assert (report.late.no_memory, report.late.memory, report.late.reversed) == (1.0, 0.0, 1.0)
    assert (report.others.memory, report.others.reversed) == (1.0, None)
    assert report.held
    shown = json.loads(json.dumps(report.as_json()))
    assert (shown["reversed_share"], shown["held"], shown["seeds"]) == (1.0, True, [0, 1, 2])
    assert "MISSED" not in told(report)


def test_a_mark_that_is_missed_is_told() -> None:
    season = [played(seed, arm, "tarvo", 40.0) for seed in range(2) for arm in ARMS]
    report = summed_up("plant_maintenance", range(2), 4, season)
    assert not report.held
    assert told(report).count("MISSED") == 2


def test_arms_that_saw_different_failures_are_not_compared() -> None:
    one = played(0, "no_memory", "tarvo", 40.0)
    other = played(0, "memory", "tarvo", 40.0)
    swapped = Played(seed=0, arm="memory", repairs=tuple(reversed(other.repairs)), reversed=(), runs=0, undone=0)
    with pytest.raises(SeasonError, match="same season"):
        summed_up("plant_maintenance", [0], 4, [one, swapped])


def test_the_interval_is_students() -> None:
    assert mean_spread([1.0, 2.0, 3.0]) == pytest.approx(4.303 / math.sqrt(3), rel=1e-3)
    assert mean_spread([1.0]) == math.inf


@pytest.mark.parametrize(
    ("world", "seeds", "events"),
    [("retail_care", [0], 10), ("plant_maintenance", [], 10), ("plant_maintenance", [0], 1)],
)
def test_what_cannot_be_played_is_refused(world: str, seeds: list[int], events: int) -> None:
    with pytest.raises(SeasonError):
        run_seasons(world, seeds, events, lambda _: None)


def test_a_short_season_is_played_to_its_last_outcome_and_beyond() -> None:
    environment = {"SEGUE_CACHE": str(embedding_cache())}
    season = play(Season(seed=3, arm="memory", events=3, environment=environment, further=2))
    assert (len(season.repairs), len(season.reversed), season.undone) == (3, 2, 0)
    assert all(one.downtime_hours > 0 and one.cost_euro > 0 for one in season.repairs)
    assert season.runs >= 3
