"""Whether what a run has learned so far is anything that past runs never showed. Start with `strange`."""

from __future__ import annotations

from collections.abc import Sequence

from agent.deciders.habit_rules import MOST_VALUES, SIZE, Facts, Path, Scalar

LONGEST = 64
"""Characters up to which a text may be a category."""


def strange(facts: Facts, seen: Sequence[Facts]) -> str | None:
    """What of the facts none of those seen is like, in words; None where there is nothing of the kind.

    Strange is a field that none of them has, or that all of them have and that is missing; a new value of a category;
    the first number that is 0, below 0 or above 0; and a number farther from theirs than theirs are from each other.
    """
    for path in sorted({path for one in seen for path in one} | facts.keys()):
        known = [one[path] for one in seen if path in one]
        value = facts.get(path)
        if value is None:
            if len(known) == len(seen):
                return f"{_spoken(path)} is missing"
        elif not known:
            return f"{_spoken(path)} was never there"
        elif not _is_like(value, known):
            return f"{_spoken(path)} was never {value!r}"
    return None


def _is_like(value: Scalar, known: Sequence[Scalar]) -> bool:
    if isinstance(value, bool):
        return value in [one for one in known if isinstance(one, bool)]
    if isinstance(value, str):
        texts = {one for one in known if isinstance(one, str)}
        return value in texts or (bool(texts) and not _is_category(texts, len(known)))
    numbers = [one for one in known if isinstance(one, int | float) and not isinstance(one, bool)]
    if not numbers or _sign(value) not in {_sign(one) for one in numbers}:
        return False
    low, high = min(numbers), max(numbers)
    return low - (high - low) <= value <= high + (high - low)


def _is_category(texts: set[str], count: int) -> bool:
    """Few values, and each of them often; a long text is none."""
    return len(texts) <= MOST_VALUES and 3 * len(texts) <= count and max(map(len, texts)) <= LONGEST


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _spoken(path: Path) -> str:
    name = ".".join(part for part in path if part.isidentifier())
    return f"the length of {name}" if path[-1] == SIZE else name
