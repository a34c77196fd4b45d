"""One life of a Segue process: open, send the event (again), play the operator, and go to the end or be killed.

Start with `Life` and `begin`. The process that forks lives has loaded everything before, so that a start is short.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from agent.events import RawEvent
from agent.ledger import Patience
from agent.service import GivenAnswer, Segue
from agent.store.queries import Shown
from agent.types import Decision, Question, Situation
from agent.wiring import Settings, open_segue
from tests.agent.company import Script, call, embedder, embedding_cache
from tests.durability.broken import Broken, install
from tests.durability.counters import dies_with_its_parent, noted
from tests.durability.points import Fuse, PointedDecider

LONGEST_S = 180
LOOK_S = 0.03
"""How long a driver waits before it looks again; looking costs as much as a step of the run."""
ENDED = frozenset({"done", "stopped", "failed", "cancelled"})
TENANT = "default"

PORTFOLIO = """
segue: 1
goals: {loyalty: {weight: 1.0, description: customers who stay}}
chains:
  - {name: care, description: care for a customer, steps: [
      {name: know, description: know the customer},
      {name: calm, description: calm the customer},
      {name: repay, description: make good}]}
sources:
  - name: careful
    openapi: ${COUNTERS}/careful/openapi.json
    base_url: ${COUNTERS}/careful
    headers: {X-Life: "${LIFE}"}
    tools:
      look_up: {step: know, effect: read, timeout_s: 120}
      pause_mail: {step: calm, idempotent: true, timeout_s: 120}
      pay_back: {step: repay, risk: high, timeout_s: 120}
  - name: forgetful
    openapi: ${COUNTERS}/forgetful/openapi.json
    base_url: ${COUNTERS}/forgetful
    headers: {X-Life: "${LIFE}"}
    tools:
      book_call: {step: calm, timeout_s: 120}
      remind: {step: calm, idempotent: true, timeout_s: 120}
      send_voucher: {step: repay, timeout_s: 120}
      write_letter: {step: calm, timeout_s: 120}
events:
  customer.upset:
    description: a customer is upset
    schema: {type: object, properties: {message: {type: string}}}
    text: "{data.message}"
    features: {tier: results.look_up.tier}
    allow: [know, calm, repay]
    bind: {customer: subject}
    limits: {decisions: 8, calls: 12, seconds: 600, tokens: 1000}
  customer.asked:
    description: a customer asked something
    schema: {type: object, properties: {message: {type: string}}}
    text: "{data.message}"
    allow: [know]
    bind: {customer: subject}
outcomes:
  customer.stayed:
    description: the customer bought again
    schema: {type: object, properties: {loyalty: {type: number}}, required: [loyalty]}
    join: {events: [customer.upset], window: 30d}
    grade: {loyalty: "double(data.loyalty)"}
"""

READS = frozenset({"look_up"})
CLAIMED_IDEMPOTENT = frozenset({"pause_mail", "remind"})
"""What the portfolio says of them; it is right about one and wrong about the other."""
CAREFUL = frozenset({"look_up", "pause_mail", "pay_back"})
CALLS = ("look_up", "pause_mail", "book_call", "remind", "pay_back", "send_voucher", "write_letter")
DECISIONS = 4


class Story:
    """Decides: a read; then writes of every kind at once; then a question that leads to one more; then the end."""

    name = "script"

    def __init__(self) -> None:
        at_once = ("pause_mail", "book_call", "remind", "send_voucher")
        self._upset = Script(
            [
                [call("look_up")],
                [*map(call, at_once), call("pay_back", amount=5)],
                Question(text="shall I write?", options=(call("write_letter"),)),
            ]
        )

    async def decide(self, situation: Situation) -> Decision:
        """The next decision; about a mere question there is nothing to do."""
        script = self._upset if situation.event.type == "customer.upset" else Script([])
        return await script.decide(situation)


@dataclass(frozen=True, kw_only=True)
class Life:
    """What one life is told."""

    folder: Path
    """Where its data directory and reports are."""
    customer: str
    """Whom everything is about; the counters' notes are kept by customer."""
    number: int
    """Which life of its case it is, from 1."""
    counters: str
    notes: Path
    die_on: str | None = None
    die_at: int | None = None
    eager: bool = False
    """The operator answers as soon as something is asked, not only once the run waits."""
    database_url: str | None = None
    only_opens: bool = False
    """Make the tables, tell what was loaded for it, and end, so that other lives need do neither."""
    broken: Broken | None = None

    @property
    def report(self) -> Path:
        """What it leaves: the points it passed, and seconds from the fork to being ready."""
        return self.folder / f"life-{self.number}.json"

    @property
    def log(self) -> Path:
        """What it printed."""
        return self.folder / f"life-{self.number}.log"


