"""What becomes of delivered parts, by what was done with them: right conduct is graded above sending nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from evals.worlds.kit.loopback import on_loopback
from evals.worlds.plant_maintenance.events import PREDICTED, REPAIR_CLOSED
from evals.worlds.plant_maintenance.stockroom import DELIVERED
from evals.worlds.plant_maintenance.truth import LATE_FAMILIES
from tests.evals.worlds.company import Company, in_process
from tests.evals.worlds.kit.test_sending import inbox
from tests.evals.worlds.plant_maintenance.test_story import PORTFOLIO, graded, handle


@dataclass(frozen=True, kw_only=True)
class Works:
    """The world, and what it has announced."""

    plant: Company
    received: list[dict[str, Any]]

    def of(self, type_: str) -> list[dict[str, Any]]:
        return [event for event in self.received if event["type"] == type_]

    async def dispatch(self, event: dict[str, Any]) -> None:
        repair = {name: event["data"][name] for name in ("repair_in_hours", "repair_hours")}
        assert (await self.plant.call("/visits", {"machine_id": event["subject"], **repair})).status_code == 201

    async def reschedule(self, event: dict[str, Any]) -> None:
        repair = {name: event["data"][name] for name in ("repair_in_hours", "repair_hours")}
        assert (await self.plant.call(f"/machines/{event['subject']}/plan", repair)).status_code == 200


@pytest.fixture
async def works(tmp_path: Path) -> AsyncIterator[Works]:
    received: list[dict[str, Any]] = []
    async with (
        on_loopback(inbox(received)) as segue,
        in_process(tmp_path, segue=segue, world="plant_maintenance") as plant,
    ):
        yield Works(plant=plant, received=received)


def reward(event: dict[str, Any]) -> float:
    """The outcome's rewards by the goals' weights."""
    rewards = graded(event["type"], **event["data"])
    weights = PORTFOLIO.goals
    return sum(weights[goal] * rewards[goal] for goal in rewards) / sum(weights[goal] for goal in rewards)


async def test_a_delivered_part_is_graded_by_whether_somebody_was_sent(works: Works) -> None:
    events = await works.plant.events(DELIVERED, n=8, seed=3)
    for event in events[:4]:
        await works.dispatch(event)
    await works.plant.advance(100)
    closed = {event["subject"]: event for event in works.of(REPAIR_CLOSED)}
    assert set(closed) == {event["subject"] for event in events}
    sent, nobody = events[:4], events[4:]
    assert min(reward(closed[event["subject"]]) for event in sent) >= 0.8
    assert max(reward(closed[event["subject"]]) for event in nobody) <= 0.3
    assert {closed[event["subject"]]["data"]["order_id"] for event in sent} == {e["data"]["order_id"] for e in sent}


@pytest.mark.parametrize("supplier", ["tarvo", "quint"])
@pytest.mark.parametrize("careful", [True, False])
async def test_ordered_parts_are_graded_like_made_deliveries_late_or_not(
    works: Works, supplier: str, *, careful: bool
) -> None:
    for event in await works.plant.events(PREDICTED, n=12, seed=9):
        await handle(works.plant, event, supplier)
    answered: set[str] = set()
    for _ in range(45):
        await works.plant.advance(4)
        for event in works.of(DELIVERED) if careful else ():
            if event["id"] not in answered:
                answered.add(event["id"])
                await works.dispatch(event)
                if event["data"]["hours_late"] > 0:
                    await works.reschedule(event)
    closed = works.of(REPAIR_CLOSED)
    assert {one["data"]["order_id"] for one in closed} == {one["data"]["order_id"] for one in works.of(DELIVERED)}
    late = [one for one in closed if one["data"]["part_family"] in LATE_FAMILIES]
    assert len(closed) == 12 > len(late) > 0
    assert {one["data"]["repaired"] for one in closed} == {careful}
    assert min(map(reward, closed)) >= 0.8 if careful else max(map(reward, closed)) <= 0.3


LATE = {
    "machines": [
        {"machine_id": "m-1", "line": "T", "worn": {"part_family": "valve", "hours_left": 30}},
        {"machine_id": "m-2", "line": "T"},
        {"machine_id": "m-3", "line": "T"},
    ],
    "jobs": [
        {"job_id": f"j-{number}", "machine_id": "m-1", "start_in_hours": start, "hours": 6, "due_in_hours": start + 8}
        for number, start in enumerate((42, 48))
    ],
    "orders": [{"machine_id": "m-1", "part_family": "valve", "supplier": "tarvo", "arrives_in_hours": 40}],
}
"""A broken machine whose part comes 16 hours late, with jobs that others of its cell could do in time."""


async def closed_late(data: Path, *, reschedule: bool) -> dict[str, Any]:
    received: list[dict[str, Any]] = []
    async with on_loopback(inbox(received)) as segue, in_process(data, segue=segue, world="plant_maintenance") as plant:
        works = Works(plant=plant, received=received)
        await plant.arrange(**LATE)
        await plant.advance(40)
        (delivered,) = works.of(DELIVERED)
        assert delivered["data"]["hours_late"] == 16.0
        if reschedule:
            await works.reschedule(delivered)
        await works.dispatch(delivered)
        await plant.advance(40)
        (closed,) = works.of(REPAIR_CLOSED)
        return closed


async def test_rescheduling_for_a_late_part_is_graded_above_leaving_the_plan_as_it_was(tmp_path: Path) -> None:
    moved = await closed_late(tmp_path / "a", reschedule=True)
    left = await closed_late(tmp_path / "b", reschedule=False)
    assert (moved["data"]["jobs_late"], moved["data"]["down_hours"]) == (0, 2.0)
    assert left["data"]["jobs_late"] > 0
    assert reward(moved) > 0.9 > reward(left)


async def test_a_visit_too_many_costs(works: Works) -> None:
    once, twice = await works.plant.events(DELIVERED, n=2, seed=3)
    for event in (once, twice, twice):
        await works.dispatch(event)
    await works.plant.advance(100)
    closed = {event["subject"]: event for event in works.of(REPAIR_CLOSED)}
    assert closed[twice["subject"]]["data"]["visits"] == 2
    assert reward(closed[twice["subject"]]) < reward(closed[once["subject"]])


async def test_a_technician_who_was_sent_before_the_part_came_counts(works: Works) -> None:
    worn = {"machine_id": "m-1", "line": "T", "worn": {"part_family": "seal"}}
    order = {"machine_id": "m-1", "part_family": "seal", "supplier": "quint", "arrives_in_hours": 10}
    await works.plant.arrange(machines=[worn], orders=[order], visits=[{"machine_id": "m-1", "arrives_in_hours": 12}])
    await works.plant.advance(30)
    (closed,) = works.of(REPAIR_CLOSED)
    assert closed["data"] | {"order_id": ""} == {
        "order_id": "",
        "part_family": "seal",
        "repaired": True,
        "waited_hours": 2.0,
        "down_hours": 0.0,
        "visits": 1,
        "jobs_late": 0,
    }


async def test_a_part_that_no_machine_waits_for_has_no_outcome_and_of_two_only_the_last_one_has(works: Works) -> None:
    worn = {"machine_id": "m-1", "line": "T", "worn": {"part_family": "seal"}}
    orders = [
        {"machine_id": machine, "part_family": "seal", "supplier": "quint", "arrives_in_hours": hours}
        for machine, hours in (("m-1", 4), ("m-1", 8), ("m-2", 4))
    ]
    await works.plant.arrange(machines=[worn, {"machine_id": "m-2", "line": "T"}], orders=orders)
    await works.plant.advance(100)
    delivered, (closed,) = works.of(DELIVERED), works.of(REPAIR_CLOSED)
    assert len(delivered) == 3
    assert closed["data"]["order_id"] == delivered[-1]["data"]["order_id"]
