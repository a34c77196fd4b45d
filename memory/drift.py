"""When an action began to turn out otherwise than it used to. Start with `changes`.

A CUSUM (Page 1954) that knows the situation (risk-adjusted: Steiner et al. 2000), in either direction. Of an action's
graded outcomes in order, with e_i what those before let expect in a like situation:

    m_i  = (1/2 + sum of w_j r_j) / (1 + sum of w_j)                     over the outcomes j before i
    e_i  = (m_i + sum of K_ij w_j r_j) / (1 + sum of K_ij w_j)           likewise; K_ij: how alike the situations are
    q_i  = e_i with its odds times `ODDS` (better), or divided by it (worse)
    C_i  = max(0, C_(i-1) + w_i (r_i ln(q_i / e_i) + (1 - r_i) ln((1 - q_i) / (1 - e_i))))

Where C reaches `SURE` the action has changed: at that outcome since C last was 0 from which on the r - e are told best
by a mean of their own, and by 0 before (least squares). There the comparison begins anew.
Rewards between 0 and 1 vary less than the 0s and 1s this is made for, so that they raise fewer false alarms.

A source alone can declare a change of its own outcomes only. What holds for everybody's must be borne out by at least
two: without any one of them, also without what it let expect, `BORNE_OUT` of the sum must be left.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from memory.likeness import agreements, facts
from memory.rewards import credited, judged
from memory.settings import Settings
from memory.types import Episode

ODDS = math.exp(1.5)
"""By how much the odds of success change in what is looked for: from 0.9 to 0.67, say, or to anything beyond."""
SURE = 7.5
"""Sum from which a change is found. At most 4 of 100 streams of 200 outcomes without a change reach it."""
BORNE_OUT = math.log(3.0)
"""What must be left of the sum without any one source."""
BEFORE = 8
"""Outcomes before anything is compared with them."""
LOOK_BACK = 200
"""Outcomes before that are looked at for what is to be expected."""

Vectors = Mapping[str, NDArray[np.float32]]
"""Unit vectors of texts, by episode."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """An action turns out otherwise from some moment on."""

    action: str
    source: str | None
    """Whose evidence of before counts half; None: everybody's."""
    apart: tuple[str, ...] = ()
    """Sources left out of everybody, as a change of their own says the same."""
    at: datetime
    """When the first run was closed that turned out otherwise."""
    found_at: datetime
    """When the run was closed with whose outcome that was sure."""
    expected: float
    """Mean of what was to be expected of the outcomes since."""
    found: float
    """Mean of their rewards."""
    before: int
    """Outcomes it is held against."""
    since: int
    """Outcomes by which it was found."""
    log_odds: float
    """C of the formula: how much likelier these outcomes are if something has changed."""


def changes(
    graded: Sequence[Episode], goals: Mapping[str, float], settings: Settings, vectors: Vectors | None = None
) -> tuple[Change, ...]:
    """Every change of every action in these episodes, in whatever order they are; by action, then time.

    `vectors` tell situations apart where no episode has features; without them all are alike.
    """
    streams: dict[str, list[_Outcome]] = {}
    for episode in sorted(graded, key=lambda one: (one.closed_at, one.id)):
        if not episode.trust > 0:
            continue
        said = judged(episode.rewards, goals, settings.operator_trust)
        for action, taken in {taken.action: taken for taken in episode.actions}.items():
            own = credited(taken, said, settings.discount)
            if own is not None:
                streams.setdefault(action, []).append(_Outcome(episode, own.reward, own.share * episode.trust))
    found = [one for action in sorted(streams) for one in _of_action(action, streams[action], settings, vectors)]
    return tuple(sorted(found, key=lambda one: (one.action, one.at, one.source or "")))


def lasting(found: Collection[Change], episode: Episode) -> Mapping[str, float]:
    """What changes since leave of an episode's weight, by action; actions that did not change are absent."""
    factors: dict[str, float] = {}
    for one in found:
        concerned = one.source == episode.source or (one.source is None and episode.source not in one.apart)
        if concerned and episode.closed_at < one.at:
            factors[one.action] = 0.5 * factors.get(one.action, 1.0)
    return factors


@dataclass(frozen=True)
class _Outcome:
    """How an action turned out in one run."""

    episode: Episode
    reward: float
    weight: float

    @property
    def source(self) -> str:
        return self.episode.source


def _of_action(
    action: str, stream: Sequence[_Outcome], settings: Settings, vectors: Vectors | None
) -> Iterator[Change]:
    by_source: dict[str, list[_Outcome]] = {}
    for said in stream:
        by_source.setdefault(said.source, []).append(said)
    own = [
        replace(one, source=source)
        for source, its in by_source.items()
        for one in _Watch(action, its, settings, vectors).changes()
    ]
    yield from own
    if len(by_source) > 1:
        for one in _Watch(action, stream, settings, vectors, corroborated=True).changes():
            same = {each.source for each in own if each.at <= one.found_at and one.at <= each.found_at}
            yield replace(one, apart=tuple(sorted(name for name in same if name is not None)))


@dataclass
class _Sum:
    """C in one direction."""

    logit: float
    """Of the change that is looked for."""
    total: float = 0.0
    at: int = 0
    """Row of the first outcome since it was 0."""
    tested: int = 0
    """Row from which it is worth while to ask whether it is borne out."""

    def add(self, row: int, reward: float, weight: float, expected: float) -> None:
        self.total += weight * _log_ratio(reward, expected, self.logit)
        if self.total <= 0:
            self.reset(row + 1)

    def reset(self, at: int) -> None:
        self.total, self.at, self.tested = 0.0, at, at


