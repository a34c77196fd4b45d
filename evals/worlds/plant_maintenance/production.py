"""The production plan: jobs of customers' shipments on the machines of a cell. Start with `replan`, then `commit`."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass

from evals.worlds.kit.chance import chance
from evals.worlds.kit.timeline import now_h
from evals.worlds.plant_maintenance.catalogue import CUSTOMERS
from evals.worlds.plant_maintenance.scheduler import Placed, Plan, Problem, Standstill, Task, schedule

AHEAD_H = 42.0
"""How far ahead a machine's order book is filled."""
JOB_H = (6, 14)
GAP_H = (0, 1)
SLACK_H = (1, 12)
"""Hours between the planned end of a job and the date promised, handling included."""
HANDLING_H = 2.0
"""From the end of the last job of a shipment until it leaves."""
UNKNOWN_REPAIR_H = 24
"""How long a machine that broke down is taken to stand still where nobody has said so."""
SHARED_SHIPMENT = 0.25
"""Share of jobs that leave together with the machine's job before."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """When a machine is meant to stand still for its repair, in hours from now."""

    start: float
    hours: float


@dataclass(frozen=True, kw_only=True)
class Sending:
    """A shipment and when it can leave."""

    id: str
    customer: str
    promised_h: float
    expected_h: float

    @property
    def late(self) -> bool:
        """Whether it leaves after the date promised."""
        return self.expected_h > self.promised_h + 1e-6


def fill_cell(db: sqlite3.Connection, cell: str, about: str) -> None:
    """Give every machine of the cell work for the coming days; seeded by what it is about."""
    for row in db.execute("SELECT id FROM machines WHERE cell = ? ORDER BY id", (cell,)).fetchall():
        _fill_machine(db, row["id"], about)


def replan(db: sqlite3.Connection, machine: sqlite3.Row, window: Window) -> Plan:
    """The plan the cell would have with the machine down in the window. Changes nothing."""
    origin = _origin(db)
    machines = db.execute("SELECT * FROM machines WHERE cell = ? ORDER BY id", (machine["cell"],)).fetchall()
    still: list[Standstill] = []
    tasks: list[Task] = []
    for one in machines:
        still += _standstill(one, origin, window if one["id"] == machine["id"] else None)
        tasks += _tasks(db, one, origin)
    return schedule(
        Problem(
            machines=tuple(one["id"] for one in machines),
            relieved=machine["id"],
            tasks=tuple(tasks),
            standstills=tuple(still),
        )
    )


def commit(db: sqlite3.Connection, machine: sqlite3.Row, window: Window, plan: Plan) -> None:
    """Make the plan the one that holds, and the window the time of the repair."""
    origin = _origin(db)
    db.execute(
        "UPDATE machines SET repair_from_h = ?, repair_to_h = ? WHERE id = ?",
        (origin + math.floor(window.start), origin + math.floor(window.start) + math.ceil(window.hours), machine["id"]),
    )
    for one in plan.moved:
        start = origin + one.start
        db.execute(
            "UPDATE jobs SET machine_id = ?, start_h = ?, end_h = ?, begun = ? WHERE id = ?",
            (one.machine, start, start + one.task.hours, one.task.pinned, one.task.id),
        )


def waiting(db: sqlite3.Connection, machine: sqlite3.Row) -> list[str]:
    """Ids of open shipments with a job on the machine, or with one that was moved away since its trouble began."""
    rows = db.execute(
        "SELECT id FROM shipments WHERE id IN (SELECT shipment_id FROM jobs WHERE machine_id = ?1 AND end_h > ?2) "
        "OR id IN (SELECT e.value FROM affairs a, json_each(a.shipments) e JOIN jobs j ON j.shipment_id = e.value "
        "WHERE a.machine_id = ?1 AND a.closed_h IS NULL AND j.end_h > ?2) ORDER BY promised_h, id",
        (machine["id"], now_h(db)),
    )
    return [row["id"] for row in rows]


def sendings(db: sqlite3.Connection, machine: sqlite3.Row, plan: Plan) -> list[Sending]:
    """Shipments that wait for the machine, and those of its cell that the plan makes late, as the plan has them."""
    rows = db.execute(
        "SELECT * FROM shipments WHERE id IN (SELECT shipment_id FROM jobs j JOIN machines m ON m.id = j.machine_id "
        "WHERE m.cell = ? AND j.end_h > ?) ORDER BY promised_h, id",
        (machine["cell"], now_h(db)),
    ).fetchall()
    own, placed = set(waiting(db, machine)), {one.task.id: one for one in plan.placed}
    found = [sending(db, row, placed) for row in rows]
    return [one for one in found if one.id in own or one.late]


def sending(db: sqlite3.Connection, row: sqlite3.Row, placed: dict[str, Placed] | None = None) -> Sending:
    """One shipment with the hour at which it leaves."""
    origin, planned = _origin(db), placed or {}
    jobs = db.execute("SELECT id, end_h FROM jobs WHERE shipment_id = ?", (row["id"],)).fetchall()
    ends = [
        origin + planned[job["id"]].end if job["id"] in planned and planned[job["id"]].changed else job["end_h"]
        for job in jobs
    ]
    return Sending(
        id=row["id"],
        customer=row["customer"],
        promised_h=row["promised_h"],
        expected_h=max(ends, default=0.0) + HANDLING_H,
    )


def promise(db: sqlite3.Connection, shipment: str, at_h: float) -> None:
    """Tell a customer another date; the jobs' due dates follow."""
    db.execute("UPDATE shipments SET promised_h = ? WHERE id = ?", (at_h, shipment))
    db.execute("UPDATE jobs SET due_h = ? WHERE shipment_id = ?", (at_h - HANDLING_H, shipment))


