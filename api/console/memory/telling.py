"""Episodes in words and figures: how they ended, by what was done and by where they came from. Start with `groups`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from agent.stories import GOOD
from api.console.words import number
from api.terminal import line
from memory.means import Mean, mean_of

Ending: TypeAlias = Literal["good", "bad", "open"]
ENDINGS: Mapping[Ending, str] = {"good": "went well", "bad": "went badly", "open": "no outcome yet"}
SIGNS: Mapping[Ending, str] = {"good": "\N{BLACK CIRCLE}", "bad": "\N{MULTIPLICATION X}", "open": "\N{WHITE CIRCLE}"}
"""As they are drawn: shapes tell them apart where colours do not."""
NOTHING = "nothing was done"
MOST_GROUPS = 12


@dataclass(frozen=True, kw_only=True)
class Group:
    """Episodes that have something in common."""

    name: str
    good: int
    bad: int
    open: int
    mean: Mean | None
    """Of their rewards; None where none has come."""

    @property
    def count(self) -> int:
        """All of them."""
        return self.good + self.bad + self.open

    def cells(self) -> tuple[str, ...]:
        """As a row of a table; see `HEAD`."""
        counts = (number(one) for one in (self.count, self.good, self.bad))
        return (line(self.name, 120), *counts, mean_words(self.mean))


HEAD = ("episodes", "well", "badly", "mean reward (95 %)")


def ending(reward: float | None) -> Ending:
    """How an episode ended: well from a reward of 0.5 on."""
    return "open" if reward is None else "good" if reward >= GOOD else "bad"


def group(name: str, points: Iterable[Mapping[str, Any]]) -> Group:
    """Summed up."""
    rewards = [one["reward"] for one in points]
    known = [one for one in rewards if one is not None]
    good = sum(ending(one) == "good" for one in known)
    counts = {"good": good, "bad": len(known) - good, "open": len(rewards) - len(known)}
    return Group(name=name, **counts, mean=mean_of(len(known), sum(known)))


def by_action(points: Sequence[Mapping[str, Any]]) -> list[Group]:
    """The most frequent first; an episode counts for each action it took."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for point in points:
        for action in dict.fromkeys(point["actions"] or (NOTHING,)):
            found.setdefault(action, []).append(point)
    return _sorted(found)


def by_source(points: Sequence[Mapping[str, Any]]) -> list[Group]:
    """The most frequent first."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for point in points:
        found.setdefault(point["source"], []).append(point)
    return _sorted(found)


def _sorted(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Group]:
    return sorted((group(name, points) for name, points in found.items()), key=lambda one: (-one.count, one.name))


def mean_words(mean: Mean | None) -> str:
    """`0.72 (0.61 to 0.81)`."""
    return "-" if mean is None else f"{mean.mean:.2f} ({mean.low:.2f} to {mean.high:.2f})"


def in_words(points: Sequence[Mapping[str, Any]]) -> str:
    """`2 went well, 1 went badly, 1 no outcome yet.`, with what they earned."""
    told = group("", points)
    counts = {"good": told.good, "bad": told.bad, "open": told.open}
    said = ", ".join(f"{number(counts[one])} {words}" for one, words in ENDINGS.items()) + "."
    if told.mean is None:
        return said
    mean = told.mean
    return f"{said} Their mean reward is {mean.mean:.2f} of 1, 95 % interval {mean.low:.2f} to {mean.high:.2f}."


def ended(reward: float | None) -> str:
    """`went well (reward 1.00)`."""
    words = ENDINGS[ending(reward)]
    return words if reward is None else f"{words} (reward {reward:.2f})"


def done(actions: Sequence[str]) -> str:
    """What was done, in one line."""
    return line(", ".join(actions) or NOTHING, 160)
