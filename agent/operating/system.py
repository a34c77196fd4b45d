"""Whether tools, workers, the model and memory are well, as operators see it. Start with `system`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from agent.operating.desk import Desk
from agent.service import Segue
from agent.store.queries import Shown
from agent.store.system import MemorySeen, ModelSeen
from agent.store.workers import Seen


@dataclass(frozen=True, kw_only=True)
class System:
    """As it is at a moment, for one tenant."""

    now: datetime
    tools: tuple[Shown, ...]
    """As `Segue.tools` gives them."""
    pauses: tuple[Shown, ...]
    workers: tuple[Seen, ...]
    decided_by: str
    model: ModelSeen | None
    """None: the Planner decides, and no model is asked."""
    uses_memory: bool
    memory: MemorySeen
    off: tuple[Shown, ...]
    """Event types whose memory is switched off."""
    open_runs: Mapping[str, int]
    """By status."""
    problems: Mapping[str, str]
    """As `Segue.health` names them."""


async def system(segue: Segue, tenant: str) -> System:
    """Everything at once."""
    desk: Desk = segue.desk
    asks_model = segue.decided_by != "planner"
    return System(
        now=desk.now(),
        tools=tuple(segue.tools()),
        pauses=tuple(await segue.pauses.list(tenant)),
        workers=await desk.workers(),
        decided_by=segue.decided_by,
        model=await desk.model_seen(tenant) if asks_model else None,
        uses_memory=segue.uses_memory,
        memory=await desk.memory_seen(tenant),
        off=tuple(one for one in await segue.switches.list(tenant) if one["state"] == "off"),
        open_runs=await desk.open_runs(tenant),
        problems=await segue.health(),
    )
