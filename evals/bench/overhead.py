"""The same runs through Segue and through what it is built on. Start with `measure_overhead`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from evals.bench.doors import Door, SegueDoor
from evals.bench.errors import BenchError
from evals.bench.load import Cell, Span, measure, percentile
from evals.bench.marks import Mark, at_least, at_most
from evals.bench.opening import ArmPlan, Machinery, open_door
from evals.bench.workload import Waits
from evals.processes import ProcessError

AT_ONCE = Waits(model_ms=0, tool_ms=0)
WITH_WAITS = Waits(model_ms=200, tool_ms=50)
LEVELS = (1, 16, 64)
BESIDE_DBOS = 0.8
BESIDE_AEGRA = 1.2
ALONE_MS = 30.0
BEGINS_MS = 30.0

Key = tuple[Waits, int]
"""Waits and runs in flight."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """An arm over all rounds."""

    plan: ArmPlan
    cells: Mapping[Key, Sequence[Cell]]
    begins_ms: Sequence[float] = ()
    """From the 202 to the begin of the first decision, of runs alone without waits."""
    skipped: str | None = None
    """Why there is nothing."""
    broken: bool = False
    """It had to be measured, and failed."""

    def runs_per_s(self, key: Key) -> float | None:
        """Of the middle round."""
        return median(cell.runs_per_s for cell in self.cells[key]) if key in self.cells else None

    def latency_ms(self, key: Key, share: float) -> float | None:
        """From the request to the end, over all rounds."""
        if key not in self.cells:
            return None
        ended = [one for cell in self.cells[key] for one in cell.ended]
        return percentile([1000 * (one.ended - one.asked) for one in ended], share)

    def processor_ms(self, key: Key) -> float | None:
        """Processor time of the arm's process for a run, of the middle round."""
        used = [cell.processor_ms for cell in self.cells.get(key, ()) if cell.processor_ms is not None]
        return median(used) if used else None

    def closed_ms(self, share: float) -> float | None:
        """From the 202 to the closed run, alone and without waits."""
        ended = [one for cell in self.cells.get((AT_ONCE, 1), ()) for one in cell.ended]
        return percentile([1000 * (one.ended - one.accepted) for one in ended], share) if ended else None

    def begin_ms(self, share: float) -> float | None:
        """From the 202 to the begin of the first decision, alone and without waits."""
        return percentile(self.begins_ms, share) if self.begins_ms else None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to measure."""

    plans: Sequence[ArmPlan]
    span: Span
    rounds: int = 1
    levels: Sequence[int] = LEVELS
    waits: Sequence[Waits] = (AT_ONCE, WITH_WAITS)

    @property
    def cells(self) -> int:
        """How many figures that are."""
        return self.rounds * len(self.plans) * len(self.levels) * len(self.waits)


async def measure_overhead(
    wanted: Wanted, machinery: Machinery, progress: Callable[[str, int], None]
) -> Sequence[Measured]:
    """Every arm in every round, one after the other; `progress` gets what is next and how many figures are done.

    What an arm cannot do is told in its place.
    """
    found: dict[ArmPlan, Measured] = {
        plan: Measured(plan=plan, cells={}, skipped=machinery.lacks(plan)) for plan in wanted.plans
    }
    for _ in range(wanted.rounds):
        for plan in wanted.plans:
            if found[plan].skipped is None:
                found[plan] = await _one_round(wanted, machinery, found[plan], progress)
            else:
                progress(plan.told, len(wanted.levels) * len(wanted.waits))
    return tuple(found.values())


async def _one_round(
    wanted: Wanted, machinery: Machinery, so_far: Measured, progress: Callable[[str, int], None]
) -> Measured:
    plan = so_far.plan
    cells = {key: list(found) for key, found in so_far.cells.items()}
    begins = list(so_far.begins_ms)
    progress(plan.told, 0)
    try:
        async with open_door(plan, machinery) as door:
            for waits, level in _keys(wanted):
                cell = await measure(door, waits, level, wanted.span, plan.name)
                cells.setdefault((waits, level), []).append(cell)
                if (waits, level) == (AT_ONCE, 1):
                    begins += await _begins(door, cell)
                progress(plan.told, 1)
            _check_ends(door)
    except (BenchError, ProcessError) as error:
        return Measured(plan=plan, cells={}, skipped=str(error), broken=plan.name.startswith("segue"))
    return Measured(plan=plan, cells=cells, begins_ms=begins)


def _keys(wanted: Wanted) -> Iterator[Key]:
    for waits in wanted.waits:
        for level in wanted.levels:
            yield waits, level


async def _begins(door: Door, cell: Cell) -> list[float]:
    if not isinstance(door, SegueDoor):
        return []
    return [1000 * (await door.begun(one.run) - one.accepted) for one in cell.ended if one.run is not None]


def _check_ends(door: Door) -> None:
    """A run that failed is faster than one that did its work."""
    if isinstance(door, SegueDoor):
        other = {status: count for status, count in door.watch.statuses().items() if status != "done"}
        if other:
            raise BenchError(f"not every run was done: {other}")


def ratio(of: Measured | None, to: Measured | None, key: Key) -> float | None:
    """How many times the runs per second; None where one of them was not measured."""
    if of is None or to is None:
        return None
    above, below = of.runs_per_s(key), to.runs_per_s(key)
    return None if above is None or not below else above / below


def find(found: Sequence[Measured], name: str, database: str) -> Measured | None:
    """An arm on a database, if it was asked for."""
    return next((one for one in found if one.plan.name == name and one.plan.database == database), None)


def overhead_marks(found: Sequence[Measured]) -> tuple[Mark, ...]:
    """What the issue of the durable queue set, on each database."""
    marks: list[Mark] = []
    key = (WITH_WAITS, max(LEVELS))
    for database in ("sqlite", "postgresql"):
        ours, theirs = find(found, "segue", database), find(found, "dbos", database)
        if ours is None:
            continue
        beside = f"runs/s with waits, {max(LEVELS)} in flight, on {database}, beside"
        marks.append(at_least(f"{beside} DBOS", BESIDE_DBOS, ratio(ours, theirs, key), why=_why(ours, theirs)))
        if database == "postgresql":
            other = find(found, "aegra", database)
            marks.append(at_least(f"{beside} Aegra", BESIDE_AEGRA, ratio(ours, other, key), why=_why(ours, other)))
        known = find(found, "segue-known", database)
        closed = None if known is None else known.closed_ms(0.5)
        begins = None if known is None else known.begin_ms(0.5)
        why = _why(known)
        marks += (
            at_most(f"p50 from the 202 to the closed run on {database}", ALONE_MS, closed, unit=" ms", why=why),
            at_most(f"p50 from the 202 to the first decision on {database}", BEGINS_MS, begins, unit=" ms", why=why),
        )
    return tuple(marks)


def _why(*arms: Measured | None) -> str:
    for one in arms:
        if one is None:
            return "an arm was left out"
        if one.skipped is not None:
            return one.skipped
    return "its workload was left out"
