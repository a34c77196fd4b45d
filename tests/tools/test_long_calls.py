"""A call may take as long as its tool's timeout says, and nothing below cuts it sooner."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest

from tests.fast_time import LoopTime
from tests.tools.service import Service
from tools.http import SILENT_S, open_client
from tools.openapi import OpenApiSource
from tools.registry import ToolRegistry
from tools.selection import ToolSelection
from tools.types import Answer, Answered, Governance, InDoubt

HOUR_S = 3600


async def _turn() -> None:
    await asyncio.sleep(0)


async def open_slow(service: Service) -> ToolRegistry:
    slow = {"slow": ToolSelection(governance=Governance(timeout_s=HOUR_S))}
    return await ToolRegistry.open([OpenApiSource(name="nasty", address=f"{service.url}/openapi.json", tools=slow)])


async def start(registry: ToolRegistry, service: Service) -> asyncio.Task[Answer]:
    """A call that has arrived and waits for the gate."""
    call = asyncio.create_task(registry.call("slow", {}, "k"))
    async with asyncio.timeout(10):
        while not service.seen:
            await asyncio.sleep(0.001)
    return call


async def test_an_answer_after_59_minutes_is_an_answer(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = await open_slow(service)
    call = await start(registry, service)
    await LoopTime(monkeypatch).pass_by(HOUR_S - 60, _turn)
    service.release()
    assert await call == Answered(result=None)
    assert len(service.seen) == 1
    await registry.aclose()


async def test_no_answer_within_the_hour_leaves_the_effect_in_doubt(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = await open_slow(service)
    call = await start(registry, service)
    await LoopTime(monkeypatch).pass_by(HOUR_S + 60, _turn)
    assert await call == InDoubt(error="slow: the request was sent, then: no complete answer within 3600 s")
    assert len(service.seen) == 1
    await registry.aclose()


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="the system does not tell how soon it probes")
async def test_a_silent_connection_is_probed(service: Service) -> None:
    async with open_client() as client, client.stream("GET", f"{service.url}/openapi.json") as response:
        stream = response.extensions["network_stream"]
        wire = stream.get_extra_info("socket")
        assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == SILENT_S


async def test_the_client_has_no_timeout_of_its_own() -> None:
    async with open_client() as client:
        assert client.timeout == httpx.Timeout(None)
