"""Lives of a Segue process that end with `kill -9` at a chosen point. Start with `Nursery.live`.

One nursery process loads everything once and forks a life whenever it is told to. A life opens Segue on a data
directory, sends the story's event (again), plays the operator, and drives the run to its end, unless it is killed at
its n-th point: before or after a commit of the store, a call of a tool, or a write of the durable engine. The tools
note every delivery in a file that outlives them.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dbos._sys_db import SystemDatabase

from agent.events import RawEvent
from agent.ledger import Patience
from agent.service import GivenAnswer, Segue
from agent.store.database import Database
from agent.store.queries import Shown
from agent.wiring import Settings, open_segue
from tests.agent.company import PORTFOLIO, Script, call, embedder, embedding_cache
from tools.registry import ToolRegistry

ROOT = Path(__file__).parent.parent.parent
ENDED = frozenset({"done", "stopped", "failed", "cancelled"})
STORY = PORTFOLIO.replace("tests.agent.company:", "tests.agent.crash_lives:")
ENGINE_WRITES = ("record_operation_result", "init_workflow", "update_workflow_outcome")


@dataclass(frozen=True, kw_only=True)
class Life:
    """What one life is told."""

    data: str
    die_at: int | None = None
    """Number of the point, from 1, at which it is killed; with neither this nor the next it lives to the end."""
    die_on: str | None = None
    """Name of the point and how many times it is passed before: `after call book_call#1` is the first time."""
    eager: bool = False
    """The operator answers as soon as something is asked, not only once the run waits."""
    database_url: str | None = None
    event: str | None = "e-1"
    """Id of the event; None: only open the store, so that other lives need not make it."""
    pay_back_takes_s: float = 0.0

    @property
    def deliveries(self) -> Path:
        """Where the tools write."""
        return Path(self.data) / "deliveries"

    @property
    def trace(self) -> Path:
        """Where the points that were passed are written, one a line."""
        return Path(self.data) / "trace"


@dataclass
class _World:
    """What the tools of this process write to."""

    deliveries: Path = Path(os.devnull)
    pay_back_takes_s: float = 0.0


_world = _World()


def _deliver(tool: str, key: str) -> None:
    line = json.dumps({"tool": tool, "key": key}) + "\n"
    file = os.open(_world.deliveries, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
    os.write(file, line.encode())
    os.fsync(file)
    os.close(file)


async def look_up(customer: str, idempotency_key: str) -> dict[str, Any]:
    """Look up what is known of a customer."""
    _deliver("look_up", idempotency_key)
    return {"customer": customer, "tier": "gold"}


async def pause_mail(customer: str, idempotency_key: str, days: int = 7) -> dict[str, Any]:
    """Pause advertising mail to a customer."""
    _deliver("pause_mail", idempotency_key)
    return {"paused": True}


async def book_call(customer: str, idempotency_key: str, note: str = "") -> dict[str, Any]:
    """Book a telephone call with a customer."""
    _deliver("book_call", idempotency_key)
    return {"booked": True}


async def pay_back(customer: str, amount: float, idempotency_key: str) -> dict[str, Any]:
    """Pay money back to a customer."""
    _deliver("pay_back", idempotency_key)
    await asyncio.sleep(_world.pay_back_takes_s)
    return {"paid": amount}


async def close_account(customer: str, idempotency_key: str) -> dict[str, Any]:
    """Close a customer's account."""
    _deliver("close_account", idempotency_key)
    return {"closed": True}


