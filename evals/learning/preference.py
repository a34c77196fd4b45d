"""Events of one template, and tools of one description whose success depends on a field. Start with `Preference`.

A company sends parcels again by two or three routes. Which of them works hangs on the region of the customer, and
nobody says so: names mean nothing, descriptions are the same, the text tells nothing of the region. The right route
works in 90 % of the cases, every other in 10 %, unless asked otherwise. Outcomes come late, a geometric number of
events later. Whether an attempt works is drawn before anybody decides, so that all arms meet the same luck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

RIGHT, WRONG = 0.9, 0.1
"""How often the right tool works, and any other unless said otherwise."""
MEAN_DELAY = 4
"""Events until an outcome comes, on average; at least 1."""
ROUTES = ("ash", "elm", "oak")
REGIONS = ("north", "south", "east", "west", "coast")
CHANNELS = ("mail", "web", "phone")
DESCRIPTION = "Sends the parcel to the customer again."
PURPOSE = "send the parcel to the customer again"


@dataclass(frozen=True, kw_only=True)
class Met:
    """One event as an arm sees it."""

    number: int
    text: str
    region: str
    channel: str

    @property
    def features(self) -> Mapping[str, str]:
        """As the portfolio would name them."""
        return {"region": self.region, "channel": self.channel}


@dataclass(frozen=True, kw_only=True)
class Told:
    """An outcome as it reaches an arm."""

    number: int
    reward: float


class Preference:
    """One seed's stream: how many tools and regions there are, which suits which, what happens and when it is told.

    The number of tools, 2 or 3, and of regions, as many or up to two more, vary over seeds. How an attempt came about
    (`channel`) is a field that means nothing.
    """

    def __init__(self, seed: int, events: int, wrong: float = WRONG) -> None:
        luck = np.random.default_rng([seed, 7])
        self._wrong = wrong
        count = 2 + seed % 2
        regions = REGIONS[: count + int(luck.integers(3))]
        self.tools: Sequence[str] = [f"route_{ROUTES[row]}" for row in luck.permutation(len(ROUTES))[:count]]
        order = luck.permutation(count)
        # Each tool suits as many regions as any other, or one more.
        self._right: dict[str, str] = {
            region: self.tools[order[row % count]]
            for row, region in zip(luck.permutation(len(regions)).tolist(), regions, strict=True)
        }
        self.events: Sequence[Met] = [
            Met(
                number=number,
                text=f"A parcel of customer {int(luck.integers(1_000, 10_000))} was lost on its way.",
                region=str(luck.choice(regions)),
                channel=str(luck.choice(CHANNELS)),
            )
            for number in range(events)
        ]
        self._draws = luck.random(events)
        self._waits = luck.geometric(1.0 / MEAN_DELAY, events)
        self._due: dict[int, list[Told]] = {}

    @property
    def chance(self) -> float:
        """Mean reward of choosing at random."""
        return (RIGHT + (len(self.tools) - 1) * self._wrong) / len(self.tools)

    def right(self, number: int) -> str:
        """The tool that works best; only for the oracle and the figures."""
        return self._right[self.events[number].region]

    def expected(self, number: int, tool: str) -> float:
        """How often the tool would work."""
        return RIGHT if tool == self.right(number) else self._wrong

    def grade(self, number: int, tool: str) -> float:
        """What the attempt earned, 0 or 1; its outcome is on its way."""
        reward = float(self._draws[number] < self.expected(number, tool))
        self._due.setdefault(number + int(self._waits[number]), []).append(Told(number=number, reward=reward))
        return reward

    def told(self, number: int) -> Sequence[Told]:
        """Outcomes that have come when the event of this number comes."""
        return self._due.pop(number, [])
