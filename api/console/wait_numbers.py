"""How many things wait for a person, and for whom. Start with `WaitNumbers.of`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from agent.operating.desk import Desk
from agent.store.waits import WaitKind, Whose


@dataclass(frozen=True, kw_only=True)
class WaitNumbers:
    """Of a tenant, at a moment."""

    numbers: Mapping[WaitKind, int]
    held: Mapping[tuple[str, str], int]
    """By kind and who takes care of it."""

    def of(self, whose: Whose | None = None) -> Mapping[WaitKind, int]:
        """By kind, of those that are asked for."""
        if whose is None:
            return self.numbers
        if whose.name is not None:
            return {kind: self.held.get((kind, whose.name), 0) for kind in self.numbers}
        held = Counter[str]()
        for (kind, _), number in self.held.items():
            held[kind] += number
        return {kind: max(0, number - held[kind]) for kind, number in self.numbers.items()}


async def read_wait_numbers(desk: Desk, tenant: str) -> WaitNumbers:
    """As of now."""
    return WaitNumbers(numbers=await desk.wait_numbers(tenant), held=await desk.assigned_numbers(tenant))