def begin(life: Life) -> int:
    """Fork the life; its process id. It exits with 0 at the end of the story and by SIGKILL at its point."""
    born = time.monotonic()
    process = os.fork()
    if process:
        return process
    try:
        dies_with_its_parent()
        # For the case that its loop hangs; a life that only waits in vain says so itself.
        signal.alarm(LONGEST_S + 15)
        log = os.open(life.log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        asyncio.run(asyncio.wait_for(_live(life, born), LONGEST_S))
        os._exit(0)
    finally:
        traceback.print_exc()
        os._exit(1)


async def _live(life: Life, born: float) -> None:
    started_s: list[float] = []

    def report() -> None:
        told: dict[str, Any] = {"passed": fuse.passed, "started_s": started_s}
        if life.only_opens:
            told["modules"] = sorted(sys.modules)
        life.report.write_text(json.dumps(told))

    fuse = Fuse(die_on=life.die_on, die_at=life.die_at, last_words=report)
    fuse.install()
    if life.broken is not None:
        install(life.broken)
    async with open_segue(_settings(life), PointedDecider(Story(), fuse), embedder()) as segue:
        started_s.append(time.monotonic() - born)
        if not life.only_opens:
            await _Driver(segue, life, fuse).tell()
        report()
        if not life.only_opens:
            # Nothing is left to say; closing in good order is what other tests look at.
            os._exit(0)


def _settings(life: Life) -> Settings:
    file = life.folder / "portfolio.yaml"
    file.write_text(PORTFOLIO)
    return Settings(
        portfolio=(file,),
        data=life.folder / "data",
        database_url=life.database_url,
        environment={
            "SEGUE_CACHE": str(embedding_cache()),
            "COUNTERS": life.counters,
            "LIFE": str(life.number),
        },
        patience=Patience(attempts=3, backoff_s=0.001),
    )


class _Driver:
    """Everybody outside: who sends events and outcomes at least once, and the operator."""

    def __init__(self, segue: Segue, life: Life, fuse: Fuse) -> None:
        self._segue = segue
        self._life = life
        self._fuse = fuse

    async def tell(self) -> None:
        """Tell the story to its end, however much of it was told by earlier lives."""
        run = await self._send("upset", "customer.upset", message="my parcel never came")
        await self._ended(run)
        self._fuse.accepts = "outcome"
        await self._send("stayed", "customer.stayed", loyalty=1)
        while True:
            page = await self._segue.memories.outcomes(TENANT, "new", None, 10)
            if not page.items:
                break
            await asyncio.sleep(0.01)
        self._fuse.armed = False
        await self._ended(await self._send("asked", "customer.asked", message="are you still there?"))

    async def _send(self, id: str, type: str, **data: Any) -> str:
        event = RawEvent(
            source="/crashes",
            id=id,
            type=type,
            subject=self._life.customer,
            time=datetime(2026, 11, 2, tzinfo=UTC),
            data=data,
        )
        (accepted,) = await self._segue.accept(TENANT, [event])
        return accepted.run or ""

    async def _ended(self, run_id: str) -> None:
        while True:
            run = await self._segue.run(TENANT, run_id)
            if run["status"] in ENDED:
                return
            if self._life.eager or run["status"] == "waiting":
                await self._operate(run)
            await asyncio.sleep(LOOK_S)

    async def _operate(self, run: Shown) -> None:
        """Say yes to what is asked, and of a call in doubt whether the tool acted."""
        for asked in run["approvals"]:
            if asked["state"] == "pending":
                await self._segue.answer(TENANT, asked["id"], GivenAnswer(approved=True, by="ann"))
        acted = {one.key for one in noted(self._life.notes, self._life.customer) if one.acted}
        for effect in run["effects"]:
            if effect["state"] == "unknown":
                key = effect["key"]
                state: Literal["done", "failed"] = "done" if key in acted else "failed"
                await self._segue.settle(TENANT, key, state=state, result=None, reason="looked at the tool", by="ann")
