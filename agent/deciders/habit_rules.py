"""When something was done: a small decision tree over facts, written as CEL. Start with `learn_rule`.

Splits lower the Gini impurity (Breiman et al., Classification and Regression Trees, 1984) of samples weighted by what
their runs earned. A split must be no luck: one-sided Fisher's exact test, with Bonferroni's correction for the number
of facts looked at.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Path: TypeAlias = tuple[str, ...]
"""`("data", "amount")`; the length of a list ends in `SIZE`, that an object is there in `THERE`.

`("results", TOOL, LIST, FIELD, NAMES)`: whether a row of the list has the run's subject in that field.
"""
Scalar: TypeAlias = str | float | bool
Facts: TypeAlias = Mapping[Path, Scalar]
_Column: TypeAlias = NDArray[np.float64]

SIZE, THERE, NAMES = "#", "?", "@"
DEPTH = 2
"""Splits in a row."""
LEAST = 3
"""Samples on either side of a split."""
LUCK = 0.05
"""Probability, corrected, up to which a split is taken for no luck."""
PURE = 0.02
COMMON = 0.95
"""Share of the samples from which a fact counts as always known: where it is not, nothing can be told."""
MOST_PATHS = 200
THRESHOLDS = 24
"""Numbers tried as a limit, about."""
MOST_VALUES = 12
"""Different texts up to which a field is a category."""
DO, LEAVE = 0.75, 0.25
"""Shares of a leaf from which it is clear that something is done, and up to which that it is not."""
POOR = 0.2
"""Mean reward below which what was always done is no model."""
CLEARLY = 2.0
"""Standard errors between the rewards with and without it that settle a mixed leaf."""
MANY = 20
"""Runs from which a count that was always 0 is a custom."""
MOST_GUARDS = 6
_WORD = re.compile(r"[\w .,:;/()+-]{1,64}")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One graded run: what was known, whether it was done then, what the run earned."""

    facts: Facts
    done: bool
    reward: float
    trust: float = 1.0

    @property
    def weight(self) -> float:
        """A run that earned nothing is hardly a model."""
        return self.trust * max(0.05, self.reward)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Two CEL conditions; None: always."""

    do: str | None
    """When it is done."""
    doubtful: str | None = "false"
    """When like runs do not agree."""


@dataclass(frozen=True, kw_only=True)
class Test:
    """A question to the facts that is answered with yes or no."""

    path: Path
    kind: Literal["has", "is", "above", "least"]
    value: Scalar = True
    guarded: bool
    """Whether an absent fact means no; else nothing can be told without it."""

    @property
    def limit(self) -> float:
        """The value as a number."""
        return self.value if isinstance(self.value, int | float) else math.nan

    def holds(self, facts: Facts) -> bool:
        """The answer; no where the fact is absent."""
        known = facts.get(self.path)
        match self.kind:
            case "has":
                return known is not None
            case "is":
                return known == self.value
            case "above":
                return isinstance(known, int | float) and known > self.limit
            case "least":
                return isinstance(known, int | float) and known >= self.limit

    def cel(self) -> str:
        """The question as CEL."""
        path = self.path[:-1] if self.path[-1] in (SIZE, THERE) else self.path
        chain = [f"has({'.'.join(path[: end + 1])})" for end in range(1, len(path))]
        if self.kind == "has":
            return " && ".join(chain)
        return " && ".join([*(chain if self.guarded else []), self._compared(".".join(path))])

    def _compared(self, name: str) -> str:
        if isinstance(self.value, bool):
            return f"{name} == {str(self.value).lower()}"
        if isinstance(self.value, str):
            return f'{name} == "{self.value}"'
        operator = ">" if self.kind == "above" else ">="
        if self.path[-1] == SIZE:
            return f"size({name}) {operator} {math.floor(self.value)}"
        return f"double({name}) {operator} {self.value!r}"


@dataclass(frozen=True, kw_only=True)
class _Split:
    test: Test
    impurity: float

    @property
    def rank(self) -> tuple[float, bool, bool, int, Path]:
        """Of equally good questions the one nearest to the deed, then the plainest."""
        at = self.test.path
        return (round(self.impurity, 6), not self.test.guarded or at[0] == "data", at[-1] == SIZE, len(at), at)


Verdict: TypeAlias = Literal["do", "leave", "doubtful"]


def learn_rule(samples: Sequence[Sample], later: frozenset[str], counted: frozenset[str] = frozenset()) -> Rule:
    """When it was done. Results of the tools in `later` may be absent yet: only their presence speaks for doing it.

    What the tools of `counted` and those that the rule reads have counted must be as ever where it was always 0 or
    never 0 when it was done, and so must be whether their lists name the subject; what no run has seen is doubtful.
    """
    leaves = list(_leaves(samples, (), later))
    do, doubtful = _either(leaves, "do"), _either(leaves, "doubtful")
    if do == "false":
        return Rule(do=do, doubtful=doubtful)
    read = frozenset(path[1] for path in _counts(samples) if f"results.{path[1]}." in (do or ""))
    usual = list(_as_ever(samples, some=counted - read, none=(counted | read) - later))[:MOST_GUARDS]
    new = [test for test, seen in usual if not seen]
    seen = [test for test, seen in usual if seen]
    inner = [f"({do})" if " || " in do else do] if do is not None else []
    unusual = " && ".join([*inner, *seen, f"!({' && '.join(new)})"]) if new else "false"
    if doubtful not in (None, "false"):
        unusual = doubtful if unusual == "false" else f"({doubtful}) || ({unusual})"
    return Rule(do=" && ".join([*inner, *seen, *new]) or None, doubtful=None if doubtful is None else unusual)


Told = TypeVar("Told", bound=Sample)


def leaf(samples: Sequence[Told], facts: Facts, depth: int) -> tuple[Verdict, Sequence[Told]]:
    """What runs that knew the like say, and which runs these are; doubtful where a fact that tells is not known."""
    for _ in range(depth):
        split = _best(samples, frozenset()) if PURE < _share(samples) < 1 - PURE else None
        if split is None:
            break
        if not split.test.guarded and split.test.path not in facts:
            return "doubtful", samples
        answer = split.test.holds(facts)
        samples = [one for one in samples if split.test.holds(one.facts) == answer]
    return _verdict(samples), samples


def _as_ever(samples: Sequence[Sample], some: frozenset[str], none: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """That counts which never were 0 when it was done are not, those which always were still are, and that lists
    which never named the subject do not.

    With each, whether runs that saw it otherwise left it undone.
    """
    done = [one for one in samples if one.done]
    for path in sorted({path for one in samples for path in one.facts if path[-1] == NAMES and path[0] == "results"}):
        if path[1] in none and len(done) >= MANY and not any(one.facts.get(path, False) for one in done):
            *rows, field, _ = path
            named = f"{'.'.join(rows)}.exists(row, has(row.{field}) && row.{field} == subject)"
            yield f"!{named}", any(one.facts.get(path, False) for one in samples)
    for path in _counts(done):
        known = [one.facts.get(path) for one in done]
        others = [one.facts[path] for one in samples if path in one.facts]
        test = Test(path=path, kind="above", value=0.0, guarded=False).cel()
        if path[1] in some and all(known):
            yield test, 0.0 in others
        elif path[1] in none and len(done) >= MANY and not any(known) and None not in known:
            yield f"!({test})", any(others)


def _counts(samples: Sequence[Sample]) -> list[Path]:
    """Whole numbers and lengths that results of tools have at their top."""
    paths = sorted({path for one in samples for path in one.facts if path[0] == "results"})
    return [
        path
        for path in paths
        if len(path) == (4 if path[-1] == SIZE else 3)
        and all(
            isinstance(value, float) and value >= 0 and value.is_integer()
            for one in samples
            for value in [one.facts.get(path, 0.0)]
        )
    ]


def _either(leaves: Sequence[tuple[tuple[str, ...], Verdict]], verdict: Verdict) -> str | None:
    """Any of the ways to leaves of that verdict."""
    ways = [way for way, own in leaves if own == verdict]
    if not ways:
        return "false"
    if not all(ways) or len(ways) == len(leaves):
        return None
    joined = [" && ".join(way) for way in ways]
    return joined[0] if len(joined) == 1 else " || ".join(f"({way})" for way in joined)


def _leaves(
    samples: Sequence[Sample], way: tuple[str, ...], later: frozenset[str]
) -> Iterator[tuple[tuple[str, ...], Verdict]]:
    share = _share(samples)
    mixed = PURE < share < 1 - PURE
    split = _best(samples, later) if mixed and len(way) < DEPTH else None
    if split is None:
        yield way, _verdict(samples)
        return
    asked = split.test.cel()
    yield from _leaves([one for one in samples if split.test.holds(one.facts)], (*way, asked), later)
    yield from _leaves([one for one in samples if not split.test.holds(one.facts)], (*way, f"!({asked})"), later)


def _verdict(samples: Sequence[Sample]) -> Verdict:
    """What a leaf says; where runs differ, what they earned may settle it."""
    share = _share(samples)
    gain = _gain(samples)
    if LEAVE < share < DO:
        return "doubtful" if abs(gain) < CLEARLY else "do" if gain > 0 else "leave"
    if share <= LEAVE:
        return "leave"
    earned = [one.reward for one in samples if one.done]
    return "doubtful" if gain <= -CLEARLY or math.fsum(earned) / len(earned) < POOR else "do"


def _gain(samples: Sequence[Sample]) -> float:
    """By how many standard errors runs that did it earned more than those that did not; 0 for too few of either."""
    with_it = [one.reward for one in samples if one.done]
    without = [one.reward for one in samples if not one.done]
    if min(len(with_it), len(without)) < LEAST + 2:
        return 0.0
    difference = math.fsum(with_it) / len(with_it) - math.fsum(without) / len(without)
    error = math.sqrt(_variance(with_it) / len(with_it) + _variance(without) / len(without))
    return difference / max(error, 0.01)


def _variance(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _share(samples: Sequence[Sample]) -> float:
    return math.fsum(one.weight for one in samples if one.done) / math.fsum(one.weight for one in samples)


def _best(samples: Sequence[Sample], later: frozenset[str]) -> _Split | None:
    """The purest split that is no luck."""
    node = _Node.of(samples)
    paths = _told(samples)
    splits = [split for path in paths for split in node.splits(path, later)]
    if not splits:
        return None
    best = min(splits, key=lambda split: split.rank)
    return best if _luck(samples, best.test) * len(paths) <= LUCK else None


def _told(samples: Sequence[Sample]) -> list[Path]:
    """The facts that are known of enough samples; so many at most that a flood of field names costs little."""
    counted = Counter(path for one in samples for path in one.facts)
    often = [path for path, count in sorted(counted.items()) if count >= LEAST]
    return sorted(often, key=lambda path: -counted[path])[:MOST_PATHS]


@dataclass(frozen=True)
class _Node:
    """Samples as columns of numbers."""

    samples: Sequence[Sample]
    weight: _Column
    done: _Column
    """The weight of those that did it, 0 for the others."""

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> _Node:
        weight = np.array([one.weight for one in samples])
        return cls(samples, weight, weight * np.array([one.done for one in samples]))

    def splits(self, path: Path, later: frozenset[str]) -> Iterator[_Split]:
        """The questions to one fact that divide the samples into two sides large enough."""
        known = [one.facts[path] for one in self.samples if path in one.facts]
        common = len(known) >= COMMON * len(self.samples)
        waits = path[0] == "results" and path[1] in later
        if path[0] == "results" and not waits and not common:
            return
        tests = list(_tests(path, known, guarded=waits or not common, everywhere=len(known) == len(self.samples)))
        if not tests:
            return
        yes = self._answers(path, tests)
        sizes, heavy, done = yes.sum(axis=1), yes @ self.weight, yes @ self.done
        for test, size, weight, own in zip(tests, sizes.tolist(), heavy.tolist(), done.tolist(), strict=True):
            others, rest = float(self.weight.sum()) - weight, float(self.done.sum()) - own
            # What is not there yet says nothing: of a later result only the presence may speak for doing it.
            if min(size, len(self.samples) - size) < LEAST or (waits and own * others < rest * weight):
                continue
            impurity = own * (1 - own / weight) + rest * (1 - rest / others)
            yield _Split(test=test, impurity=impurity / (weight + others))

    def _answers(self, path: Path, tests: Sequence[Test]) -> NDArray[np.bool_]:
        """One row per question, one column per sample."""
        if tests[-1].kind not in {"above", "least"}:
            return np.array([[test.holds(one.facts) for one in self.samples] for test in tests])
        column = np.array([one.facts.get(path, np.nan) for one in self.samples], dtype=np.float64)
        known = ~np.isnan(column)
        rows = [
            known if test.kind == "has" else column > test.limit if test.kind == "above" else column >= test.limit
            for test in tests
        ]
        return np.array(rows)


def _tests(path: Path, known: Sequence[Scalar], *, guarded: bool, everywhere: bool) -> Iterator[Test]:
    if path[-1] == NAMES:
        return
    if guarded and not everywhere:
        yield Test(path=path, kind="has", guarded=True)
    if path[-1] == THERE:
        return
    if all(isinstance(value, bool) for value in known):
        # Of what is always known the one answer is the other's opposite.
        for answer in (True, False) if guarded else (True,):
            yield Test(path=path, kind="is", value=answer, guarded=guarded)
    elif all(isinstance(value, str) for value in known):
        values = sorted({str(value) for value in known})
        if len(values) <= MOST_VALUES:
            for value in values:
                if _WORD.fullmatch(value):
                    yield Test(path=path, kind="is", value=value, guarded=guarded)
    elif all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        yield from _thresholds(path, sorted({float(value) for value in known}), guarded=guarded)


def _thresholds(path: Path, values: Sequence[float], *, guarded: bool) -> Iterator[Test]:
    """Half-way between neighbours; beside a side with one value only, at that value."""
    step = max(1, len(values) // THRESHOLDS)
    for at in range(0, len(values) - 1, step):
        low, high = values[at], values[at + 1]
        if at == 0 or path[-1] == SIZE:
            yield Test(path=path, kind="above", value=low, guarded=guarded)
        elif at + 2 == len(values):
            yield Test(path=path, kind="least", value=high, guarded=guarded)
        else:
            yield Test(path=path, kind="above", value=low + (high - low) / 2, guarded=guarded)


def _luck(samples: Sequence[Sample], test: Test) -> float:
    """Fisher's exact test, one-sided: how probable a split at least so clear would be by chance."""
    done = sum(one.done for one in samples)
    yes = sum(test.holds(one.facts) for one in samples)
    both = sum(one.done and test.holds(one.facts) for one in samples)
    if both * len(samples) < done * yes:
        yes, both = len(samples) - yes, done - both
    ways = math.comb(len(samples), yes)
    more = range(both, min(done, yes) + 1)
    return sum(math.comb(done, k) * math.comb(len(samples) - done, yes - k) for k in more) / ways
