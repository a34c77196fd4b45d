"""The real `segue serve`, and a server that does nothing, each as a process. Start with `serve_segue`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from evals.bench.opening import START_WITHIN_S
from evals.bench.segue_arm import PORTFOLIO
from evals.processes import address, free_port, python_module, until_answers

CLOUD_EVENT = "application/cloudevents+json"


@asynccontextmanager
async def serve_segue(
    folder: Path, url: str | None = None, *options: str
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """`segue serve` with the Planner and the bench's portfolio: its address and its process."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = ["api", "serve", "--portfolio", str(PORTFOLIO), "--port", str(port), "--data", str(folder / "segue")]
    command += [*([] if url is None else ["--database-url", url]), *options]
    async with _module(command, folder / "serve.log", f"{address(port)}/health/ready") as process:
        yield address(port), process


@asynccontextmanager
async def serve_chroma(folder: Path) -> AsyncIterator[str]:
    """A Chroma server: its address."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = ["evals.bench.chroma_server", "run", "--path", str(folder / "chroma"), "--port", str(port)]
    async with _module(command, folder / "chroma.log", f"{address(port)}/api/v2/heartbeat"):
        yield address(port)


@asynccontextmanager
async def serve_nothing(folder: Path) -> AsyncIterator[str]:
    """An empty FastAPI route that answers 202: what the load can reach at most."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = ["uvicorn", "evals.bench.nothing:app", "--factory", "--port", str(port), "--no-access-log"]
    async with _module(command, folder / "nothing.log", f"{address(port)}/health/ready"):
        yield address(port)


@asynccontextmanager
async def _module(command: list[str], log: Path, ready: str) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name == "SEGUE_CACHE" or not name.startswith(("SEGUE_", "OPENAI_"))
    }
    async with httpx.AsyncClient(trust_env=False) as http, python_module(command, log, environment=environment) as one:
        await until_answers(http, ready, one, log, START_WITHIN_S)
        yield one


def cloud_event(id: str, *, tool_ms: int) -> dict[str, Any]:
    """An event of a customer of its own."""
    return {
        "specversion": "1.0",
        "id": id,
        "source": "/bench",
        "type": "customer.upset",
        "subject": id,
        "data": {"message": f"my order never came, case {id}", "model_ms": 0, "tool_ms": tool_ms},
    }
