"""Segue itself as an arm: everything it writes, and the scripted model as its decider. Start with `segue`."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.events import RawEvent
from agent.service import Segue
from agent.types import Call, Decision, Situation
from agent.wiring import Settings, open_segue
from evals.bench.arms import Arm, Asked, Place
from evals.bench.workload import Waits, answer

TENANT = "default"
PORTFOLIO = Path(__file__).parent / "portfolio.yaml"
NOTED = 1_000
"""Runs whose begin is remembered."""


@dataclass
class ScriptedDecider:
    """Asks the scripted model, and notes when each run first came to it."""

    name: str = "scripted"
    begun: OrderedDict[str, float] = field(default_factory=OrderedDict)

    async def decide(self, situation: Situation) -> Decision:
        """What the model answers, as a decision."""
        self.begun.setdefault(situation.run, time.time())
        if len(self.begun) > NOTED:
            self.begun.popitem(last=False)
        data = situation.event.data
        waits = Waits(model_ms=_number(data["model_ms"]), tool_ms=_number(data["tool_ms"]))
        said = await answer(situation.decision, situation.event.subject, waits)
        calls = tuple(Call(tool=one["name"], arguments=one["args"], action=one["name"]) for one in said.tool_calls)
        return Decision(
            kind="act" if calls else "finish", reason=str(said.content), calls=calls, decided_by=self.name, tokens=100
        )


@dataclass(frozen=True, kw_only=True)
class Accepting:
    """Accepts the event of a run; the store tells when the run is closed."""

    segue: Segue
    decider: ScriptedDecider

    async def run(self, asked: Asked) -> Mapping[str, Any]:
        """Accept it."""
        event = RawEvent(
            source="/bench",
            id=asked.id,
            type="customer.upset",
            subject=asked.id,
            time=datetime.now(UTC),
            data={"message": asked.text, "model_ms": asked.waits.model_ms, "tool_ms": asked.waits.tool_ms},
        )
        (accepted,) = await self.segue.accept(TENANT, [event])
        return {"run": accepted.run}

    def begun(self, run: str) -> float | None:
        """By the scripted model's clock."""
        return self.decider.begun.get(run)


@asynccontextmanager
async def segue(place: Place) -> AsyncIterator[Arm]:
    """Segue with inbox, ledger, memory and recall, as it is served."""
    decider = ScriptedDecider()
    settings = Settings(
        portfolio=(PORTFOLIO,),
        data=place.folder / "segue",
        database_url=place.database_url,
        environment=dict(os.environ),
    )
    async with open_segue(settings, decider) as opened:
        yield Accepting(segue=opened, decider=decider)


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"a wait is a number of milliseconds, not {value!r}")
    return value