@dataclass
class Fuse:
    """Counts the points a life passes and kills it at one of them."""

    life: Life
    passed: list[str] = field(default_factory=list)

    def point(self, name: str) -> None:
        """Pass one point, or die there."""
        self.passed.append(name)
        if self.life.die_at == len(self.passed) or self.life.die_on == f"{name}#{self.passed.count(name)}":
            self.life.trace.write_text("\n".join(self.passed))
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """Put points around everything that outlives the process."""
        self._around_async(Database, "write", _what_is_written)
        self._around_async(ToolRegistry, "call", lambda name, *_: f"call {name}")
        for name in ENGINE_WRITES:
            self._around(SystemDatabase, name)

    def _around_async(self, owner: Any, name: str, told: Callable[..., str]) -> None:
        original: Callable[..., Awaitable[Any]] = getattr(owner, name)

        async def wrapped(this: Any, *given: Any, **named: Any) -> Any:
            what = told(*given)
            dispatches = "_dispatch" in what
            if not dispatches:
                self.point(f"before {what}")
            result = await original(this, *given, **named)
            # The dispatcher looks for runs all the time; only when it found one has something happened.
            if not dispatches or result:
                self.point(f"after {what}")
            return result

        setattr(owner, name, wrapped)

    def _around(self, owner: Any, name: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def wrapped(*given: Any, **named: Any) -> Any:
            self.point(f"before engine {name}")
            result = original(*given, **named)
            self.point(f"after engine {name}")
            return result

        setattr(owner, name, wrapped)


def _what_is_written(work: Callable[..., Any], *_: Any) -> str:
    return f"write {work.__qualname__.replace('.<locals>', '').replace('.<lambda>', '')}"


def story_script() -> Script:
    """A read; then an idempotent write, one that is not, and one that waits for an approval; then the end."""
    return Script([[call("look_up")], [call("pause_mail"), call("book_call"), call("pay_back", amount=5)]])


async def live(life: Life) -> None:
    """Drive the story to its end."""
    _world.deliveries = life.deliveries
    _world.pay_back_takes_s = life.pay_back_takes_s
    fuse = Fuse(life)
    fuse.install()
    file = Path(life.data) / "portfolio.yaml"
    file.write_text(STORY)
    settings = Settings(
        portfolio=(file,),
        data=Path(life.data) / "data",
        database_url=life.database_url,
        environment={"SEGUE_CACHE": str(embedding_cache())},
        patience=Patience(attempts=3, backoff_s=0.001),
    )
    async with open_segue(settings, story_script(), embedder()) as segue:
        if life.event is not None:
            run = await drive(segue, life, life.event)
            life.trace.write_text("\n".join(fuse.passed))
            (Path(life.data) / "run.json").write_text(json.dumps(run))
            # Nothing is left to say; closing in good order is what other tests look at.
            os._exit(0)


async def drive(segue: Segue, life: Life, event_id: str) -> Shown:
    """Send the event, and play the operator until its run has ended."""
    event = RawEvent(
        source="/crashes",
        id=event_id,
        type="customer.upset",
        subject=f"c-{event_id}",
        time=datetime(2026, 11, 2, tzinfo=UTC),
        data={"message": "my parcel never came"},
    )
    (accepted,) = await segue.accept("default", [event])
    while True:
        run = await segue.run("default", accepted.run or "")
        if run["status"] in ENDED:
            return run
        if life.eager or run["status"] == "waiting":
            await operate(segue, life, run)
        await asyncio.sleep(0.005)


async def operate(segue: Segue, life: Life, run: Shown) -> None:
    """Approve what the run asks, and say of a call in doubt whether the tool got it."""
    for asked in run["approvals"]:
        if asked["state"] == "pending":
            await segue.answer("default", asked["id"], GivenAnswer(approved=True, by="ann"))
    noted = {one["key"] for one in delivered(life)}
    for effect in run["effects"]:
        if effect["state"] == "unknown":
            key = effect["key"]
            state: Any = "done" if key in noted else "failed"
            await segue.settle("default", key, state=state, result=None, reason="looked at the tool", by="ann")


def delivered(life: Life) -> list[dict[str, str]]:
    """Every delivery the tools got, in order."""
    if not life.deliveries.exists():
        return []
    return [json.loads(line) for line in life.deliveries.read_text().splitlines()]


class Nursery:
    """The process that forks lives; a context manager that ends it."""

    def __init__(self, log: Path) -> None:
        self._log = log.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from tests.agent.crash_lives import nurse; nurse()"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(30)
        self._log.close()

    def live(self, life: Life) -> bool:
        """Let one life run; whether it was killed. Raises RuntimeError if it failed in any other way."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the nursery has no pipes")
        stdin.write(json.dumps(asdict(life)) + "\n")
        stdin.flush()
        answer = stdout.readline().strip()
        if answer not in {"0", "-9"}:
            raise RuntimeError(f"{life} ended with {answer!r}")
        return answer == "-9"


def nurse() -> None:
    """Fork a life for every line of standard input and tell how it ended."""
    embedder()
    for line in sys.stdin:
        life = Life(**json.loads(line))
        child = os.fork()
        if child == 0:
            os.close(1)
            os.dup2(2, 1)
            try:
                asyncio.run(asyncio.wait_for(live(life), 60))
                os._exit(0)
            finally:
                traceback.print_exc()
                os._exit(1)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
