"""What arms did on streams, as figures with 95 % intervals over seeds, and the marks. Start with `report`."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from evals.bench.marks import Mark
from evals.intervals import Spread, as_json

PARTS = 16
"""Points of a learning curve; fewer where a stream has fewer events."""
WINDOW = 100
"""Events that recovery after drift is read from."""
CONTROLLED = ("controlled", "placebo_controlled")
DRIFTED = "product+drift"
SOON = 500
"""Events after a drift in which its worst is sought."""

Part = Literal["mean", "low", "high"]
PART_NAMES: Mapping[Part, str] = {"mean": "", "low": ", lower bound", "high": ", upper bound"}
Relation = Literal["at least", "above", "at most", "below", "within"]
RELATIONS: Mapping[Relation, Callable[[float, float], bool]] = {
    "at least": operator.ge,
    "above": operator.gt,
    "at most": operator.le,
    "below": operator.lt,
    "within": lambda measured, bound: abs(measured) <= bound,
}
NOT_PLAYED = "an arm was not played"


@dataclass(frozen=True, kw_only=True)
class Played:
    """One arm on one seed's stream."""

    arm: str
    """A stress follows a plus: `product+noise`."""
    seed: int
    right: NDArray[np.bool_]
    """Per event, in order: whether what was decided was right."""
    recall_ms: NDArray[np.float64]
    """Per event that asked memory: how long recall took; empty where memory was not asked."""
    switched_off_at: int | None = None
    """Event whose outcome told the control arm that memory does harm, so that it was switched off."""


@dataclass(frozen=True, kw_only=True)
class SwitchedOff:
    """What the control arm made of memory in an arm that has one."""

    seeds: int
    """On which memory was switched off ..."""
    of: int
    """... of so many."""
    event: float | None
    """At which it was, the median of those seeds."""

    def as_json(self) -> dict[str, float | None]:
        """Null where it never was."""
        return {"seeds": self.seeds, "of": self.of, "event": self.event}