class _Watch:
    """One stream of outcomes, from its first to its last."""

    def __init__(
        self,
        action: str,
        stream: Sequence[_Outcome],
        settings: Settings,
        vectors: Vectors | None,
        *,
        corroborated: bool = False,
    ) -> None:
        self._action = action
        self._stream = stream
        self._alike = _Alike([one.episode for one in stream], settings, vectors)
        self._rewards = np.array([one.reward for one in stream])
        self._weights = np.array([one.weight for one in stream])
        names = {name: number for number, name in enumerate(sorted({one.source for one in stream}))}
        self._sources = np.array([names[one.source] for one in stream])
        self._corroborated = corroborated

    def changes(self) -> Iterator[Change]:
        """In order of time; `source` is for the caller to say."""
        start, sums = 0, (_Sum(math.log(ODDS)), _Sum(-math.log(ODDS)))
        for row, one in enumerate(self._stream):
            expected = self._expect(row, start, row)
            for each in sums:
                if row < start + BEFORE:
                    each.reset(row + 1)
                else:
                    each.add(row, one.reward, one.weight, expected)
            best = max(sums, key=lambda each: each.total)
            if best.total >= SURE and (not self._corroborated or self._borne_out(best, row, start)):
                change, start = self._change(best, row, start)
                yield change
                for each in sums:
                    each.reset(row + 1)

    def _expect(self, row: int, start: int, end: int, but: int | None = None) -> float:
        """e of the formula for a row, by the rows from `start` to `end`; `but`: as if that source had never been."""
        first = min(end, max(start, row - LOOK_BACK))
        weights = self._weights[first:end]
        if but is not None:
            weights = weights * (self._sources[first:end] != but)
        good = weights * self._rewards[first:end]
        mean = (0.5 + good.sum()) / (1.0 + weights.sum())
        alike = self._alike.row(row, first, end)
        return float((mean + alike @ good) / (1.0 + alike @ weights))

    def _borne_out(self, run: _Sum, row: int, start: int) -> bool:
        """Whether enough of the sum is left without any one source; asked again when a quarter more is there."""
        if row < run.tested:
            return False
        run.tested = row + 1 + (row - run.at) // 4
        sources = np.unique(self._sources[max(start, run.at - LOOK_BACK) : row + 1])
        return all(self._without(source, run, row, start) >= BORNE_OUT for source in sources.tolist())

    def _without(self, source: int, run: _Sum, row: int, start: int) -> float:
        """What the sum were if that source had never been."""
        rows = [each for each in range(run.at, row + 1) if self._sources[each] != source]
        return math.fsum(
            one.weight * _log_ratio(one.reward, self._expect(each, start, each, source), run.logit)
            for each in rows
            for one in [self._stream[each]]
        )

    def _change(self, run: _Sum, row: int, start: int) -> tuple[Change, int]:
        """The change, and its row."""
        expected = np.array([self._expect(each, start, run.at) for each in range(run.at, row + 1)])
        rewards = self._rewards[run.at : row + 1]
        late = _parted(rewards - expected)
        at = run.at + late
        change = Change(
            action=self._action,
            source=None,
            at=self._stream[at].episode.closed_at,
            found_at=self._stream[row].episode.closed_at,
            expected=float(expected[late:].mean()),
            found=float(rewards[late:].mean()),
            before=at - start,
            since=row + 1 - at,
            log_odds=run.total,
        )
        return change, at


def _parted(values: NDArray[np.float64]) -> int:
    """Where they part into some near 0 and some near a mean of their own."""
    sums = np.cumsum(values[::-1])[::-1]
    return int(np.argmax(sums**2 / np.arange(len(values), 0, -1)))


def _log_ratio(reward: float, expected: float, logit: float) -> float:
    """How much likelier the reward is with the odds of what was expected changed so."""
    odds = expected / (1.0 - expected) * math.exp(logit)
    otherwise = odds / (1.0 + odds)
    return reward * math.log(otherwise / expected) + (1.0 - reward) * math.log((1.0 - otherwise) / (1.0 - expected))


class _Alike:
    """K of the formula, computed a part at a time: each outcome with those up to `LOOK_BACK` before it."""

    def __init__(self, episodes: Sequence[Episode], settings: Settings, vectors: Vectors | None) -> None:
        self._episodes = episodes
        self._settings = settings
        self._names = sorted({name for one in episodes for name in one.features})
        self._vectors = vectors
        self._first = self._begin = self._end = 0
        self._part: NDArray[np.float64] = np.zeros((0, 0))

    def row(self, row: int, first: int, end: int) -> NDArray[np.float64]:
        """Of this outcome with those from `first` to `end`, up to `LOOK_BACK` before it."""
        if not self._begin <= row < self._end:
            self._begin, self._end = row, min(len(self._episodes), row + LOOK_BACK)
            self._first = max(0, row - LOOK_BACK)
            self._part = self._compute(self._episodes[self._first : self._end])
        return self._part[row - self._first, first - self._first : max(first, end) - self._first]

    def _compute(self, part: Sequence[Episode]) -> NDArray[np.float64]:
        if self._names:
            return agreements([facts(one.features) for one in part], self._names, self._settings.mismatch)
        alike = np.ones((len(part), len(part)))
        rows = [row for row, one in enumerate(part) if self._vectors and one.id in self._vectors]
        if self._vectors and rows:
            stacked = np.stack([self._vectors[part[row].id] for row in rows])
            cosines = np.clip(stacked @ stacked.T, -1.0, 1.0)
            alike[np.ix_(rows, rows)] = np.exp((cosines - 1.0) / self._settings.h)
        return alike
