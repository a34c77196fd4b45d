"""The Planner on the plant's own portfolio: the usual story, step by step, with real tools."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

import evals.worlds.plant_maintenance as world
from agent.service import Segue
from agent.wiring import Settings, open_segue
from evals.seasons.door import as_raw
from evals.worlds.kit.loopback import on_loopback
from tests.agent.company import Company as Office
from tests.agent.company import Ledger, embedder, embedding_cache
from tests.evals.worlds.company import Company, build

PORTFOLIO = Path(str(world.__file__)).with_name("portfolio.yaml")
READS = {"predict_failure", "what_if", "check_stock", "list_shipments"}


class Works:
    """A plant and the Segue that looks after it."""

    def __init__(self, segue: Segue, plant: Company) -> None:
        self.plant = plant
        self._office = Office(segue=segue, ledger=Ledger())

    async def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The ended run of an event."""
        (accepted,) = await self._office.segue.accept("default", [as_raw(dict(event))])
        return dict(await self._office.ended(accepted.run or ""))


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Works]:
    async with AsyncExitStack() as stack:
        app = build(folder / "world", world="plant_maintenance")
        address = await stack.enter_async_context(on_loopback(app))
        environment = {"SEGUE_CACHE": str(embedding_cache()), "PLANT_MAINTENANCE_URL": address}
        settings = Settings(portfolio=(PORTFOLIO,), data=folder / "segue", environment=environment)
        segue = await stack.enter_async_context(open_segue(settings, None, embedder()))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=address, timeout=30))
        yield Works(segue, Company(client=client))


@pytest.fixture
async def works(tmp_path: Path) -> AsyncIterator[Works]:
    async with opened(tmp_path) as works:
        yield works


def done(run: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Effects that were done, by tool, with their results."""
    return {effect["tool"]: effect for effect in run["effects"] if effect["state"] == "done"}


def usual(effects: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """What the playbook says is to be done after these look-ups."""
    told = {tool: effects[tool]["result"] for tool in READS}
    wanted = set(READS)
    if told["what_if"]["moved_count"] > 0:
        wanted.add("reschedule")
    if told["list_shipments"]["late_count"] > 0:
        wanted.add("update_promise")
    return wanted | ({"reserve_part", "dispatch_technician"} if told["check_stock"]["free"] > 0 else {"order_part"})


async def test_every_alarm_is_handled_as_the_playbook_says(works: Works) -> None:
    for number, event in enumerate(await works.plant.events("machine.failure.predicted", n=10, seed=4)):
        run = await works.handle(event)
        effects = done(run)
        assert (run["status"], run["approvals"]) == ("done", []), number
        assert set(effects) == usual(effects), number
        assert len(run["effects"]) == len(effects)
        for tool in ("what_if", "reschedule", "dispatch_technician"):
            if tool in effects:
                asked = effects[tool]["arguments"]
                assert asked["machine_id"] == event["subject"]
                assert asked["repair_in_hours"] == event["data"]["repair_in_hours"]


async def test_a_delivered_part_brings_a_technician_and_an_inspection_nothing(works: Works) -> None:
    (delivered,) = await works.plant.events("part.delivered")
    assert set(done(await works.handle(delivered))) == {"dispatch_technician"}
    late = {**delivered, "id": "late", "data": {**delivered["data"], "hours_late": 50.0, "repair_in_hours": 2.0}}
    assert {"dispatch_technician", "what_if"} <= set(done(await works.handle(late)))
    (passed,) = await works.plant.events("machine.inspection.passed")
    run = await works.handle(passed)
    assert (run["status"], run["effects"]) == ("done", [])


async def test_when_the_last_piece_is_taken_in_between_the_part_is_ordered(works: Works) -> None:
    worn = [{"machine_id": name, "line": "T", "worn": {"part_family": "seal"}} for name in ("m-1", "m-2")]
    await works.plant.arrange(machines=worn, parts=[{"part_family": "seal", "on_stock": 1}])
    # The reservation waits while somebody else takes the piece that the check has seen.
    await works.plant.fault(tool="reserve_part", mode="slow", seconds=0.6, times=1)
    data = {"part_family": "seal", "repair_in_hours": 20.0, "repair_hours": 6.0}
    event = {"source": "/t", "id": "e", "type": "machine.failure.predicted", "subject": "m-1", "data": data}
    handled = asyncio.create_task(works.handle({**event, "time": datetime.now(UTC).isoformat()}))
    while not await works.plant.ledger("check_stock"):
        await asyncio.sleep(0.01)
    while not handled.done() and (await works.plant.state())["faults"] != []:
        await asyncio.sleep(0.01)
    assert (await works.plant.call("/parts/seal/reservations", {"machine_id": "m-2"})).json()["reserved"]
    effects = done(await handled)
    assert effects["reserve_part"]["result"]["reserved"] is False
    assert "order_part" in effects
    assert "dispatch_technician" not in effects