@dataclass(frozen=True, kw_only=True)
class ArmFigures:
    """One arm over all its seeds; None where the arm to compare with was not played."""

    arm: str
    last_quarter: float
    success: float
    gain: Spread | None
    """Over `no_memory` under the same stress, in the last quarter."""
    gain_over_cosine: Spread | None
    """Over `cosine` under the same stress, else over the plain one."""
    negative_transfer: float | None
    """Share of events that `no_memory` under the same stress had right and the arm wrong."""
    regret: float | None
    """Events the ceiling had right more than the arm, a seed."""
    curve: Sequence[float]

    def as_json(self) -> dict[str, Any]:
        """Without the keys that nothing was found for."""
        found = {
            "last_quarter": round(self.last_quarter, 4),
            "success": round(self.success, 4),
            "gain_points": self.gain and self.gain.as_json(),
            "gain_over_cosine_points": self.gain_over_cosine and self.gain_over_cosine.as_json(),
            "negative_transfer": _rounded(self.negative_transfer, 4),
            "regret": _rounded(self.regret, 2),
            "curve": [round(part, 4) for part in self.curve],
        }
        return {key: value for key, value in found.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that the streams showed."""

    seeds: Sequence[int]
    events: int
    """Of one stream."""
    tools: int
    arms: Sequence[ArmFigures]
    ceiling_gap_closed: float | None
    own_ceiling_gap_closed: float | None
    recall_p50_ms: float | None
    recall_p99_ms: float | None
    recovery: Mapping[str, float]
    """Events by arm with drift; infinite where it never came."""
    switched_off: Mapping[str, SwitchedOff]
    """By arm that has a control arm."""
    seconds: float
    marks: Sequence[Mark]

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it; never NaN or infinite."""
        return {
            "seeds": list(self.seeds),
            "events": self.events,
            "tools": self.tools,
            "arms": {one.arm: one.as_json() for one in self.arms},
            "ceiling_gap_closed": _rounded(self.ceiling_gap_closed, 4),
            "own_ceiling_gap_closed": _rounded(self.own_ceiling_gap_closed, 4),
            "recall": {"p50_ms": _rounded(self.recall_p50_ms, 3), "p99_ms": _rounded(self.recall_p99_ms, 3)},
            "recovery": {arm: as_json(events, 1) for arm, events in self.recovery.items()},
            "switched_off": {arm: found.as_json() for arm, found in self.switched_off.items()},
            "seconds": round(self.seconds, 1),
            "marks": [mark.as_json() for mark in self.marks],
        }


Streams = Mapping[str, Mapping[int, Played]]
"""By arm, then by seed."""


def report(played: Sequence[Played], *, tools: int, events: int, seconds: float) -> Report:
    """Raises `ValueError` for a stream of another length than `events`, and for an arm played twice on a seed."""
    streams = _by_arm(played, events)
    times = [one.recall_ms for one in streams.get("product", {}).values() if one.recall_ms.size]
    p50, p99 = np.percentile(np.concatenate(times), (50, 99)).tolist() if times else (None, None)
    recovered = _recovery(streams, DRIFTED)
    return Report(
        seeds=sorted({one.seed for one in played}),
        events=events,
        tools=tools,
        arms=tuple(_figures(streams, arm) for arm in streams),
        ceiling_gap_closed=_gap_closed(streams, "cosine", "ceiling"),
        own_ceiling_gap_closed=_gap_closed(streams, "no_memory", "own_ceiling"),
        recall_p50_ms=p50,
        recall_p99_ms=p99,
        switched_off={arm: _switched_off(streams[arm].values()) for arm in CONTROLLED if arm in streams},
        recovery={} if recovered is None else {DRIFTED: recovered},
        seconds=seconds,
        marks=tuple(_marks(streams)),
    )


def split(arm: str) -> tuple[str, str]:
    """What an arm is, and its stress; that is empty where it has none."""
    plain, _, stress = arm.partition("+")
    return plain, stress


def last_quarter_begins(events: int) -> int:
    """The first event of the last quarter, counted from 0."""
    return 3 * events // 4


def _by_arm(played: Sequence[Played], events: int) -> Streams:
    streams: dict[str, dict[int, Played]] = {}
    for one in played:
        if not len(one.right) == events > 0:
            raise ValueError(f"{one.arm!r} on seed {one.seed} has {len(one.right)} events; a stream has {events}.")
        if one.seed in streams.setdefault(one.arm, {}):
            raise ValueError(f"{one.arm!r} was played twice on seed {one.seed}. Play it once.")
        streams[one.arm][one.seed] = one
    return streams


def _figures(streams: Streams, arm: str) -> ArmFigures:
    mine = streams[arm].values()
    right = np.stack([one.right for one in mine])
    ceiling = _or_plain(streams, arm, "ceiling")
    short = [int(theirs.sum()) - int(ours.sum()) for ours, theirs in _pairs(streams, arm, ceiling)]
    return ArmFigures(
        arm=arm,
        last_quarter=float(right[:, last_quarter_begins(right.shape[1]) :].mean()),
        success=float(right.mean()),
        gain=_ahead(streams, arm, _twin(arm, "no_memory")),
        gain_over_cosine=_ahead(streams, arm, _or_plain(streams, arm, "cosine")),
        negative_transfer=_harm(streams, arm),
        regret=fmean(short) if short else None,
        curve=[float(part.mean()) for part in np.array_split(right, min(PARTS, right.shape[1]), axis=1)],
    )


def _twin(arm: str, other: str) -> str:
    stress = split(arm)[1]
    return f"{other}+{stress}" if stress else other


def _or_plain(streams: Streams, arm: str, other: str) -> str:
    twin = _twin(arm, other)
    return twin if twin in streams else other


def _pairs(streams: Streams, arm: str, other: str) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """What both decided, on each seed that both were played on."""
    mine, theirs = streams.get(arm, {}), streams.get(other, {})
    return [(mine[seed].right, theirs[seed].right) for seed in sorted(mine.keys() & theirs.keys())]


def _ahead(streams: Streams, arm: str, other: str) -> Spread | None:
    """By how many points of the last quarter, paired by seed; from counts, so that a bound is met exactly."""
    points = []
    for mine, theirs in _pairs(streams, arm, other):
        start = last_quarter_begins(len(mine))
        more = int(mine[start:].sum()) - int(theirs[start:].sum())
        points.append(100 * more / (len(mine) - start))
    return Spread.of(points) if points else None


def _harm(streams: Streams, arm: str) -> float | None:
    harmed = [float(np.mean(theirs & ~mine)) for mine, theirs in _pairs(streams, arm, _twin(arm, "no_memory"))]
    return fmean(harmed) if harmed else None


def _gap_closed(streams: Streams, bottom: str, top: str) -> float | None:
    reached, gap = _ahead(streams, "product", bottom), _ahead(streams, top, bottom)
    return reached.mean / gap.mean if reached and gap and gap.mean > 0 else None


def _recovery(streams: Streams, arm: str) -> float | None:
    """Events after the half until half of what the arm then lost over `no_memory` is made good; None without either.

    Both meet the same change, which no prior recovers from. What memory adds in a window, on average over the seeds, is
    held against what it added in the eighth of the stream before; the loss is that of the worst window of the first
    `SOON` events. Infinite where it is never made good.
    """
    pairs = _pairs(streams, arm, _twin(arm, "no_memory"))
    if not pairs:
        return None
    added = np.sum([mine.astype(np.int64) - theirs for mine, theirs in pairs], axis=0)
    half = len(added) // 2
    before, after = added[max(0, half - max(1, len(added) // 8)) : half], added[half:]
    width = min(WINDOW, len(after))
    sums = np.convolve(after, np.ones(width, dtype=np.int64), mode="valid") * len(before)
    worst = int(np.argmin(sums[: max(1, SOON - width + 1)]))
    level = width * int(before.sum())
    if sums[worst] >= level:
        return 0.0
    reached = np.flatnonzero(2 * sums[worst:] >= level + sums[worst])
    return float(width + worst + reached[0]) if reached.size else math.inf


def _switched_off(played: Collection[Played]) -> SwitchedOff:
    events = [one.switched_off_at for one in played if one.switched_off_at is not None]
    return SwitchedOff(seeds=len(events), of=len(played), event=float(median(events)) if events else None)


def _switched_off_share(streams: Streams, arm: str) -> float | None:
    if arm not in streams:
        return None
    found = _switched_off(streams[arm].values())
    return found.seeds / found.of


def _marks(streams: Streams) -> Iterator[Mark]:
    yield _ahead_mark(streams, "product", "cosine", "mean", "at least", 15)
    yield _ahead_mark(streams, "product", "cosine", "low", "above", 13)
    yield _ahead_mark(streams, "product", "no_memory", "mean", "at least", 12)
    closed = _gap_closed(streams, "cosine", "ceiling")
    yield _mark("gap from cosine to ceiling closed", "at least", 0.75, closed, why=f"no gap, or {NOT_PLAYED}")
    yield _ahead_mark(streams, "product", "successes", "low", "above", 0)
    yield _ahead_mark(streams, "product", "cache", "low", "above", 0)
    yield _mark("negative transfer of product", "below", 0.03, _harm(streams, "product"))
    yield _ahead_mark(streams, "placebo", "no_memory", "high", "at most", 1)
    yield _ahead_mark(streams, "product", "placebo", "mean", "at least", 12)
    share = _switched_off_share(streams, "placebo_controlled")
    yield _mark("seeds with the placebo switched off", "at least", 1, share)
    yield _mark("seeds with the product switched off", "at most", 0, _switched_off_share(streams, "controlled"))
    yield _ahead_mark(streams, "amnesia", "no_memory", "mean", "within", 1)
    yield _ahead_mark(streams, "product+noise", "no_memory+noise", "mean", "at least", 9)
    yield _ahead_mark(streams, "product+delay", "no_memory+delay", "mean", "at least", 12)
    yield _ahead_mark(streams, "product", "product+poison", "mean", "at most", 1)
    yield _mark(f"recovery of {DRIFTED}", "at most", 500, _recovery(streams, DRIFTED), unit=" events")


def _ahead_mark(streams: Streams, arm: str, other: str, part: Part, relation: Relation, bound: float) -> Mark:
    ahead, unit = _ahead(streams, arm, other), " point" if bound == 1 else " points"
    measured: float | None = getattr(ahead, part, None)
    one_seed = measured is not None and not math.isfinite(measured)
    why = "one seed has no interval" if one_seed else NOT_PLAYED
    name = f"{arm} over {other}{PART_NAMES[part]}"
    return _mark(name, relation, bound, None if one_seed else measured, unit=unit, why=why)


def _mark(
    name: str, relation: Relation, bound: float, measured: float | None, *, unit: str = "", why: str = NOT_PLAYED
) -> Mark:
    """None is skipped; what never ended is missed and has no figure."""
    wanted = f"within {bound:g}{unit} of 0" if relation == "within" else f"{relation} {bound:g}{unit}"
    if measured is None:
        return Mark(name=name, wanted=wanted, state="skipped", why=why)
    if not math.isfinite(measured):
        return Mark(name=name, wanted=wanted, state="failed", why="never in this stream")
    reached = RELATIONS[relation](measured, bound)
    return Mark(name=name, wanted=wanted, state="passed" if reached else "failed", measured=measured)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