def stand_still(db: sqlite3.Connection, machine: str, from_h: float, to_h: float) -> None:
    """The machine did nothing in between: its jobs go on afterwards, in their order."""
    free = to_h
    jobs = db.execute(
        "SELECT * FROM jobs WHERE machine_id = ? AND end_h > ? ORDER BY start_h, id", (machine, from_h)
    ).fetchall()
    for job in jobs:
        left = job["end_h"] - max(job["start_h"], from_h)
        start = job["start_h"] if job["start_h"] < from_h else max(job["start_h"], free)
        end = max(start, free) + left
        db.execute("UPDATE jobs SET start_h = ?, end_h = ? WHERE id = ?", (start, end, job["id"]))
        free = end


def _fill_machine(db: sqlite3.Connection, machine: str, about: str) -> None:
    now = now_h(db)
    last: float = db.execute("SELECT coalesce(max(end_h), 0) FROM jobs WHERE machine_id = ?", (machine,)).fetchone()[0]
    at, random = math.ceil(max(last, now)), chance("jobs", about, machine)
    shipment: str | None = None
    number = 0
    while at < now + AHEAD_H:
        number += 1
        start = at + random.randint(*GAP_H)
        end = start + random.randint(*JOB_H)
        promised = end + HANDLING_H + random.randint(*SLACK_H)
        id_ = f"job-{machine}-{about}-{number}"
        if shipment is None or random.random() >= SHARED_SHIPMENT:
            shipment = f"ship-{machine}-{about}-{number}"
            row = (shipment, random.choice(CUSTOMERS), promised, promised)
            db.execute("INSERT INTO shipments VALUES(?, ?, ?, ?)", row)
        job = (id_, machine, start, end, promised - HANDLING_H, shipment)
        db.execute("INSERT INTO jobs VALUES(?, ?, ?, ?, ?, 0, ?)", job)
        db.execute(
            "UPDATE shipments SET promised_h = max(promised_h, ?1), first_promised_h = max(promised_h, ?1) "
            "WHERE id = ?2",
            (promised, shipment),
        )
        at = end


def _tasks(db: sqlite3.Connection, machine: sqlite3.Row, origin: int) -> list[Task]:
    """Jobs that have not ended; one that was under way when its machine broke down has its rest left."""
    now = now_h(db)
    stopped = min(now, machine["down_since_h"]) if machine["down_since_h"] is not None else now
    found = db.execute(
        "SELECT j.*, s.promised_h FROM jobs j LEFT JOIN shipments s ON s.id = j.shipment_id "
        "WHERE j.machine_id = ? AND j.end_h > ? ORDER BY j.start_h, j.id",
        (machine["id"], stopped),
    ).fetchall()
    tasks: list[Task] = []
    for job in found:
        begun = bool(job["begun"]) or job["start_h"] < stopped
        left = job["end_h"] - max(job["start_h"], stopped)
        tasks.append(
            Task(
                id=job["id"],
                machine=machine["id"],
                start=max(0, math.ceil(job["start_h"]) - origin),
                hours=max(1, math.ceil(left - 1e-9)),
                due=math.floor(job["due_h"]) - origin,
                pinned=begun,
            )
        )
    return tasks


def _standstill(machine: sqlite3.Row, origin: int, asked: Window | None) -> list[Standstill]:
    """When a machine of the cell does nothing: as asked, as agreed before, or because it broke down."""
    down = machine["down_since_h"] is not None
    if asked is not None:
        first = math.floor(asked.start)
        end = first + math.ceil(asked.hours)
        start = 0 if down else first
    elif machine["repair_to_h"] is not None and machine["repair_to_h"] > origin:
        start = 0 if down else max(0, math.floor(machine["repair_from_h"]) - origin)
        end = math.ceil(machine["repair_to_h"]) - origin
    elif down:
        start, end = 0, UNKNOWN_REPAIR_H
    else:
        return []
    return [Standstill(machine=machine["id"], start=start, hours=end - start)]


def _origin(db: sqlite3.Connection) -> int:
    """The whole hour from which plans are made."""
    return math.ceil(now_h(db) - 1e-9)
