"""Starts each arm as a process and opens the door to it. Start with `open_door`."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import httpx
from sqlalchemy.engine import make_url

from evals.bench import postgres
from evals.bench.arms import SAVER, missing
from evals.bench.doors import AegraDoor, Door, HostDoor, SegueDoor
from evals.bench.store_watch import watching
from evals.bench.wire import Wire
from evals.processes import address, free_port, python_module, until_answers

DatabaseName: TypeAlias = Literal["none", "sqlite", "postgresql"]
ArmName: TypeAlias = Literal["bare", "checkpointed", "dbos", "dbos-tuned", "segue", "segue-known", "aegra"]
START_WITHIN_S = 300.0
"""On a machine with much other work."""
END_WITHIN_S = 15.0


@dataclass(frozen=True, kw_only=True)
class ArmPlan:
    """An arm on a database."""

    name: ArmName
    database: DatabaseName

    @property
    def told(self) -> str:
        """As tables name it."""
        return self.name if self.database == "none" else f"{self.name} on {self.database}"


PLANS = (
    ArmPlan(name="bare", database="none"),
    ArmPlan(name="checkpointed", database="sqlite"),
    ArmPlan(name="dbos", database="sqlite"),
    ArmPlan(name="dbos-tuned", database="sqlite"),
    ArmPlan(name="segue", database="sqlite"),
    ArmPlan(name="segue-known", database="sqlite"),
    ArmPlan(name="dbos", database="postgresql"),
    ArmPlan(name="segue", database="postgresql"),
    ArmPlan(name="segue-known", database="postgresql"),
    ArmPlan(name="aegra", database="postgresql"),
)


@dataclass(frozen=True, kw_only=True)
class Machinery:
    """What the machine has for the arms."""

    folder: Path
    """Of this measurement; each arm has one of its own in it."""
    postgres: str | None
    """Address of a PostgreSQL server."""
    aegra: Path | None
    """The virtual environment Aegra is installed in."""
    profile: Path | None = None
    """Folder for profiles of the arms."""

    def lacks(self, plan: ArmPlan) -> str | None:
        """Why an arm cannot be measured here; None if it can."""
        if plan.database == "postgresql" and self.postgres is None:
            return "no PostgreSQL: neither given by --database-url nor installed"
        if plan.name == "aegra" and self.aegra is None:
            return "Aegra is not installed beside it (--aegra VENV, or `aegra` on the PATH)"
        if plan.name == "checkpointed" and missing(SAVER):
            return "langgraph-checkpoint-sqlite is not installed (uv sync --group bench)"
        return None


def find_aegra(given: Path | None) -> Path | None:
    """The environment of the `aegra` that was given or is on the PATH."""
    if given is not None:
        return given
    found = shutil.which("aegra")
    return None if found is None else Path(found).parent.parent


@asynccontextmanager
async def open_door(plan: ArmPlan, machinery: Machinery) -> AsyncIterator[Door]:
    """Start the arm with nothing in it, until the block ends. Raises `ProcessError` and `BenchError`."""
    folder = machinery.folder / plan.told.replace(" ", "-")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    url = None
    if plan.database == "postgresql" and machinery.postgres is not None:
        url = postgres.new_database(machinery.postgres, f"segue_bench_{plan.name.replace('-', '_')}")
    if plan.name == "aegra" and machinery.aegra is not None and url is not None:
        async with aegra(machinery.aegra, folder, url) as port, Wire(address(port)) as wire:
            yield AegraDoor(wire=wire)
        return
    profile = machinery.profile and machinery.profile / f"{folder.name}.txt"
    async with host(plan.name, folder, url, profile) as (port, process), Wire(address(port)) as wire:
        if plan.name not in ("segue", "segue-known"):
            yield HostDoor(wire=wire, process=process.pid)
            return
        store = url or f"sqlite:///{folder / 'segue' / 'segue.sqlite'}"
        async with watching(store) as watch:
            yield SegueDoor(wire=wire, watch=watch, new_texts=plan.name == "segue", process=process.pid)


@asynccontextmanager
async def host(
    arm: str, folder: Path, url: str | None, profile: Path | None = None
) -> AsyncIterator[tuple[int, asyncio.subprocess.Process]]:
    """An arm's server until the block ends: its port and its process."""
    port, log = free_port(), folder / "log"
    command = ["evals.bench.host", arm.removesuffix("-known"), "--folder", str(folder), "--port", str(port)]
    command += [] if url is None else ["--database-url", url]
    command += [] if profile is None else ["--profile", str(profile)]
    async with (
        httpx.AsyncClient(trust_env=False) as http,
        python_module(command, log) as process,
    ):
        await until_answers(http, f"{address(port)}/health/ready", process, log, START_WITHIN_S)
        yield port, process


@asynccontextmanager
async def aegra(venv: Path, folder: Path, url: str) -> AsyncIterator[int]:
    """Aegra's production server on the same graph, with its defaults; its port."""
    port, log = free_port(), folder / "log"
    here = Path(__file__).parent
    config = folder / "aegra.json"
    config.write_text(json.dumps({"graphs": {"bench": f"{here / 'aegra_graph.py'}:graph"}}))
    environment = {
        **os.environ,
        "PYTHONPATH": str(here.parent.parent),
        "DATABASE_URL": make_url(url).set(drivername="postgresql").render_as_string(hide_password=False),
        "AUTH_TYPE": "noop",
        "LOG_LEVEL": "WARNING",
    }
    program = str(venv / "bin" / "aegra")
    arguments = ("serve", "--host", "127.0.0.1", "--port", str(port), "--config", str(config))
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            program, *arguments, stdout=output, stderr=output, env=environment, cwd=folder, start_new_session=True
        )
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            await until_answers(http, f"{address(port)}/health", process, log, START_WITHIN_S)
        yield port
    finally:
        await _end_group(process)


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """The command starts the server as a process of its own, so that both are told."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), END_WITHIN_S)
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
