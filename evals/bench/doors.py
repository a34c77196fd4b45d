"""How the load reaches an arm: `run` returns when the run has ended. Start with `Door`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

from evals.bench.errors import BenchError
from evals.bench.graph import first_state
from evals.bench.store_watch import StoreWatch
from evals.bench.wire import Reply, Wire
from evals.bench.workload import Waits

KNOWN_TEXT = "my order never came and nobody answers me"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """When a run was asked for, taken and ended, in seconds since the epoch."""

    asked: float
    accepted: float
    """When the answer came: for Segue the 202, for the others the end itself."""
    ended: float
    run: str | None = None


class Door(Protocol):
    """Takes one run at a time from each of many callers."""

    @property
    def process(self) -> int | None:
        """The one process of the arm, if it is one."""

    async def run(self, id: str, waits: Waits) -> Ended:
        """Return when it has ended. Raises `BenchError` when it failed."""


@dataclass(frozen=True, kw_only=True)
class HostDoor:
    """An arm that answers when the run has ended."""

    wire: Wire
    process: int | None = None

    async def run(self, id: str, waits: Waits) -> Ended:
        """Ask and wait."""
        asked = time.time()
        _checked(await self.wire.post("/runs", _body(id, waits, KNOWN_TEXT)), 200)
        ended = time.time()
        return Ended(asked=asked, accepted=ended, ended=ended)


@dataclass(frozen=True, kw_only=True)
class SegueDoor:
    """Segue, which answers at once; the store tells the end."""

    wire: Wire
    watch: StoreWatch
    new_texts: bool = True
    """Each event says something else, which must be embedded; else all say the same, which is embedded once."""
    process: int | None = None

    async def run(self, id: str, waits: Waits) -> Ended:
        """Ask, then look into the store."""
        asked = time.time()
        text = f"{KNOWN_TEXT}, case {id}" if self.new_texts else KNOWN_TEXT
        run = str(_checked(await self.wire.post("/runs", _body(id, waits, text)), 202)["run"])
        accepted = time.time()
        return Ended(asked=asked, accepted=accepted, ended=await self.watch.closed(run), run=run)

    async def begun(self, run: str) -> float:
        """When its first decision began."""
        return float(_checked(await self.wire.get(f"/runs/{run}/begun"), 200)["begun"])


@dataclass(frozen=True, kw_only=True)
class AegraDoor:
    """Aegra: a thread a run, in one request that waits for the end."""

    wire: Wire
    assistant: str = "bench"
    process: int | None = None

    async def run(self, id: str, waits: Waits) -> Ended:
        """Ask and wait."""
        state = {**first_state(id, waits), "messages": [{"role": "user", "content": id}]}
        body = {"assistant_id": self.assistant, "input": state, "if_not_exists": "create"}
        asked = time.time()
        said = _checked(await self.wire.post(f"/threads/{uuid4()}/runs/wait", body), 200)
        ended = time.time()
        if len(said.get("messages", ())) < 5:
            raise BenchError(f"Aegra ended a run with {said!r}")
        return Ended(asked=asked, accepted=ended, ended=ended)


def _body(id: str, waits: Waits, text: str) -> dict[str, Any]:
    return {"id": id, "text": text, "model_ms": waits.model_ms, "tool_ms": waits.tool_ms}


def _checked(reply: Reply, wanted: int) -> Any:
    if reply.status != wanted:
        raise BenchError(f"a run was answered with {reply.status}: {reply.body[:500].decode(errors='replace')}")
    return reply.json()
