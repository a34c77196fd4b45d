"""A storm of deliveries on a server that is killed every few seconds: `python -m tests.durability.storm`.

Start with `storm`. The senders (`storm_load`), the tools (`storm_tools`) and `segue serve` are processes of their own;
this one kills, restarts, plays the operator, and at the end compares what senders, store and tools say (`storm_check`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx

from evals.processes import address, answers, free_port
from tests.agent.company import embedding_cache
from tests.durability.postgres import Postgres
from tests.durability.preloaded import Preloaded, end, lives
from tests.durability.storm_check import Findings, Store, examine
from tests.durability.storm_load import Load, Sent
from tests.durability.storm_tools import read_notes

PORTFOLIO = """
segue: 1
goals: {loyalty: {weight: 1.0}}
chains:
  - {name: care, steps: [{name: note, description: note the case}, {name: write, description: write to the customer}]}
sources:
  - name: letters
    openapi: TOOLS/openapi.json
    tools:
      note_case: {step: note, idempotent: true, timeout_s: 20}
      send_letter: {step: write, timeout_s: 20}
events:
  parcel.lost:
    description: a parcel was lost
    schema: {type: object, required: [case], properties: {case: {type: string}}}
    text: "a parcel was lost"
    allow: [note, write]
    bind: {case: data.case}
    playbook:
      - {purpose: note the case in the customer's file, step: note}
      - {purpose: send a letter to the customer, step: write}
"""
POLL_S = 0.05
OPERATOR_POLL_S = 0.5
START_WITHIN_S = 300.0
PROGRESS_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much of a storm, and where."""

    data: Path
    events: int = 1000
    deliveries: int = 10_000
    clients: int = 32
    subjects: int = 150
    kill_every_s: float = 3.0
    """Seconds that a server is up before it is killed, give or take a half."""
    most_kills: int = 1_000_000
    database_url: str | None = None
    seed: int = 1
    workers: int = 0
    """How many `segue worker` there are beside the server, on PostgreSQL; any of them may be the one that is killed."""


@dataclass
class Storm:
    """What is going on."""

    plan: Plan
    parent: Preloaded
    http: httpx.AsyncClient
    port: int
    tools_url: str
    processes: dict[str, int] = field(default_factory=dict)
    """What runs of Segue: `serve`, and `worker-1` and so on."""
    kills: int = 0
    settled: int = 0
    approved: int = 0
    odd: list[str] = field(default_factory=list)
    """What went wrong in the harness's own sight: a start that failed, an answer nobody should get."""

    @property
    def url(self) -> str:
        """Where Segue listens, the same over all its lives."""
        return address(self.port)

    async def start_all(self) -> None:
        """The server and its workers."""
        for name in ("serve", *(f"worker-{number}" for number in range(1, self.plan.workers + 1))):
            await self.start(name)

    async def start(self, name: str) -> None:
        """Start a process of Segue; a server is waited for until it is ready."""
        data = self.plan.data
        log = data / f"{name}.log"
        words = [name.partition("-")[0], "--portfolio", str(data / "portfolio.yaml")]
        words += ["--data", str(data / "data" if name == "serve" else data / name)]
        if self.plan.database_url is not None:
            words += ["--database-url", self.plan.database_url]
        if name == "serve":
            words += ["--port", str(self.port)]
        self.processes[name] = await self.parent.run("api.cli", words, log, _environment())
        if name == "serve":
            await _until_answers(self.http, f"{self.url}/health/ready", self.processes[name], log)

    async def kill(self, name: str) -> None:
        """SIGKILL, and gone."""
        await end(self.processes[name], signal.SIGKILL)
        self.kills += 1

    async def stop_all(self) -> None:
        """In good order."""
        for process in self.processes.values():
            await end(process, signal.SIGTERM)


def _environment() -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEGUE_", "OPENAI_"))}
    return {**kept, "SEGUE_CACHE": str(embedding_cache())}


async def storm(plan: Plan, *, progress: bool = False) -> tuple[Findings, Storm]:
    """Play it to the end; what was found, and what happened."""
    plan.data.mkdir(parents=True, exist_ok=True)
    async with _open(plan) as going:
        await going.start_all()
        out = plan.data / "sent.json"
        load = Load(
            url=going.url,
            events=plan.events,
            deliveries=plan.deliveries,
            clients=plan.clients,
            subjects=plan.subjects,
            seed=plan.seed,
        )
        words = [json.dumps(asdict(load)), str(out)]
        senders = await going.parent.run("tests.durability.storm_load", words, plan.data / "load.log")
        operator = asyncio.create_task(_operate(going))
        teller = asyncio.create_task(_tell(going)) if progress else None
        try:
            await _kill_until_done(going, senders)
            while lives(senders):
                await asyncio.sleep(POLL_S)
            if not out.exists():
                raise RuntimeError(f"the senders failed: {(plan.data / 'load.log').read_text()[-2000:]}")
            await _until_idle(going)
        finally:
            for task in filter(None, (operator, teller)):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        await _look_at_health(going)
        await going.stop_all()
        store = Store.read(plan.database_url or f"sqlite:///{plan.data / 'data' / 'segue.sqlite'}")
        sent = Sent(**json.loads(out.read_text()))
        found = examine(plan.events, sent, store, read_notes(plan.data / "deliveries"))
        found.violations.extend(going.odd)
        return found, going


async def _until_answers(http: httpx.AsyncClient, url: str, process: int, log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while not await answers(http, url):
        if not lives(process) or time.monotonic() > deadline:
            raise RuntimeError(f"{url} does not answer: {log.read_text(errors='replace')[-2000:]}")
        await asyncio.sleep(POLL_S)


@asynccontextmanager
async def _open(plan: Plan) -> AsyncIterator[Storm]:
    tools_port, port = free_port(), free_port()
    (plan.data / "portfolio.yaml").write_text(PORTFOLIO.replace("TOOLS", address(tools_port)))
    words = [str(tools_port), str(plan.data / "deliveries"), str(plan.seed)]
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http, Preloaded(plan.data / "parent.log") as parent:
        tools = await parent.run("tests.durability.storm_tools", words, plan.data / "tools.log")
        await _until_answers(http, f"{address(tools_port)}/openapi.json", tools, plan.data / "tools.log")
        yield Storm(plan=plan, parent=parent, http=http, port=port, tools_url=address(tools_port))


async def _kill_until_done(going: Storm, senders: int) -> None:
    """Kill every few seconds until all is sent and handled, or often enough."""
    dice = random.Random(going.plan.seed)
    while going.kills < going.plan.most_kills:
        await asyncio.sleep(going.plan.kill_every_s * dice.uniform(0.5, 1.5))
        ended = [name for name, process in going.processes.items() if not lives(process)]
        going.odd.extend(f"{name} ended by itself" for name in ended)
        if not ended and not lives(senders) and await _is_idle(going):
            return
        name = dice.choice(sorted(going.processes))
        await going.kill(name)
        await going.start(name)


async def _until_idle(going: Storm) -> None:
    while not await _is_idle(going):
        await asyncio.sleep(POLL_S * 4)


async def _is_idle(going: Storm) -> bool:
    """Nothing is queued, running or waiting; asked twice, since a run may go from a later state to an earlier one."""
    for status in ("queued", "running", "waiting") * 2:
        if await _items(going, "runs", status=status, limit=1):
            return False
    return True


async def _items(going: Storm, what: str, **asked: str | int) -> list[dict[str, str]]:
    answer = await going.http.get(f"{going.url}/v1/{what}", params=asked)
    answer.raise_for_status()
    items: list[dict[str, str]] = answer.json()["items"]
    return items


async def _operate(going: Storm) -> None:
    """Settle what is in doubt by what the tool says, and say yes to what is asked; over all kills."""
    while True:
        with suppress(httpx.TransportError, httpx.HTTPStatusError):
            for effect in await _items(going, "effects", state="unknown", limit=200):
                await _settle(going, effect["key"])
            for asked in await _items(going, "approvals", limit=200):
                answer = await going.http.post(f"{going.url}/v1/approvals/{asked['id']}", json={"answer": "approve"})
                _expect(going, answer, 200, 409)
                going.approved += answer.status_code == 200
        await asyncio.sleep(OPERATOR_POLL_S)


async def _settle(going: Storm, key: str) -> None:
    delivered = (await going.http.get(f"{going.tools_url}/_delivered/{key}")).json()
    form = {"state": "done" if delivered else "failed", "reason": "looked at the tool"}
    answer = await going.http.post(f"{going.url}/v1/effects/{key}/settle", json=form)
    _expect(going, answer, 200, 409)
    going.settled += answer.status_code == 200


def _expect(going: Storm, answer: httpx.Response, *statuses: int) -> None:
    if answer.status_code not in (*statuses, 503):
        going.odd.append(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:300]}")


async def _look_at_health(going: Storm) -> None:
    ready = await going.http.get(f"{going.url}/health/ready")
    if ready.status_code != 200 or ready.json()["status"] != "ready":
        going.odd.append(f"not well at the end: {ready.text[:300]}")


async def _tell(going: Storm) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(PROGRESS_S)
        noted = len(read_notes(going.plan.data / "deliveries"))
        sys.stderr.write(
            f"{time.monotonic() - began:4.0f} s: {going.kills} kills, {noted} calls at the tools, "
            f"{going.settled} settled, {going.approved} approved\n"
        )


def summary(found: Findings, going: Storm, seconds: float) -> str:
    """One line."""
    plan = going.plan
    return (
        f"storm: {plan.deliveries} deliveries of {plan.events} events from {plan.clients} clients, {going.kills} kills "
        f"in {seconds:.0f} s: {found.runs} runs, {found.effects} effects, {found.resent} requests sent again, "
        f"{found.repeated} calls repeated under their key, {going.settled} settled by the operator, "
        f"{len(found.violations)} violations"
    )


def main() -> None:
    """Read the options, play, print; 1 where anything was violated."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--deliveries", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--subjects", type=int, default=150)
    parser.add_argument("--kill-every", type=float, default=3.0, help="seconds a server lives, give or take a half")
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--workers", type=int, default=0, help="`segue worker` processes beside the server")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="an empty folder for the data and logs; else they are removed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="segue-storm-") as folder:
        with Postgres.own() if given.database == "postgres" else nullcontext() as server:
            plan = Plan(
                data=given.keep or Path(folder),
                events=given.events,
                deliveries=given.deliveries,
                clients=given.clients,
                subjects=given.subjects,
                kill_every_s=given.kill_every,
                database_url=None if server is None else server.url,
                seed=given.seed,
                workers=given.workers,
            )
            began = time.monotonic()
            found, going = asyncio.run(storm(plan, progress=True))
        for violation in found.violations:
            sys.stdout.write(f"violation: {violation}\n")
        sys.stdout.write(summary(found, going, time.monotonic() - began) + "\n")
    sys.exit(1 if found.violations else 0)


if __name__ == "__main__":
    main()
