"""What memory does to rewards, per event type; where it does harm it is switched off. Start with `Uplifts`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from agent.errors import NotFound
from agent.portfolio.model import EventType, Portfolio
from agent.store import comparing, switches
from agent.store.comparing import Comparison
from agent.store.database import Database
from agent.store.queries import Shown
from agent.store.switches import Switch
from agent.switching import Switches, shown, unknown
from memory.rewards import combined
from memory.types import Arm
from memory.uplift import Tally, anytime, uplift, verdict

AGAIN = 50
"""It is looked at again once one more in so many runs is graded, so that a run is read some 50 times in all."""


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """What there is to compare of an event type."""

    switch: Switch | None
    compared: Comparison
    tally: Tally


class Uplifts:
    """Compares runs with and without memory, of those since memory was last switched off or on."""

    def __init__(self, database: Database, portfolio: Portfolio, switches: Switches) -> None:
        self._database = database
        self._portfolio = portfolio
        self._switches = switches
        self._seen: dict[tuple[str, str], int] = {}
        """Graded runs at the last look."""
        self._new: Counter[tuple[str, str]] = Counter()
        """Outcomes joined since."""

    async def list(self, tenant: str, event_type: str | None) -> list[Shown]:
        """Of one event type or all. Raises `NotFound`."""
        events = self._portfolio.events
        if event_type is not None and event_type not in events:
            raise NotFound(unknown(event_type, events))
        kinds = events.values() if event_type is None else [events[event_type]]
        return [await self._show(tenant, kind) for kind in kinds]

    async def _show(self, tenant: str, kind: EventType) -> Shown:
        def look(connection: Connection) -> tuple[_Measured, dict[Arm, int]]:
            measured = self._measure(connection, tenant, kind)
            return measured, dict(comparing.count(connection, measured.compared))

        measured, runs = await self._database.read(look)
        tally = measured.tally
        # In a thread, as its first call imports SciPy.
        found = await asyncio.to_thread(uplift, tally)
        return {
            "type": kind.name,
            "control": kind.learning.control,
            "memory": shown(kind.name, measured.switch),
            "runs": runs,
            "graded": {"memory": tally.memory.graded.count, "control": tally.control.graded.count},
            "reward": {"memory": tally.memory.graded.mean, "control": tally.control.graded.mean},
            "share_swayed": tally.share_swayed,
            "difference": found.difference,
            "interval": None if found.interval is None else asdict(found.interval),
            "anytime_interval": None if found.anytime is None else asdict(found.anytime),
            "verdict": found.verdict,
        }

    async def look_again(self, joined: Sequence[str]) -> None:
        """Outcomes were joined to these runs: where they say that memory does harm, it is switched off."""
        if not any(kind.learning.control for kind in self._portfolio.events.values()) or not joined:
            return
        found = await self._database.read(lambda connection: comparing.kinds(connection, joined))
        for (tenant, event_type), number in found.items():
            kind = self._portfolio.events.get(event_type)
            if kind is None or not kind.learning.control:
                continue
            self._new[tenant, event_type] += number
            if self._new[tenant, event_type] * AGAIN >= self._seen.get((tenant, event_type), 0):
                await self._judge(tenant, kind)

    async def _judge(self, tenant: str, kind: EventType) -> None:
        measured = await self._database.read(lambda connection: self._measure(connection, tenant, kind))
        tally = measured.tally
        self._seen[tenant, kind.name] = tally.memory.graded.count + tally.control.graded.count
        del self._new[tenant, kind.name]
        is_on = measured.switch is None or measured.switch.state == "on"
        if is_on and verdict(tally) == "harm":
            await self._switches.stop_harm(tenant, kind.name, _figures(tally), measured.switch)

    def _measure(self, connection: Connection, tenant: str, kind: EventType) -> _Measured:
        switch = switches.find(connection, tenant, kind.name)
        control = kind.learning.control
        compared = Comparison(
            tenant=tenant,
            event_type=kind.name,
            memory_share=control if switch is not None and switch.state == "off" else 1.0 - control,
            after=None if switch is None else switch.since,
        )
        tally = Tally()
        for run in comparing.graded(connection, compared):
            reward = combined(run.rewards, self._portfolio.goals)
            if reward is not None:
                tally = tally.add(run.arm, reward, run.swayed)
        return _Measured(switch=switch, compared=compared, tally=tally)


def _figures(tally: Tally) -> str:
    """The finding in words, for whoever wonders why memory is off."""
    known, means = anytime(tally), (tally.memory.graded.mean, tally.control.graded.mean)
    if known is None or means[0] is None or means[1] is None:
        return "memory does harm"
    return (
        f"memory does harm: it changes the mean reward by {known.low:+.3f} to {known.high:+.3f} "
        f"(95 %, however often looked at); {means[0]:.3f} in {tally.memory.graded.count} graded runs with memory, "
        f"{means[1]:.3f} in {tally.control.graded.count} without"
    )
