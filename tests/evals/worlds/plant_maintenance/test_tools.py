"""The plant's tools as a caller meets them: plan, stock, shipments, technicians, and what cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.evals.worlds.company import Company, in_process

REPAIR = {"repair_in_hours": 4.0, "repair_hours": 6.0}


@pytest.fixture
async def plant(tmp_path: Path) -> AsyncIterator[Company]:
    """A plant with two mills of a line of their own and little to do."""
    async with in_process(tmp_path, world="plant_maintenance") as plant:
        mills = [{"machine_id": name, "kind": "mill", "line": "T"} for name in ("m-1", "m-2")]
        shipments = [
            {"shipment_id": "s-1", "customer": "Ekholm Rail", "promised_in_hours": 16},
            {"shipment_id": "s-2", "customer": "Jorvik Steel", "promised_in_hours": 16},
        ]
        jobs = [
            {"job_id": "j-1", "machine_id": "m-1", "start_in_hours": 5, "hours": 8, "shipment_id": "s-1"},
            {"job_id": "j-2", "machine_id": "m-2", "start_in_hours": 6, "hours": 8, "shipment_id": "s-2"},
        ]
        parts = [{"part_family": "seal", "on_stock": 1}, {"part_family": "drive", "on_stock": 0}]
        answer = await plant.arrange(machines=mills, shipments=shipments, jobs=jobs, parts=parts)
        assert answer.status_code == 200, answer.text
        yield plant


async def stock(plant: Company, family: str) -> dict[str, Any]:
    return next(row for row in (await plant.state())["parts"] if row["family"] == family)


async def test_the_document_describes_the_tools_and_nothing_else(plant: Company) -> None:
    document = await plant.get("/openapi.json")
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert {operation["operationId"] for operation in operations} == {
        "read_sensors",
        "predict_failure",
        "what_if",
        "reschedule",
        "check_stock",
        "reserve_part",
        "order_part",
        "list_shipments",
        "update_promise",
        "dispatch_technician",
    }
    assert all(operation["summary"] and operation["description"] for operation in operations)
    assert all(p["description"] for operation in operations for p in operation.get("parameters", []))
    ours = {n: s for n, s in document["components"]["schemas"].items() if "Validation" not in n}
    assert all(field.get("description") for schema in ours.values() for field in schema["properties"].values())


async def test_asking_what_would_be_changes_nothing(plant: Company) -> None:
    before = await plant.state()
    asked = await plant.get("/machines/m-1/plan", **REPAIR)
    assert asked["moved_count"] >= 1
    await plant.get("/machines/m-1/shipments", **REPAIR)
    assert await plant.state() == before


async def test_what_was_asked_is_what_is_committed_and_then_there_is_nothing_left_to_move(plant: Company) -> None:
    asked = await plant.get("/machines/m-1/plan", **REPAIR)
    done = await plant.call("/machines/m-1/plan", REPAIR, key="k")
    assert done.json()["moved_count"] == asked["moved_count"]
    state = await plant.state()
    jobs = {job["id"]: job for job in state["jobs"]}
    for moved in asked["moved_jobs"]:
        job = jobs[moved["job_id"]]
        assert (job["machine_id"], job["start_h"], job["end_h"]) == (
            moved["machine"],
            moved["starts_in_hours"],
            moved["ends_in_hours"],
        )
    assert all(job["machine_id"] != "m-1" or job["end_h"] <= 4 or job["start_h"] >= 10 for job in jobs.values())
    one = next(machine for machine in state["machines"] if machine["id"] == "m-1")
    assert (one["repair_from_h"], one["repair_to_h"]) == (4.0, 10.0)
    assert (await plant.get("/machines/m-1/plan", **REPAIR))["moved_count"] == 0


async def test_late_shipments_are_promised_anew_and_are_late_no_more(plant: Company) -> None:
    repair = {"repair_in_hours": 4.0, "repair_hours": 40.0}
    seen = await plant.get("/machines/m-1/shipments", **repair)
    late = {one["shipment_id"] for one in seen["shipments"] if one["late"]}
    assert len(late) == seen["late_count"] == 1
    told = await plant.call("/machines/m-1/shipments/promises", repair, key="k")
    assert told.json()["updated_count"] == 1
    assert (await plant.get("/machines/m-1/shipments", **repair))["late_count"] == 0
    promised = {row["id"]: row["promised_h"] for row in (await plant.state())["shipments"]}
    assert {id_ for id_, hour in promised.items() if hour > 16} == late


async def test_shipments_of_a_worn_machine_are_still_its_own_when_their_jobs_were_moved_away(tmp_path: Path) -> None:
    async with in_process(tmp_path, world="plant_maintenance") as plant:
        (event,) = await plant.events("machine.failure.predicted")
        about = {name: event["data"][name] for name in ("repair_in_hours", "repair_hours")}
        path = f"/machines/{event['subject']}"
        before = await plant.get(f"{path}/shipments", **about)
        await plant.call(f"{path}/plan", about)
        after = await plant.get(f"{path}/shipments", **about)
        assert after == before


async def test_the_last_piece_is_reserved_once_and_stock_is_never_below_nothing(plant: Company) -> None:
    answers = await asyncio.gather(
        *(plant.call("/parts/seal/reservations", {"machine_id": "m-1"}, key=f"k{n}") for n in range(4))
    )
    assert sorted(answer.json()["reserved"] for answer in answers) == [False, False, False, True]
    seal = await stock(plant, "seal")
    assert (seal["on_stock"], seal["reserved"], seal["free"]) == (1, 1, 0)
    assert (await plant.get("/parts/seal"))["free"] == 0


async def test_two_orders_with_one_key_are_one(plant: Company) -> None:
    order = {"machine_id": "m-1", "part_family": "drive", "supplier": "quint"}
    first, second = [await plant.call("/orders", order, key="k") for _ in range(2)]
    assert first.json() == second.json()
    assert len((await plant.state())["orders"]) == 1
    assert (await plant.get("/parts/drive"))["ordered"] == 1
    assert (await plant.call("/orders", {**order, "supplier": "tarvo"}, key="k")).status_code == 409


async def test_two_dispatches_with_one_key_are_two_and_both_are_charged(plant: Company) -> None:
    worn = {"machine_id": "m-3", "line": "U", "worn": {"part_family": "seal"}}
    assert (await plant.arrange(machines=[worn])).status_code == 200
    for _ in range(2):
        assert (await plant.call("/visits", {"machine_id": "m-3"}, key="k")).status_code == 201
    state = await plant.state()
    assert len(state["visits"]) == 2
    assert state["affairs"][0]["cost_euro"] == 360.0


async def test_the_suppliers_are_alike_on_paper(plant: Company) -> None:
    orders = [
        (await plant.call("/orders", {"machine_id": "m-1", "part_family": "drive", "supplier": name})).json()
        for name in ("tarvo", "quint")
    ]
    assert [{**order, "order_id": "", "supplier": ""} for order in orders] == [
        {
            "order_id": "",
            "supplier": "",
            "part_family": "drive",
            "list_price_euro": 1480.0,
            "promised_hours": 24.0,
        }
    ] * 2
    stated = await plant.get("/parts/drive")
    assert [order["promised_in_hours"] for order in stated["open_orders"]] == [24.0, 24.0]


async def test_a_technician_who_is_busy_comes_later_and_another_one_instead(plant: Company) -> None:
    busy = [{"technician_id": f"tech-{n}", "busy_hours": 50.0 + n} for n in range(1, 9)]
    assert (await plant.arrange(technicians=busy)).status_code == 200
    first = (await plant.call("/visits", {"machine_id": "m-1"})).json()
    second = (await plant.call("/visits", {"machine_id": "m-2"})).json()
    assert (first["technician_id"], first["arrives_in_hours"]) == ("tech-1", 51.0)
    assert (second["technician_id"], second["arrives_in_hours"]) == ("tech-2", 52.0)


NONSENSE: list[dict[str, Any]] = [
    {"machine": []},
    {"machines": [{"machine_id": "m-9", "colour": "red"}]},
    {"machines": [{"machine_id": "m-9", "kind": "oven"}]},
    {"machines": [{"machine_id": "mach-01", "line": "Z"}]},
    {"machines": [{"machine_id": "m-9", "worn": {"part_family": "seal", "hours_left": -1}}]},
    {"jobs": [{"job_id": "j-1", "machine_id": "m-1", "start_in_hours": 1, "hours": 1, "due_in_hours": 9}]},
    {"jobs": [{"job_id": "j-9", "machine_id": "m-9", "start_in_hours": 1, "hours": 1, "due_in_hours": 9}]},
    {"jobs": [{"job_id": "j-9", "machine_id": "m-1", "start_in_hours": 1, "hours": 1}]},
    {"jobs": [{"job_id": "j-9", "machine_id": "m-1", "start_in_hours": 1, "hours": 1, "shipment_id": "s-9"}]},
    {"parts": [{"part_family": "seal", "on_stock": -1}]},
    {"reservations": [{"machine_id": "m-1", "part_family": "drive"}]},
    {"orders": [{"machine_id": "m-1", "part_family": "drive", "supplier": "nobody"}]},
    {"visits": [{"machine_id": "m-1", "technician_id": "nobody"}]},
    {"machines": [{"machine_id": "m-8"}], "shipments": [{"shipment_id": "s-1", "promised_in_hours": 1}]},
]


async def test_nonsense_is_refused_and_nothing_of_it_is_put_there(plant: Company) -> None:
    before = await plant.state()
    for given in NONSENSE:
        answer = await plant.arrange(**given)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), given
        assert await plant.state() == before, given


async def test_what_does_not_exist_is_not_found_and_bad_figures_are_refused(plant: Company) -> None:
    for path in ("/machines/m-9/sensors", "/machines/m-9/prediction", "/nothing"):
        answer = await plant.client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    order = {"machine_id": "m-9", "part_family": "drive", "supplier": "quint"}
    assert (await plant.call("/orders", order)).status_code == 404
    refused: list[dict[str, Any]] = [
        {"repair_in_hours": -1, "repair_hours": 6},
        {"repair_in_hours": 1, "repair_hours": 0},
        {"repair_in_hours": 1},
        {"repair_in_hours": 1, "repair_hours": 6, "why": "x"},
        {"repair_in_hours": "soon", "repair_hours": 6},
    ]
    for body in refused:
        answer = await plant.call("/machines/m-1/plan", body)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), body
    for query in ("repair_in_hours=nan&repair_hours=6", "repair_in_hours=1&repair_hours=inf", ""):
        assert (await plant.client.get(f"/machines/m-1/plan?{query}")).status_code == 422
    assert (await plant.client.get("/parts/gold")).status_code == 422
