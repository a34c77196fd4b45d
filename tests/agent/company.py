"""A small company for tests of the core: Python tools with state and faults, a portfolio, and a scripted decider.

Tools are found by `module:function`, so the company of a test is the one that was opened last.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from agent.events import RawEvent
from agent.ledger import Patience
from agent.recording import Retrying
from agent.service import Segue
from agent.store.queries import Shown
from agent.types import Call, Decider, Decision, Question, Situation
from agent.wiring import Settings, open_segue
from memory.embedding import Embedder
from tests.agent.fresh import lay_out
from tools.errors import ToolError

ENDED = frozenset({"done", "stopped", "failed", "cancelled", "waiting"})


@dataclass
class Ledger:
    """What really happened at the tools: deliveries in order, and the faults to come."""

    deliveries: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    faults: dict[str, list[Callable[[], Any]]] = field(default_factory=dict)

    async def deliver(self, tool: str, arguments: dict[str, Any], key: str) -> None:
        """Note the delivery, then suffer the next fault of that tool, if one is set."""
        self.deliveries.append((tool, arguments, key))
        waiting = self.faults.get(tool)
        if waiting:
            outcome = waiting.pop(0)()
            if asyncio.iscoroutine(outcome):
                await outcome

    def of(self, tool: str) -> list[dict[str, Any]]:
        """Arguments of every delivery to a tool."""
        return [arguments for name, arguments, _ in self.deliveries if name == tool]


_open: list[Ledger] = []


async def look_up(customer: str, idempotency_key: str) -> dict[str, Any]:
    """Look up what is known of a customer."""
    await _open[-1].deliver("look_up", {"customer": customer}, idempotency_key)
    return {"customer": customer, "tier": "gold"}


async def pause_mail(customer: str, idempotency_key: str, days: int = 7) -> dict[str, Any]:
    """Pause advertising mail to a customer."""
    await _open[-1].deliver("pause_mail", {"customer": customer, "days": days}, idempotency_key)
    return {"paused": True}


async def book_call(customer: str, idempotency_key: str, note: str = "") -> dict[str, Any]:
    """Book a telephone call with a customer."""
    await _open[-1].deliver("book_call", {"customer": customer, "note": note}, idempotency_key)
    return {"booked": True}


async def pay_back(customer: str, amount: float, idempotency_key: str) -> dict[str, Any]:
    """Pay money back to a customer."""
    await _open[-1].deliver("pay_back", {"customer": customer, "amount": amount}, idempotency_key)
    return {"paid": amount}


async def close_account(customer: str, idempotency_key: str) -> dict[str, Any]:
    """Close a customer's account."""
    await _open[-1].deliver("close_account", {"customer": customer}, idempotency_key)
    return {"closed": True}


def refuses() -> None:
    """A fault: the tool says no."""
    raise ToolError("not today")


def dies() -> None:
    """A fault: the tool breaks in the middle of its work."""
    raise ConnectionResetError("the line went dead")


PORTFOLIO = """
segue: 1
goals: {loyalty: {weight: 1.0, description: customers who stay}}
chains:
  - {name: care, description: care for a customer, steps: [
      {name: know, description: know the customer},
      {name: calm, description: calm the customer},
      {name: repay, description: make good}]}
sources:
  - name: local
    python:
      look_up: "tests.agent.company:look_up"
      pause_mail: "tests.agent.company:pause_mail"
      book_call: "tests.agent.company:book_call"
      pay_back: "tests.agent.company:pay_back"
      close_account: "tests.agent.company:close_account"
    tools:
      look_up: {step: know, effect: read, timeout_s: 5}
      pause_mail: {step: calm, idempotent: true, timeout_s: 5}
      book_call: {step: calm, timeout_s: 5}
      pay_back: {step: repay, risk: high, timeout_s: 5}
      close_account: {step: repay, timeout_s: 5}
events:
  customer.upset:
    description: a customer is upset
    schema: {type: object, properties: {message: {type: string}, amount: {type: number}}}
    text: "{data.message}"
    features: {tier: results.look_up.tier}
    allow: [know, calm, pay_back]
    bind: {customer: subject}
    playbook:
      - {purpose: pause advertising mail to the customer, step: calm}
    limits: {decisions: 6, calls: 8, seconds: 60, tokens: 1000}
outcomes:
  customer.stayed:
    description: the customer bought again
    schema: {type: object, properties: {loyalty: {type: number}}, required: [loyalty]}
    join: {events: [customer.upset], window: 30d}
    grade: {loyalty: "double(data.loyalty)"}
"""


