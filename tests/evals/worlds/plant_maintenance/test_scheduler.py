"""The production planner's arithmetic, against every plan there is."""

from __future__ import annotations

import itertools
import random

import pytest

from evals.worlds.plant_maintenance.scheduler import (
    LATE_HOUR,
    MOVED,
    RETIMED,
    WAITING_HOUR,
    Placed,
    Plan,
    Problem,
    Standstill,
    Task,
    schedule,
)

LATEST = 14


def task(id_: str, machine: str, start: int, hours: int, due: int, *, pinned: bool = False) -> Task:
    return Task(id=id_, machine=machine, start=start, hours=hours, due=due, pinned=pinned)


def cost(placed: tuple[Placed, ...]) -> int:
    return sum(
        LATE_HOUR * one.late_hours
        + MOVED * (one.machine != one.task.machine)
        + RETIMED * (one.start != one.task.start)
        + WAITING_HOUR * max(0, one.start - one.task.start)
        for one in placed
    )


def clashes(problem: Problem, placed: tuple[Placed, ...]) -> bool:
    busy = [(one.machine, one.start, one.end) for one in placed]
    busy += [(one.machine, one.start, one.start + one.hours) for one in problem.standstills]
    return any(a[0] == b[0] and a[1] < b[2] and b[1] < a[2] for a, b in itertools.combinations(busy, 2))


def every_plan(problem: Problem) -> list[tuple[Placed, ...]]:
    """Every plan that obeys the rules and ends by `LATEST`."""
    choices = [
        [
            Placed(task=one, machine=machine, start=start)
            for machine in (problem.machines if one.machine == problem.relieved and not one.pinned else (one.machine,))
            for start in range(LATEST)
        ]
        for one in problem.tasks
    ]
    return [placed for placed in itertools.product(*choices) if not clashes(problem, placed)]


def small(seed: int) -> Problem:
    chance = random.Random(seed)
    tasks = []
    for machine in ("m1", "m2"):
        at = 0
        for number in range(chance.choice((1, 2)) if machine == "m1" else 1):
            at += chance.randint(0, 2)
            hours = chance.randint(1, 3)
            tasks.append(task(f"{machine}-{number}", machine, at, hours, at + hours + chance.randint(0, 4)))
            at += hours
    still = Standstill(machine="m1", start=chance.randint(0, 4), hours=chance.randint(1, 3))
    return Problem(machines=("m1", "m2"), relieved="m1", tasks=tuple(tasks), standstills=(still,))


@pytest.mark.parametrize("seed", range(8))
def test_no_other_plan_is_better(seed: int) -> None:
    problem = small(seed)
    made = schedule(problem)
    assert made.optimal
    assert not clashes(problem, made.placed)
    assert cost(made.placed) == min(cost(placed) for placed in every_plan(problem))


def test_what_is_not_in_the_way_stays_as_planned() -> None:
    tasks = (task("a", "m1", 0, 4, 9), task("b", "m2", 2, 4, 9), task("c", "m1", 12, 4, 20))
    still = Standstill(machine="m1", start=5, hours=5)
    made = schedule(Problem(machines=("m1", "m2"), relieved="m1", tasks=tasks, standstills=(still,)))
    assert made.moved == ()


def test_a_job_goes_to_another_machine_rather_than_be_late() -> None:
    tasks = (task("a", "m1", 4, 4, 9),)
    still = Standstill(machine="m1", start=0, hours=12)
    made = schedule(Problem(machines=("m1", "m2"), relieved="m1", tasks=tasks, standstills=(still,)))
    assert [(one.machine, one.late_hours) for one in made.moved] == [("m2", 0)]


def test_a_job_under_way_stays_on_its_machine() -> None:
    tasks = (task("a", "m1", 0, 4, 5, pinned=True),)
    still = Standstill(machine="m1", start=1, hours=6)
    made = schedule(Problem(machines=("m1", "m2"), relieved="m1", tasks=tasks, standstills=(still,)))
    assert [(one.machine, one.start, one.late_hours) for one in made.placed] == [("m1", 7, 6)]


def test_nothing_to_do_is_a_plan_and_so_is_what_cannot_be_put_right() -> None:
    nothing = Problem(machines=("m1",), relieved="m1", tasks=())
    assert schedule(nothing) == Plan(placed=(), optimal=True)
    clashing = Problem(machines=("m1",), relieved="m1", tasks=(task("a", "m1", 0, 5, 5), task("b", "m1", 2, 5, 7)))
    made = schedule(clashing)
    assert not clashes(clashing, made.placed)
