"""What becomes of machines, by what was done: failures, deliveries, repairs, outcomes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import evals.worlds.plant_maintenance as world
from agent.portfolio.load import load_portfolio
from agent.remember import grade
from agent.types import Event
from evals.worlds.plant_maintenance.catalogue import FAMILIES
from evals.worlds.plant_maintenance.truth import LATE_FAMILIES
from tests.evals.worlds.company import Company, in_process

TYPES = (
    "machine.failure.predicted",
    "machine.inspection.passed",
    "part.delivered",
    "machine.week.closed",
    "delivery.closed",
    "repair.closed",
)
PORTFOLIO = load_portfolio((Path(str(world.__file__)).with_name("portfolio.yaml"),), {})


@pytest.fixture
async def plant(tmp_path: Path) -> AsyncIterator[Company]:
    async with in_process(tmp_path, world="plant_maintenance") as plant:
        yield plant


@pytest.mark.parametrize("type_", TYPES)
async def test_events_are_the_same_when_asked_again_and_in_a_like_world(
    plant: Company, tmp_path: Path, type_: str
) -> None:
    few, many = await plant.events(type_, n=3, seed=-7), await plant.events(type_, n=30, seed=-7)
    assert many[:3] == few
    assert len({event["id"] for event in many}) == 30
    async with in_process(tmp_path / "twin", world="plant_maintenance") as twin:
        again = [*await twin.events(type_, n=3, seed=-7), *(await twin.events(type_, n=30, seed=-7))[3:]]
        assert [event["data"] for event in again] == [event["data"] for event in many]
        assert [event["subject"] for event in again] == [event["subject"] for event in many]
        assert [e["id"] for e in await twin.events(type_, n=2, seed=6)] != [e["id"] for e in few[:2]]


async def test_an_alarm_is_what_the_predictor_says_of_the_machines_own_stream(plant: Company) -> None:
    events = await plant.events("machine.failure.predicted", n=12)
    assert len({event["subject"] for event in events}) == 12
    for event in events:
        told, data = await plant.get(f"/machines/{event['subject']}/prediction"), event["data"]
        assert (told["failure_expected"], told["part_family"]) == (True, data["part_family"])
        assert (told["probability"], told["hours_left"]) == (data["probability"], data["hours_left"])
    (inspected,) = await plant.events("machine.inspection.passed")
    assert not (await plant.get(f"/machines/{inspected['subject']}/prediction"))["failure_expected"]


async def handle(plant: Company, event: dict[str, Any], supplier: str) -> None:
    """What a good answer does, with the part ordered."""
    data, subject = event["data"], event["subject"]
    repair = {name: data[name] for name in ("repair_in_hours", "repair_hours")}
    await plant.call(f"/machines/{subject}/plan", repair)
    await plant.call(f"/machines/{subject}/shipments/promises", repair)
    order = {"machine_id": subject, "part_family": data["part_family"], "supplier": supplier}
    assert (await plant.call("/orders", order)).status_code == 201


async def week(data: Path, supplier: str | None, *, n: int = 16) -> dict[str, Any]:
    """A week in which every worn machine gets its part from one supplier, and a technician once it is there."""
    async with in_process(data, world="plant_maintenance") as plant:
        events = {event["subject"]: event for event in await plant.events("machine.failure.predicted", n=n, seed=77)}
        for event in events.values():
            if supplier is not None:
                await handle(plant, event, supplier)
        sent: set[str] = set()
        for _ in range(15):
            await plant.advance(8)
            for order in (await plant.state())["orders"]:
                if order["delivered_h"] is not None and order["id"] not in sent:
                    sent.add(order["id"])
                    await plant.call("/visits", {"machine_id": order["machine_id"], "repair_hours": 8})
        await plant.advance(8)
        return await plant.state()


def mean(state: dict[str, Any], figure: str, *, late: bool) -> float:
    found = [affair[figure] for affair in state["affairs"] if (affair["family"] in LATE_FAMILIES) == late]
    return float(sum(found) / len(found))


async def test_one_supplier_is_late_for_some_families_only_and_the_other_is_dearer(tmp_path: Path) -> None:
    late, dear = await week(tmp_path / "a", "tarvo"), await week(tmp_path / "b", "quint")
    assert [one["id"] for one in late["affairs"]] == [one["id"] for one in dear["affairs"]]
    for state in (late, dear):
        for order in state["orders"]:
            overdue = order["delivered_h"] - order["promised_h"]
            is_late = order["supplier"] == "tarvo" and order["family"] in LATE_FAMILIES
            assert (overdue > 40.0) if is_late else (overdue <= 0.0)
    assert mean(late, "downtime_h", late=True) > 25 > 9 > mean(dear, "downtime_h", late=True)
    assert mean(late, "downtime_h", late=False) == mean(dear, "downtime_h", late=False) < 9
    assert mean(late, "late", late=True) > mean(dear, "late", late=True)
    for is_late in (True, False):
        assert mean(late, "cost_euro", late=is_late) < 0.85 * mean(dear, "cost_euro", late=is_late)


async def test_a_week_turns_out_the_same_again_and_nothing_done_is_worst(tmp_path: Path) -> None:
    first, again, nothing = [
        await week(tmp_path / name, supplier) for name, supplier in (("a", "tarvo"), ("b", "tarvo"), ("c", None))
    ]
    assert first == again
    assert nothing["totals"]["failed"] == 16
    assert nothing["totals"]["mean_downtime_hours"] > 60 > first["totals"]["mean_downtime_hours"]


async def test_a_repaired_machine_is_well_and_its_part_is_used_up(plant: Company) -> None:
    worn = {"machine_id": "m-1", "line": "T", "worn": {"part_family": "seal", "repair_hours": 5}}
    await plant.arrange(machines=[worn], parts=[{"part_family": "seal", "on_stock": 2}])
    await plant.call("/parts/seal/reservations", {"machine_id": "m-1"})
    await plant.call("/visits", {"machine_id": "m-1", "repair_hours": 5})
    await plant.advance(4)
    assert not (await plant.get("/machines/m-1/sensors"))["running"]
    await plant.advance(20)
    assert not (await plant.get("/machines/m-1/prediction"))["failure_expected"]
    state = await plant.state()
    seal = next(row for row in state["parts"] if row["family"] == "seal")
    assert (seal["on_stock"], seal["reserved"]) == (1, 0)
    assert (state["affairs"][0]["downtime_h"], state["affairs"][0]["failed_h"]) == (5.0, None)
    assert [visit["result"] for visit in state["visits"]] == ["repaired"]


async def test_a_technician_without_the_part_repairs_nothing_and_a_broken_machine_stops_its_jobs(
    plant: Company,
) -> None:
    worn = {"machine_id": "m-1", "line": "T", "worn": {"part_family": "valve", "hours_left": 10}}
    job = {"job_id": "j-1", "machine_id": "m-1", "start_in_hours": 6, "hours": 8, "due_in_hours": 20}
    order = {"machine_id": "m-1", "part_family": "valve", "supplier": "quint", "arrives_in_hours": 30}
    await plant.arrange(machines=[worn], jobs=[job], orders=[order])
    await plant.call("/visits", {"machine_id": "m-1"})
    await plant.advance(40)
    state = await plant.state()
    assert [visit["result"] for visit in state["visits"]] == ["the part is missing"]
    assert state["affairs"][0]["failed_h"] == 10.0
    await plant.call("/visits", {"machine_id": "m-1"})
    await plant.advance(11)
    state = await plant.state()
    assert (state["affairs"][0]["repaired_h"], state["affairs"][0]["downtime_h"]) == (51.0, 41.0)
    assert [(one["start_h"], one["end_h"]) for one in state["jobs"]] == [(6.0, 55.0)]


async def test_outcomes_and_deliveries_are_announced_once_and_graded_for_every_goal(plant: Company) -> None:
    for event in await plant.events("machine.failure.predicted", n=4):
        await handle(plant, event, "quint")
    assert (await plant.advance(30))["pending"] == 4
    assert (await plant.advance(100))["pending"] == 16
    assert (await plant.advance(500))["pending"] == 16
    assert {one["closed_h"] for one in (await plant.state())["affairs"]} == {120.0}


def test_the_grades_weigh_downtime_and_cost_against_each_other() -> None:
    planned = graded("machine.week.closed", downtime_hours=6.0, cost_euro=1000.0, budget_euro=1000.0)
    late = graded("machine.week.closed", downtime_hours=45.0, cost_euro=1000.0, budget_euro=1000.0)
    dear = graded("machine.week.closed", downtime_hours=6.0, cost_euro=1400.0, budget_euro=1000.0)
    assert planned == pytest.approx({"uptime": 0.85, "cost": 1.0})
    assert late == {"uptime": 0.0, "cost": 1.0}
    assert dear == pytest.approx({"uptime": 0.85, "cost": 0.2})
    assert graded("machine.week.closed", downtime_hours=0.0, cost_euro=9e9, budget_euro=1.0)["cost"] == 0.0
    assert graded("delivery.closed", late_share=0.25) == {"delivery": 0.75}


def graded(type_: str, **data: Any) -> dict[str, float]:
    """The rewards of an outcome, by goal."""
    event = Event(source="/s", id="e", type=type_, subject="m", time=datetime.now(UTC), data=data)
    return grade(event, PORTFOLIO.outcomes[type_])


async def test_every_family_wears_out_and_some_parts_are_on_stock(plant: Company) -> None:
    events = await plant.events("machine.failure.predicted", n=36, seed=5)
    assert {event["data"]["part_family"] for event in events} == set(FAMILIES)
    free = [row["free"] for row in (await plant.state())["parts"]]
    assert min(free) == 0
    assert max(free) >= 1


async def test_more_alarms_than_machines_are_still_answered(plant: Company) -> None:
    events = await plant.events("machine.failure.predicted", n=50, seed=5)
    assert len({event["id"] for event in events}) == 50
    assert (await plant.advance(200))["pending"] <= 72


async def test_events_of_every_type_follow_one_another_for_weeks(plant: Company) -> None:
    for number in range(12):
        for type_ in TYPES:
            events = await plant.events(type_, n=number + 1, seed=5)
            assert len(events) == number + 1
        await plant.advance(30)
    assert min(row["free"] for row in (await plant.state())["parts"]) >= 0
