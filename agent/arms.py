"""Which runs decide without memory, and whether memory sways a decision. Start with `draw`, then `sways`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

from agent.types import Call, Decider, DeciderError, Decision, Event, Situation
from memory.types import Arm


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The arm a run is in, and how likely it was to be given memory. Runs of another likelihood are not compared."""

    arm: Arm
    memory_share: float
    """Probability in [0, 1] that a run of its kind decides with memory."""


def draw(control: float, tenant: str, event: Event, *, memory_off: bool) -> Drawn:
    """The arm of a run: a function of its event's name alone, so that every process and every try draws the same.

    A share `control` of runs decides without memory. Where memory is switched off it is the other way round: only that
    share decides with it, so that the two go on being compared.
    """
    rare = _place(tenant, event) < control
    if memory_off:
        return Drawn(arm="memory" if rare else "control", memory_share=control)
    return Drawn(arm="control" if rare else "memory", memory_share=1.0 - control)


def _place(tenant: str, event: Event) -> float:
    """A number in [0, 1) that looks random."""
    name = json.dumps(["arm", tenant, event.source, event.id]).encode()
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest()[:6]) / 2**48


def without_memory(situation: Situation) -> Situation:
    """What the control arm sees of it."""
    return replace(situation, evidence={}, near={}, past=(), cases=(), lessons=(), explore=0.0)


async def sways(shadow: Decider | None, decision: Decision, seen: Situation, other: Situation | None) -> bool | None:
    """Whether the other arm would have decided otherwise; None where nobody can say.

    `other` is what it would have seen; None: it was not looked at. `shadow` decides in that; None: that costs too much.
    """
    if other is None:
        return None
    if (other.evidence, other.past) == (seen.evidence, seen.past):
        return False
    if shadow is None:
        return None
    try:
        # What is tried by chance is no doing of memory.
        mine = decision if seen.explore == 0.0 else await shadow.decide(replace(seen, explore=0.0))
        return _wanted(await shadow.decide(replace(other, explore=0.0))) != _wanted(mine)
    except DeciderError:
        return None


def _wanted(decision: Decision) -> tuple[str, frozenset[tuple[str, str]]]:
    """Kind of the decision, and tools and actions that it asks for or offers to an operator."""
    offered: tuple[Call, ...] = decision.question.options if decision.question is not None else ()
    return decision.kind, frozenset((call.tool, call.action) for call in (*decision.calls, *offered))
