"""The production planner's arithmetic: jobs on machines that do each other's work (CP-SAT). Start with `schedule`.

Hours are whole and count from the moment of planning. What is planned already stays as it is unless being late or a
machine that stands still makes it worth changing; only jobs of the machine asked about may go to another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

LATE_HOUR, MOVED, RETIMED, WAITING_HOUR = 1_000, 20, 10, 1
"""What an hour late, another machine, another time and an hour later than planned count."""
EFFORT = 0.02
"""Deterministic time of the solver: the same problem gives the same plan on every machine."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One job as it is planned now."""

    id: str
    machine: str
    start: int
    hours: int
    due: int
    """When it must have ended not to be late."""
    pinned: bool
    """It has begun: it stays on its machine and goes on as soon as that runs."""


@dataclass(frozen=True, kw_only=True)
class Standstill:
    """A time in which a machine does nothing."""

    machine: str
    start: int
    hours: int


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is to be planned; equal problems are solved once."""

    machines: tuple[str, ...]
    relieved: str
    """The machine asked about: its jobs may go to another one."""
    tasks: tuple[Task, ...]
    standstills: tuple[Standstill, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A job in the new plan."""

    task: Task
    machine: str
    start: int

    @property
    def end(self) -> int:
        """When it will have ended."""
        return self.start + self.task.hours

    @property
    def late_hours(self) -> int:
        """Hours beyond its due date."""
        return max(0, self.end - self.task.due)

    @property
    def changed(self) -> bool:
        """Whether it is another plan for this job."""
        return self.machine != self.task.machine or self.start != self.task.start


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The plan that is made, and whether no better one exists."""

    placed: tuple[Placed, ...]
    optimal: bool

    @property
    def moved(self) -> tuple[Placed, ...]:
        """Jobs with another machine or time than before."""
        return tuple(one for one in self.placed if one.changed)

    @property
    def late(self) -> tuple[Placed, ...]:
        """Jobs that end after their due date."""
        return tuple(one for one in self.placed if one.late_hours)

    @property
    def late_hours(self) -> int:
        """Over all jobs."""
        return sum(one.late_hours for one in self.placed)


@lru_cache(maxsize=512)
def schedule(problem: Problem) -> Plan:
    """The plan with the fewest hours late, then the fewest changes."""
    if not problem.tasks:
        return Plan(placed=(), optimal=True)
    # Imported only where something is planned: the library takes a while to load.
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    drawn = _Drawing(model, problem)
    model.minimize(sum(drawn.costs))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    solver.parameters.linearization_level = 0
    solver.parameters.max_deterministic_time = EFFORT
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Plan(placed=_one_after_another(problem), optimal=False)
    placed = [
        Placed(
            task=task,
            machine=next(name for name, chosen in drawn.on[task.id].items() if solver.value(chosen)),
            start=int(solver.value(drawn.starts[task.id])),
        )
        for task in problem.tasks
    ]
    return Plan(placed=tuple(placed), optimal=status == cp_model.OPTIMAL)


class _Drawing:
    """The problem in the solver's terms."""

    def __init__(self, model: Any, problem: Problem) -> None:
        self.model = model
        self.starts: dict[str, Any] = {}
        self.on: dict[str, dict[str, Any]] = {}
        self.costs: list[Any] = []
        self._horizon = _horizon(problem)
        self._relieved = problem.relieved
        self._busy: dict[str, list[Any]] = {name: [] for name in problem.machines}
        for number, still in enumerate(problem.standstills):
            if still.machine in self._busy and still.hours > 0:
                fixed = model.new_fixed_size_interval_var(still.start, still.hours, f"still{number}")
                self._busy[still.machine].append(fixed)
        for task in problem.tasks:
            self._draw(task)
        for intervals in self._busy.values():
            model.add_no_overlap(intervals)

    def _draw(self, task: Task) -> None:
        model, horizon = self.model, self._horizon
        start = model.new_int_var(0, horizon - task.hours, f"start-{task.id}")
        stays = task.pinned or task.machine != self._relieved
        machines = [task.machine] if stays else list(self._busy)
        self.starts[task.id], self.on[task.id] = start, {}
        for name in machines:
            chosen = model.new_bool_var(f"{task.id}-{name}")
            interval = model.new_optional_fixed_size_interval_var(start, task.hours, chosen, f"{task.id}-on-{name}")
            self._busy[name].append(interval)
            self.on[task.id][name] = chosen
            model.add_hint(chosen, name == task.machine)
        model.add_exactly_one(self.on[task.id].values())
        model.add_hint(start, task.start)
        late = model.new_int_var(0, max(0, horizon - task.due), f"late-{task.id}")
        model.add(late >= start + task.hours - task.due)
        waiting = model.new_int_var(0, horizon, f"waiting-{task.id}")
        model.add(waiting >= start - task.start)
        retimed = model.new_bool_var(f"retimed-{task.id}")
        model.add(start == task.start).only_enforce_if(retimed.negated())
        moved = sum(chosen for name, chosen in self.on[task.id].items() if name != task.machine)
        self.costs += [LATE_HOUR * late, WAITING_HOUR * waiting, RETIMED * retimed, MOVED * moved]


def _horizon(problem: Problem) -> int:
    """Late enough for a plan that changes nothing but the jobs of machines that stand still, which come last."""
    still = max((one.start + one.hours for one in problem.standstills), default=0)
    planned = max((task.start + task.hours for task in problem.tasks), default=0)
    standing = {one.machine for one in problem.standstills}
    return max(still, planned) + sum(task.hours for task in problem.tasks if task.machine in standing)


def _one_after_another(problem: Problem) -> tuple[Placed, ...]:
    """A plan that always exists: every machine's jobs in their order, from the end of its last standstill."""
    free = dict.fromkeys(problem.machines, 0)
    for still in problem.standstills:
        free[still.machine] = max(free.get(still.machine, 0), still.start + still.hours)
    placed: list[Placed] = []
    for task in sorted(problem.tasks, key=lambda task: (task.start, task.id)):
        start = max(free.get(task.machine, 0), task.start)
        free[task.machine] = start + task.hours
        placed.append(Placed(task=task, machine=task.machine, start=start))
    return tuple(placed)
