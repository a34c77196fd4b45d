"""Several processes on one PostgreSQL database and one Chroma server. Start with `Fleet`.

Tools are Python functions in a file beside the portfolio; each delivery is a line in a file that outlives the workers.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.agent.company import embedding_cache

TOOLS = '''
import asyncio
import json
import os
from pathlib import Path

HERE = Path(__file__).parent


async def _deliver(tool: str, key: str) -> None:
    with (HERE / "deliveries").open("a") as file:
        file.write(json.dumps({"tool": tool, "key": key, "process": os.getpid()}) + "\\n")
    while (HERE / f"hold-{tool}").exists():
        await asyncio.sleep(0.02)


async def book_call(customer: str, idempotency_key: str) -> dict:
    """Book a telephone call with a customer."""
    await _deliver("book_call", idempotency_key)
    return {"booked": True}


async def pause_mail(customer: str, idempotency_key: str) -> dict:
    """Pause advertising mail to a customer."""
    await _deliver("pause_mail", idempotency_key)
    return {"paused": True}
'''

PORTFOLIO = """
segue: 1
goals: {loyalty: {weight: 1.0}}
chains:
  - {name: care, steps: [{name: call}, {name: mail}]}
sources:
  - name: local
    python: {book_call: "fleet_tools:book_call", pause_mail: "fleet_tools:pause_mail"}
    tools:
      book_call: {step: call, timeout_s: 600}
      pause_mail: {step: mail, idempotent: true, timeout_s: 600}
events:
  call.wanted:
    text: "{data.message}"
    allow: [call]
    bind: {customer: subject}
    playbook: [{purpose: book a call with the customer, step: call}]
  mail.unwanted:
    text: "{data.message}"
    allow: [mail]
    bind: {customer: subject}
    playbook: [{purpose: pause advertising mail to the customer, step: mail}]
"""


@dataclass
class Fleet:
    """What is running, and the way to it."""

    folder: Path
    database_url: str
    chroma_url: str
    url: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *words: str, name: str, chroma_url: str | None = None) -> subprocess.Popen[bytes]:
        """Start a `segue` command and wait until it says that it is ready, or has ended."""
        out = self.folder / f"{name}.out"
        where = ("--database-url", self.database_url, "--chroma-url", chroma_url or self.chroma_url)
        command = [sys.executable, "-m", "api", *words, "--portfolio", str(self.folder / "portfolio.yaml"), *where]
        with out.open("wb") as file, (self.folder / f"{name}.err").open("wb") as errors:
            process = subprocess.Popen(
                [*command, "--data", str(self.folder / name)],
                stdout=file,
                stderr=errors,
                env={**os.environ, "SEGUE_CACHE": str(embedding_cache())},
            )
        self.processes.append(process)
        until(lambda: b"ready" in out.read_bytes() or process.poll() is not None)
        return process

    def said(self, name: str) -> str:
        """What a process has complained of."""
        return (self.folder / f"{name}.err").read_text()

    def hold(self, tool: str) -> Path:
        """Let the tool hang until the file that this gives is removed."""
        file = self.folder / f"hold-{tool}"
        file.touch()
        return file

    def send(self, kind: str, subject: str) -> str:
        """Send an event; its run."""
        event = {"specversion": "1.0", "source": "/fleet", "id": f"{kind}-{subject}", "type": kind, "subject": subject}
        body = json.dumps(event | {"data": {"message": "please"}})
        answer = httpx.post(
            f"{self.url}/v1/events", content=body, headers={"content-type": "application/cloudevents+json"}
        )
        answer.raise_for_status()
        run: str = answer.json()["accepted"][0]["run"]
        return run

    def run(self, run: str) -> dict[str, Any]:
        """A run as it stands."""
        shown: dict[str, Any] = httpx.get(f"{self.url}/v1/runs/{run}").json()
        return shown

    def ended(self, run: str, *states: str) -> dict[str, Any]:
        """The run once it is in one of these states."""
        until(lambda: self.run(run)["status"] in states)
        return self.run(run)

    def delivered(self) -> list[dict[str, Any]]:
        """Every delivery, in order."""
        file = self.folder / "deliveries"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@contextmanager
def open_fleet(folder: Path, database_url: str, workers: int) -> Iterator[Fleet]:
    """A Chroma server, `segue serve` that handles no runs, and workers."""
    (folder / "portfolio.yaml").write_text(PORTFOLIO)
    (folder / "fleet_tools.py").write_text(TOOLS)
    port = free_port()
    chroma = [str(Path(sys.executable).parent / "chroma"), "run", "--path", str(folder / "chroma"), "--port", str(port)]
    with (folder / "chroma.out").open("wb") as out:
        server = subprocess.Popen(chroma, stdout=out, stderr=out)
    fleet = Fleet(folder=folder, database_url=database_url, chroma_url=f"http://127.0.0.1:{port}")
    fleet.processes.append(server)
    try:
        until(lambda: answers(f"{fleet.chroma_url}/api/v2/heartbeat"))
        fleet.start("serve", "--port", "0", "--runs-at-once", "0", name="serve")
        fleet.url = (folder / "serve.out").read_text().split()[1]
        for number in range(workers):
            fleet.start("worker", name=f"worker-{number}")
        yield fleet
    finally:
        for process in fleet.processes:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str) -> bool:
    """Whether there is a server."""
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def until(true: Callable[[], bool], within_s: float = 60.0) -> None:
    """Wait for something that another process does. Raises TimeoutError."""
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not happen in time")
        time.sleep(0.05)
