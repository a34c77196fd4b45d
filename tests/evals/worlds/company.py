"""A world for a test: in this process, behind a real socket, or as a process of its own. Start with `Company`."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from evals.worlds.kit.rules import Rules
from evals.worlds.kit.serve import build_world, load_rules
from evals.worlds.retail_care.catalogue import Catalogue, load_catalogue
from evals.worlds.retail_care.encoder import Encoder
from evals.worlds.retail_care.rules import RetailCare
from evals.worlds.retail_care.vectors import prepared_vectors


@dataclass(frozen=True, kw_only=True)
class Company:
    """A running world and the few requests that tests make again and again."""

    client: httpx.AsyncClient

    async def events(self, type_: str, *, n: int = 1, seed: int = 1) -> list[dict[str, Any]]:
        params: dict[str, str | int] = {"type": type_, "n": n, "seed": seed}
        return list((await self.client.get("/_world/events", params=params)).raise_for_status().json())

    async def ledger(self, tool: str) -> list[dict[str, Any]]:
        rows = (await self.client.get("/_world/ledger")).raise_for_status().json()
        return [row for row in rows if row["tool"] == tool]

    async def state(self) -> dict[str, Any]:
        return dict((await self.client.get("/_world/state")).raise_for_status().json())

    async def advance(self, hours: float) -> dict[str, Any]:
        answer = await self.client.post("/_world/advance", params={"hours": hours})
        return dict(answer.raise_for_status().json())

    async def fault(self, **fault: object) -> None:
        (await self.client.post("/_world/fault", json=fault)).raise_for_status()

    async def call(self, path: str, body: dict[str, Any], key: str | None = None) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self.client.post(path, json=body, headers=headers)

    async def get(self, path: str, **asked: str | float) -> dict[str, Any]:
        return dict((await self.client.get(path, params=asked)).raise_for_status().json())

    async def arrange(self, **given: Any) -> httpx.Response:
        return await self.client.post("/_world/arrange", json=given)

    async def customer_with(self, *, running: int) -> dict[str, Any]:
        """Some customer with that many running campaigns."""
        for customer in (await self.state())["customers"]:
            if sum(campaign["state"] == "running" for campaign in customer["campaigns"]) == running:
                return dict(customer)
        raise LookupError(running)


@cache
def shared_encoder() -> Encoder:
    """The model, loaded once for all tests; it only remembers what it has encoded."""
    return Encoder(prepared_vectors(shared_catalogue()))


@cache
def shared_catalogue() -> Catalogue:
    """The written material, read once; it is immutable."""
    return load_catalogue()


def build(
    data: Path, *, seed: int = 1, segue: str | None = None, key: str | None = None, world: str = "retail_care"
) -> FastAPI:
    """The world as an app."""
    rules: Rules
    if world == "retail_care":
        rules = RetailCare(catalogue=shared_catalogue(), encoder=shared_encoder())
    else:
        rules = load_rules(world)
    return build_world(world, data=data, seed=seed, segue=segue, key=key, rules=rules)


@contextlib.asynccontextmanager
async def in_process(
    data: Path, *, seed: int = 1, segue: str | None = None, world: str = "retail_care"
) -> AsyncIterator[Company]:
    """The app without a socket."""
    app = build(data, seed=seed, segue=segue, world=world)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://world") as client,
    ):
        yield Company(client=client)


@contextlib.asynccontextmanager
async def own_process(data: Path) -> AsyncIterator[tuple[Process, Company]]:
    """The world as `segue world` runs it."""
    code = (
        "import sys; from pathlib import Path; from evals.worlds.kit.serve import run_world; "
        "run_world('retail_care', port=0, data=Path(sys.argv[1]), seed=1, segue=None, key=None)"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(data), stdout=PIPE)
    assert process.stdout is not None
    word, address = (await process.stdout.readline()).decode().split()
    assert word == "ready"
    try:
        async with httpx.AsyncClient(base_url=address, timeout=20) as client:
            yield process, Company(client=client)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
