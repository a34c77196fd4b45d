"""Which marks are reached, missed or skipped, and what the command makes of it."""

from __future__ import annotations

import pytest

from evals.bench.doors import Ended
from evals.bench.load import Cell, percentile
from evals.bench.marks import Mark, at_least, at_most
from evals.bench.opening import ArmName, ArmPlan, DatabaseName
from evals.bench.overhead import AT_ONCE, WITH_WAITS, Measured, overhead_marks
from evals.bench.scale import Point, scale_marks
from evals.bench.telling import Report, exit_code


def measured(name: ArmName, database: DatabaseName, runs_per_s: float, *, skipped: str | None = None) -> Measured:
    """An arm with so many runs per second at every workload, each of 20 ms."""
    plan = ArmPlan(name=name, database=database)
    ended = (Ended(asked=0.0, accepted=0.005, ended=0.020),)
    keys = () if skipped else ((AT_ONCE, 1), (WITH_WAITS, 64))
    cells = {key: [Cell(waits=key[0], in_flight=key[1], runs_per_s=runs_per_s, ended=ended)] for key in keys}
    return Measured(plan=plan, cells=cells, begins_ms=(4.0,), skipped=skipped)


def test_segue_is_held_against_dbos_on_the_same_database() -> None:
    found = (
        measured("dbos", "sqlite", 40.0),
        measured("segue", "sqlite", 30.0),
        measured("segue-known", "sqlite", 30.0),
        measured("dbos", "postgresql", 30.0),
        measured("segue", "postgresql", 30.0),
        measured("aegra", "postgresql", 20.0),
    )
    marks = {mark.name: mark for mark in overhead_marks(found)}
    assert marks["runs/s with waits, 64 in flight, on sqlite, beside DBOS"].measured == pytest.approx(0.75)
    assert marks["runs/s with waits, 64 in flight, on sqlite, beside DBOS"].state == "failed"
    assert marks["runs/s with waits, 64 in flight, on postgresql, beside DBOS"].state == "passed"
    assert marks["runs/s with waits, 64 in flight, on postgresql, beside Aegra"].measured == pytest.approx(1.5)
    assert marks["p50 from the 202 to the closed run on sqlite"].measured == pytest.approx(15.0)
    assert marks["p50 from the 202 to the first decision on sqlite"].state == "passed"
    assert marks["p50 from the 202 to the first decision on postgresql"].why == "an arm was left out"


def test_a_mark_that_cannot_be_measured_says_why() -> None:
    found = (
        measured("segue", "postgresql", 30.0),
        measured("aegra", "postgresql", 0.0, skipped="Aegra is not installed"),
    )
    (mark,) = (mark for mark in overhead_marks(found) if "Aegra" in mark.name)
    assert (mark.state, mark.why) == ("skipped", "Aegra is not installed")


def report(*marks: Mark, broken: bool = False) -> Report:
    return Report(command="overhead", rows=(), marks=marks, load=0.0, broken=broken)


def test_only_a_missed_mark_ends_the_command_with_1() -> None:
    passed, skipped = at_most("a", 1.0, 0.5), at_least("b", 1.0, None, why="not there")
    assert exit_code(report(passed, skipped)) == 0
    assert exit_code(report(passed, skipped, at_least("c", 1.0, 0.9))) == 1
    assert exit_code(report(passed, broken=True)) == 2


def test_memory_is_compared_between_the_first_point_and_the_last() -> None:
    points = [
        Point(runs=runs, runs_per_s=50.0, resident_mb=mb, store_mb=1.0) for runs, mb in ((10, 100.0), (100, 111.0))
    ]
    (mark,) = scale_marks(points)
    assert mark.state == "failed"
    assert mark.measured == pytest.approx(1.11)


@pytest.mark.parametrize(("share", "value"), [(0.5, 2.0), (0.99, 4.0), (0.25, 1.0), (1.0, 4.0)])
def test_a_percentile_is_a_value_that_was_measured(share: float, value: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], share) == value
