"""`segue serve` with its console in a process of its own, for the tests of a module. Start with `open_served`.

It is forked from a parent that has everything loaded: a start takes a second, and `kill -9` is a real one.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from agent.roles import GivenScope, Role
from api.console.gate import MOUNT, SIGN_IN
from api.console.sessions import COOKIE
from api.keyfile import add_key
from tests.agent.company import embedding_cache
from tests.agent.fresh import lay_out
from tests.console.shop import PORTFOLIO

ROOT = Path(__file__).parent.parent.parent
LOADED = ("nicegui", "api.console.mounting")
LOOK_S = 0.01
LONGEST_S = 60.0
KEYS: Mapping[str, Role | tuple[GivenScope, ...]] = {
    "olga": ("events", "read", "operate"),
    "paul": "approver",
    "oskar": "operator",
    "vera": "viewer",
    "shop": ("events",),
}
"""Who has a key where keys are in use."""
ENDED = frozenset({"done", "stopped", "failed", "cancelled", "waiting"})


class Parent:
    """Forks `segue` commands."""

    def __init__(self, log: Path) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.durability.preloaded", *LOADED],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd=ROOT,
                text=True,
            )

    def run(self, words: list[str], log: Path, environment: Mapping[str, str]) -> int:
        """Start one; its process id. What it prints is added to the log."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the parent has no pipes")
        order = {"module": "api.cli", "words": words, "log": str(log), "environment": dict(environment)}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End it, and so all it forked."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()


@dataclass
class Served:
    """A running Segue with a console."""

    parent: Parent
    folder: Path
    keys: dict[str, str]
    """By name; empty where nobody needs one."""
    more: tuple[str, ...] = ()
    """Options of `segue serve`."""
    portfolios: tuple[Path, ...] = ()
    """None: the one in its folder."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What its portfolios read."""
    port: int = 0
    process: int = 0
    numbers: Iterator[int] = field(default_factory=itertools.count)
    http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=30))
    """One for all requests: making one takes longer than most answers."""

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def console_url(self) -> str:
        """Address of the console, without a slash at its end."""
        return f"{self.url}{MOUNT}"

    @property
    def log(self) -> Path:
        """What it printed."""
        return self.folder / "log"

    def start(self) -> None:
        """Start it, on the port it had, and wait until it is ready."""
        begins = self.log.stat().st_size if self.log.exists() else 0
        words = ["serve", "--port", str(self.port), *self.more]
        for path in self.portfolios or (self.folder / "portfolio.yaml",):
            words += ["--portfolio", str(path)]
        if self.keys:
            words += ["--keys", str(self.folder / "keys.yaml")]
        environment = {**plain_environment(), "SEGUE_DATA": str(self.folder / "data"), **self.environment}
        self.process = self.parent.run(words, self.log, environment)
        until = time.monotonic() + LONGEST_S
        while True:
            said = self.log.read_text()[begins:] if self.log.exists() else ""
            found = re.search(r"ready http://127\.0\.0\.1:(\d+)", said)
            if found:
                self.port = int(found[1])
                return
            assert time.monotonic() < until, said
            assert self.lives(), said
            time.sleep(LOOK_S)

    def lives(self) -> bool:
        """Whether its process is there."""
        with suppress(ProcessLookupError):
            os.kill(self.process, 0)
            return True
        return False

    def end(self, how: signal.Signals) -> None:
        """Send a signal and wait until the process is gone."""
        with suppress(ProcessLookupError):
            os.kill(self.process, how)
        until = time.monotonic() + LONGEST_S
        while self.lives():
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(LOOK_S)

    def restart(self) -> None:
        """Kill it at once, and start it again on its port."""
        self.end(signal.SIGKILL)
        self.start()

    def ask(self, method: str, path: str, *, key: str = "olga", **more: Any) -> httpx.Response:
        """One request of the API, by whoever has all scopes; redirects are not followed."""
        headers = {**more.pop("headers", {})}
        if self.keys:
            headers["authorization"] = f"Bearer {self.keys[key]}"
        return self.http.request(method, f"{self.url}{path}", headers=headers, **more)

    def send(self, type: str = "customer.upset", data: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """Send an event of a subject of its own; the id of its run."""
        number = next(self.numbers)
        event = {
            "specversion": "1.0",
            "id": f"e-{number}",
            "source": "/tests",
            "type": type,
            "subject": f"c-{number}",
            "data": {"message": "the parcel is late"} if data is None else dict(data),
        } | changes
        headers = {"content-type": "application/cloudevents+json"}
        response = self.ask("POST", "/v1/events", content=json.dumps(event), headers=headers)
        assert response.status_code == 202, response.text
        return str(response.json()["accepted"][0]["run"])

    def handle(self, type: str = "customer.upset", data: Mapping[str, Any] | None = None, **changes: Any) -> Any:
        """Send an event; its run once it has ended or waits for a person."""
        return self.ended(self.send(type, data, **changes))

    def ended(self, run: str) -> Any:
        """The run once it has ended or waits for a person."""
        until = time.monotonic() + LONGEST_S
        while True:
            found = self.ask("GET", f"/v1/runs/{run}").json()
            if found["status"] in ENDED:
                return found
            assert time.monotonic() < until, found
            time.sleep(LOOK_S)

    def signed_in(self, name: str = "olga") -> dict[str, str]:
        """The cookie of a new session."""
        form = {"key": self.keys[name]}
        answer = self.http.post(f"{self.url}{SIGN_IN}", data=form)
        assert answer.status_code == 303, answer.text
        self.http.cookies.clear()
        return {COOKIE: answer.cookies[COOKIE]}


def plain_environment() -> dict[str, str]:
    """Ours, without what would make a program differ from its defaults; embeddings are kept."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "SEGUE", "OPENAI"))}
    return {**kept, "SEGUE_CACHE": str(embedding_cache())}


@contextmanager
def open_served(
    parent: Parent,
    folder: Path,
    *,
    keys: bool = False,
    more: tuple[str, ...] = (),
    portfolios: tuple[Path, ...] = (),
    environment: Mapping[str, str] | None = None,
    port: int = 0,
) -> Iterator[Served]:
    """Serve until the end of the block; by default the test's own shop, on a free port."""
    (folder / "portfolio.yaml").write_text(PORTFOLIO)
    with ThreadPoolExecutor(1) as other:
        # This thread may have a browser open, and can run no event loop then.
        other.submit(asyncio.run, lay_out(folder / "data")).result()
    made = {
        name: add_key(folder / "keys.yaml", name=name, tenant="default", **_may(may))
        for name, may in (KEYS if keys else {}).items()
    }
    served = Served(
        parent=parent,
        folder=folder,
        keys=made,
        more=more,
        portfolios=portfolios,
        environment=environment or {},
        port=port,
    )
    try:
        served.start()
        yield served
    finally:
        if served.process:
            served.end(signal.SIGKILL)
        served.http.close()


def _may(given: Role | tuple[GivenScope, ...]) -> dict[str, Any]:
    return {"role": given} if isinstance(given, str) else {"scopes": given}