def call(tool: str, **arguments: Any) -> Call:
    """A call as a decider asks for it."""
    return Call(tool=tool, arguments=arguments, action=tool)


@dataclass
class Script:
    """A decider that answers from a list, one entry a decision: calls, a question, or nothing more to do.

    It fails when it is asked once too often, and keeps the situations it saw.
    """

    entries: list[Sequence[Call] | Question | Exception]
    seen: list[Situation] = field(default_factory=list)
    name: str = "script"

    async def decide(self, situation: Situation) -> Decision:
        """The next entry."""
        self.seen.append(situation)
        if situation.decision > len(self.entries):
            return Decision(kind="finish", reason="the script is at its end", decided_by=self.name)
        entry = self.entries[situation.decision - 1]
        if isinstance(entry, Exception):
            raise entry
        if isinstance(entry, Question):
            return Decision(kind="ask", reason="unsure", question=entry, decided_by=self.name)
        return Decision(kind="act", reason="scripted", calls=tuple(entry), decided_by=self.name)


@dataclass
class Company:
    """An open Segue with the company's own ledger beside it."""

    segue: Segue
    ledger: Ledger

    async def send(self, subject: str = "c-1", *, id: str = "e-1", type: str = "customer.upset", **data: Any) -> str:
        """Send one event; the id of its run or outcome."""
        (accepted,) = await self.segue.accept("default", [raw(subject, id=id, type=type, **data)])
        return accepted.run or accepted.outcome or ""

    async def ended(self, run: str) -> Shown:
        """The run once it has ended or waits for an operator."""
        while True:
            shown = await self.segue.run("default", run)
            if shown["status"] in ENDED:
                return shown
            await asyncio.sleep(0.02)

    async def handle(self, subject: str = "c-1", **given: Any) -> Shown:
        """Send an event and wait for its run."""
        return await self.ended(await self.send(subject, **given))

    async def approval(self) -> Shown:
        """The one approval that is pending."""
        page = await self.segue.approvals("default", "pending", None, 10)
        (only,) = page.items
        return only


def raw(subject: str = "c-1", *, id: str = "e-1", type: str = "customer.upset", **data: Any) -> RawEvent:
    """An event as the HTTP door hands it over."""
    return RawEvent(source="/tests", id=id, type=type, subject=subject, time=datetime.now(UTC), data=data)


@asynccontextmanager
async def open_company(
    data: Path, decider: Decider | None, portfolio: str = PORTFOLIO, **changes: Any
) -> AsyncIterator[Company]:
    """Open Segue on a data directory; the same directory again is a restart."""
    file = data / "portfolio.yaml"
    data.mkdir(parents=True, exist_ok=True)
    file.write_text(portfolio)
    settings = Settings(
        portfolio=(file,),
        data=data / "data",
        environment={"SEGUE_CACHE": str(embedding_cache())},
        patience=Patience(attempts=3, backoff_s=0.001),
        retrying=Retrying(backoff_s=0.001),
    )
    settings = replace(settings, **changes)
    if settings.database_url is None:
        await lay_out(settings.data)
    ledger = Ledger()
    _open.append(ledger)
    try:
        async with open_segue(settings, decider, embedder()) as segue:
            yield Company(segue=segue, ledger=ledger)
    finally:
        _open.remove(ledger)


@cache
def embedder() -> Embedder:
    """The real one, loaded once."""
    return Embedder.open(embedding_cache())


def embedding_cache() -> Path:
    """Where tests keep the embedding graph, shared because building it takes seconds."""
    return Path(tempfile.gettempdir()) / "segue-embedding-cache"
