"""A real server killed with `kill -9` in the middle of a run, and a world that keeps its own ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from evals.processes import Stage, address, free_port, serve_segue, serve_world

WORLD = "retail_care"


@dataclass
class Killable:
    """A world that lives on, and a Segue that can be killed and started again on the same data."""

    stage: Stage
    data: Path
    segue_port: int
    world_port: int
    stack: AsyncExitStack
    process: asyncio.subprocess.Process

    async def kill(self) -> None:
        """SIGKILL, and the process is gone."""
        self.process.kill()
        await self.process.wait()

    async def restart(self) -> None:
        """Another server on the same data."""
        self.process = await self.stack.enter_async_context(
            serve_segue(WORLD, self.data, self.stage.http, port=self.segue_port, world_port=self.world_port)
        )

    async def deliveries(self, tool: str) -> list[dict[str, Any]]:
        """The world's own rows about one tool."""
        return [row for row in await self.stage.world("/_world/ledger") if row["tool"] == tool]

    async def until_held(self, tool: str) -> None:
        """Until the slow tool has the call in its hands."""
        while not any(
            effect["tool"] == tool and effect["state"] == "claimed"
            for effect in (await self.stage.segue("/v1/effects"))["items"]
        ):
            await asyncio.sleep(0.05)


@asynccontextmanager
async def killable(data: Path, seed: int) -> AsyncIterator[Killable]:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=30, trust_env=False))
        world_port, segue_port = free_port(), free_port()
        await stack.enter_async_context(
            serve_world(WORLD, data, http, port=world_port, seed=seed, segue_port=segue_port)
        )
        process = await stack.enter_async_context(
            serve_segue(WORLD, data, http, port=segue_port, world_port=world_port)
        )
        stage = Stage(world_url=address(world_port), segue_url=address(segue_port), http=http)
        yield Killable(stage, data, segue_port, world_port, stack, process)


async def one_event(stage: Stage, type: str, seed: int, **wanted: Any) -> dict[str, Any]:
    for event in await stage.world("/_world/events", type=type, n=40, seed=seed):
        if all(event["data"].get(name) is not None for name in wanted):
            found: dict[str, Any] = event
            return found
    raise LookupError(f"no {type} with {sorted(wanted)}")


@pytest.mark.slow
async def test_a_killed_server_finishes_its_run_after_restart_and_an_idempotent_tool_acts_once(tmp_path: Path) -> None:
    async with killable(tmp_path, seed=21) as segue:
        await segue.stage.tell_world("/_world/fault", {"tool": "open_case", "mode": "slow", "seconds": 4, "times": 1})
        event = await one_event(segue.stage, "support.conversation.failed", 5)
        (run_id,) = await segue.stage.send([event])
        await segue.until_held("open_case")
        await segue.kill()
        await segue.restart()
        again = await segue.stage.send([event])
        run = await segue.stage.until_ended(run_id)
        assert again == [run_id]
        assert run["status"] == "done"
        rows = await segue.deliveries("open_case")
        assert len({row["key"] for row in rows}) == 1
        assert sum(row["applied"] for row in rows) == 1


@pytest.mark.slow
async def test_a_killed_server_leaves_a_call_in_doubt_unknown_and_never_sends_it_again(tmp_path: Path) -> None:
    async with killable(tmp_path, seed=22) as segue:
        event = await one_event(segue.stage, "customer.complaint.received", 6, amount=True, order_id=True)
        (run_id,) = await segue.stage.send([event])
        assert (await segue.stage.until_ended(run_id))["status"] == "waiting"
        (approval,) = (await segue.stage.segue("/v1/approvals"))["items"]
        await segue.kill()
        await segue.restart()
        fault = {"tool": "issue_refund", "mode": "slow", "seconds": 3, "times": 1}
        await segue.stage.tell_world("/_world/fault", fault)
        await segue.stage.tell_segue(f"/v1/approvals/{approval['id']}", {"answer": "approve"})
        await segue.until_held("issue_refund")
        await segue.kill()
        await segue.restart()
        run = await segue.stage.until_ended(run_id)
        unknown = [effect for effect in run["effects"] if effect["state"] == "unknown"]
        assert [effect["tool"] for effect in unknown] == ["issue_refund"]
        assert run["status"] == "waiting"
        second = await segue.stage.http.post(
            f"{segue.stage.segue_url}/v1/approvals/{approval['id']}", json={"answer": "approve"}
        )
        assert second.status_code == 409
        settle = f"/v1/effects/{unknown[0]['key']}/settle"
        await segue.stage.tell_segue(settle, {"state": "done", "reason": "seen in the books"})
        run = await segue.stage.until_ended(run_id)
        assert run["status"] == "done"
        assert len(await segue.deliveries("issue_refund")) <= 1


@pytest.mark.parametrize("mode", ["die_after_effect"])
async def test_a_tool_that_dies_after_its_effect_leaves_unknown_and_one_effect(tmp_path: Path, mode: str) -> None:
    async with killable(tmp_path, seed=23) as segue:
        event = await one_event(segue.stage, "customer.complaint.received", 7, amount=True, order_id=True)
        await segue.stage.tell_world("/_world/fault", {"tool": "issue_refund", "mode": mode})
        (run_id,) = await segue.stage.send([event])
        await segue.stage.until_ended(run_id)
        (approval,) = (await segue.stage.segue("/v1/approvals"))["items"]
        await segue.stage.tell_segue(f"/v1/approvals/{approval['id']}", {"answer": "approve"})
        run = await segue.stage.until_ended(run_id)
        assert run["status"] == "waiting"
        assert [row["applied"] for row in await segue.deliveries("issue_refund")] == [True]
