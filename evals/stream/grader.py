"""Who alone knows what is right, and what of it an arm gets to know and when. Start with `Grader`.

noise    20 % of the outcomes say the opposite
poison    5 % of the events come from an attacker's source, and their outcomes say the opposite
delay     outcomes come after a geometric number of events, 50 on average; 20 % never come
drift     half-way 30 % of the tools change meaning among themselves
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from evals.stream.labelled import Labelled

Stress: TypeAlias = Literal["noise", "poison", "delay", "drift"]
STRESSES: tuple[Stress, ...] = ("noise", "poison", "delay", "drift")

FLIPPED = 0.2
POISONED = 0.05
MEAN_DELAY = 50
LOST = 0.2
DRIFTING = 0.3

SOURCE = "/stream"
ATTACKER = "/attacker"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One event as an arm sees it."""

    number: int
    text: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Told:
    """An outcome as it reaches the arm."""

    number: int
    """Of the event it belongs to."""
    reward: float


class Grader:
    """One seed's stream under one stress, the same for every arm; events are asked for in order and graded once."""

    def __init__(self, labelled: Labelled, seed: int, events: int, stress: Stress | None) -> None:
        rows = labelled.stream(seed, events)
        luck = np.random.default_rng([seed, 1])
        self._asked = [Asked(number=number, text=labelled.texts[row], source=SOURCE) for number, row in enumerate(rows)]
        self._right = [labelled.right[row] for row in rows]
        # Drawn whatever the stress is, so that the others do not hang on it.
        flipped, poisoned, lost = (luck.random(events) < share for share in (FLIPPED, POISONED, LOST))
        waits = luck.geometric(1.0 / MEAN_DELAY, events)
        self._opposite = flipped if stress == "noise" else poisoned if stress == "poison" else np.zeros(events, bool)
        self._waits: Sequence[int | None] = [0] * events
        if stress == "poison":
            self._asked = [
                Asked(number=one.number, text=one.text, source=ATTACKER) if poisoned[one.number] else one
                for one in self._asked
            ]
        if stress == "delay":
            self._waits = [None if gone else int(wait) for gone, wait in zip(lost, waits, strict=True)]
        if stress == "drift":
            meant = _drifted(sorted(labelled.tools), luck)
            half = events // 2
            self._right[half:] = [meant.get(tool, tool) for tool in self._right[half:]]
        self._due: dict[int, list[Told]] = {}

    @property
    def events(self) -> Sequence[Asked]:
        """All of them, in order."""
        return self._asked

    def grade(self, number: int, tool: str) -> bool:
        """Whether the tool was right; an outcome is on its way."""
        right = self._right[number] == tool
        wait = self._waits[number]
        if wait is not None:
            told = Told(number=number, reward=float(right != self._opposite[number]))
            self._due.setdefault(number + wait, []).append(told)
        return right

    def told(self, number: int) -> Sequence[Told]:
        """Outcomes that arrive before the event after this one."""
        return self._due.pop(number, [])

    def truth(self, number: int) -> str:
        """For ceilings only."""
        return self._right[number]


def _drifted(tools: Sequence[str], luck: np.random.Generator) -> Mapping[str, str]:
    """Each tool that changes takes over what another one of them meant."""
    changing = [tools[row] for row in luck.permutation(len(tools))[: round(DRIFTING * len(tools))]]
    return dict(zip(changing, changing[1:] + changing[:1], strict=True))
