"""A world and a Segue as processes on free ports, as a company would run them. Start with `open_stage`."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from evals.worlds.kit.sender import retry_after_s

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.05
IDLE_POLL_S = 0.25
"""Between two looks at many runs: whoever asks more often takes the time from them."""
CALL_TIMEOUT_S = 60.0
SEND_ATTEMPTS = 6


class ProcessError(Exception):
    """A process did not start; says which, and the end of its log."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One world with its own Segue."""

    world_url: str
    segue_url: str
    http: httpx.AsyncClient

    async def world(self, path: str, **parameters: Any) -> Any:
        """GET something of the world."""
        answer = await self.http.get(f"{self.world_url}{path}", params=parameters)
        answer.raise_for_status()
        return answer.json()

    async def tell_world(self, path: str, body: Any = None, **parameters: Any) -> Any:
        """POST something to the world."""
        answer = await self.http.post(f"{self.world_url}{path}", params=parameters, json=body)
        answer.raise_for_status()
        return answer.json()

    async def segue(self, path: str, **parameters: Any) -> Any:
        """GET something of Segue."""
        answer = await self.http.get(f"{self.segue_url}{path}", params=parameters)
        answer.raise_for_status()
        return answer.json()

    async def tell_segue(self, path: str, body: Any) -> Any:
        """POST something to Segue."""
        answer = await self.http.post(f"{self.segue_url}{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    async def send(self, events: Sequence[dict[str, Any]]) -> list[str]:
        """Send a batch of CloudEvents; the ids of their runs. A Segue that has too much to do is waited for."""
        headers = {"Content-Type": "application/cloudevents-batch+json"}
        for attempt in range(SEND_ATTEMPTS):
            answer = await self.http.post(f"{self.segue_url}/v1/events", json=list(events), headers=headers)
            wait = retry_after_s(answer)
            if wait is None or attempt == SEND_ATTEMPTS - 1:
                break
            await asyncio.sleep(wait)
        answer.raise_for_status()
        return [accepted["run"] for accepted in answer.json()["accepted"] if accepted.get("run")]

    async def until_ended(self, run: str) -> dict[str, Any]:
        """The run once it has ended or waits for an operator."""
        while True:
            shown: dict[str, Any] = await self.segue(f"/v1/runs/{run}")
            if shown["status"] not in ("queued", "running"):
                return shown
            await asyncio.sleep(POLL_S)

    async def until_idle(self) -> None:
        """Until no run is queued or running and every outcome is looked at."""
        for path, wanted in (("runs", "queued"), ("runs", "running"), ("runs", "queued"), ("outcomes", "new")):
            asked = {"status" if path == "runs" else "state": wanted}
            while (await self.segue(f"/v1/{path}", **asked, limit=1))["items"]:
                await asyncio.sleep(IDLE_POLL_S)


@asynccontextmanager
async def open_stage(world: str, data: Path, *, seed: int, memory: bool) -> AsyncIterator[Stage]:
    """Start a world and a Segue on it, wait until both answer, and end both. Raises `ProcessError`."""
    world_port, segue_port = free_port(), free_port()
    options = () if memory else ("--no-memory",)
    async with (
        httpx.AsyncClient(timeout=CALL_TIMEOUT_S, trust_env=False) as http,
        serve_world(world, data, http, port=world_port, seed=seed, segue_port=segue_port),
        serve_segue(world, data, http, port=segue_port, world_port=world_port, options=options),
    ):
        yield Stage(world_url=address(world_port), segue_url=address(segue_port), http=http)


@asynccontextmanager
async def serve_world(
    world: str, data: Path, http: httpx.AsyncClient, *, port: int, seed: int, segue_port: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A world as a process, until the block ends."""
    data.mkdir(parents=True, exist_ok=True)
    command = ["api", "world", world, "--port", str(port), "--data", str(data / "world"), "--seed", str(seed)]
    command += ["--segue", address(segue_port)]
    async with python_module(command, data / "world.log", environment=_environment()) as process:
        await until_answers(http, f"{address(port)}/_world/state", process, data / "world.log")
        yield process


@asynccontextmanager
async def serve_segue(
    world: str, data: Path, http: httpx.AsyncClient, *, port: int, world_port: int, options: Sequence[str] = ()
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Segue with the world's portfolio as a process, until the block ends."""
    data.mkdir(parents=True, exist_ok=True)
    portfolio = Path(__file__).parent / "worlds" / world / "portfolio.yaml"
    command = [
        "api",
        "serve",
        "--portfolio",
        str(portfolio),
        "--port",
        str(port),
        "--data",
        str(data / "segue"),
        *options,
    ]
    environment = {**_environment(), f"{world.upper()}_URL": address(world_port)}
    async with python_module(command, data / "segue.log", environment=environment) as process:
        await until_answers(http, f"{address(port)}/health/ready", process, data / "segue.log")
        yield process


def address(port: int) -> str:
    """On loopback."""
    return f"http://127.0.0.1:{port}"


def _environment() -> dict[str, str]:
    """Ours, without what would make the servers differ from their defaults."""
    return {
        name: value
        for name, value in os.environ.items()
        if name == "SEGUE_CACHE" or not name.startswith(("SEGUE_", "OPENAI_"))
    }


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def python_module(
    arguments: Sequence[str], log: Path, *, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m` with these arguments, until the block or this process ends; what it prints is added to the log."""
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "evals.leash", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=environment,
            cwd=folder,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
            except TimeoutError:
                process.kill()
                await process.wait()


async def until_answers(
    http: httpx.AsyncClient,
    url: str,
    process: asyncio.subprocess.Process,
    log: Path,
    within_s: float = START_TIMEOUT_S,
) -> None:
    """Wait for 200 at the address. Raises `ProcessError` with the end of the log."""
    try:
        async with asyncio.timeout(within_s):
            while not await answers(http, url):
                if process.returncode is not None:
                    raise ProcessError(f"a server ended at its start:\n{_tail(log)}")
                await asyncio.sleep(POLL_S)
    except TimeoutError as error:
        raise ProcessError(f"a server did not answer within {within_s:.0f} s:\n{_tail(log)}") from error


async def answers(http: httpx.AsyncClient, url: str) -> bool:
    """Whether something answers 200 there."""
    try:
        return (await http.get(url)).status_code == 200
    except httpx.TransportError:
        return False


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]
