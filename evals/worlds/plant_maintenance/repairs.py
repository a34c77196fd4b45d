"""What becomes of a delivered part: whether the machine is repaired with it, how soon, and what it cost in late jobs.

Start with `follow`, when the part has come; `finish`, when a repair is done; and `close`, which tells how it went.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evals.worlds.kit.timeline import now_h, plan
from evals.worlds.plant_maintenance.company import machine
from evals.worlds.plant_maintenance.production import Window, replan
from evals.worlds.plant_maintenance.truth import DAMAGE_H, TRAVEL_H, affair_of, is_repairing

CLOSED_AFTER_H = 4.0
"""From the end of a repair until its papers are closed."""
LIMIT_H = 72.0
"""From the delivery until they are closed where nobody has begun to repair."""
CLOSE = "close repair"


@dataclass(frozen=True, kw_only=True)
class Closed:
    """A delivered part's repair, done or not."""

    order_id: str
    machine_id: str
    data: Mapping[str, Any]


def repair_window(db: sqlite3.Connection, machine_id: str) -> Window:
    """The repair is meant for the hour agreed or, where that has gone, as soon as a technician can be there."""
    now, one, affair = now_h(db), machine(db, machine_id), affair_of(db, machine_id)
    agreed = one["repair_from_h"] or (affair["planned_h"] if affair is not None else now)
    return Window(
        start=round(max(TRAVEL_H, agreed - now), 1), hours=affair["repair_hours"] if affair is not None else 6.0
    )


def follow(db: sqlite3.Connection, order: sqlite3.Row) -> None:
    """Keep an eye on a part that has just come, if the machine waits for it."""
    affair, id_ = affair_of(db, order["machine_id"]), order["machine_id"]
    if affair is None or affair["family"] != order["family"] or affair["repaired_h"] is not None:
        return
    if is_repairing(db, id_):
        return
    now = now_h(db)
    jobs, late = _at_stake(db, id_) if now > order["promised_h"] else ([], 0)
    row = (order["id"], id_, affair["id"], order["family"], now, json.dumps(jobs), late)
    db.execute("INSERT INTO repairs VALUES(?, ?, ?, ?, ?, ?, ?, NULL)", row)
    plan(db, now + LIMIT_H, CLOSE, {"order": order["id"]})


def finish(db: sqlite3.Connection, visit_id: str) -> None:
    """A technician has repaired the machine: the papers of the parts it waited for are closed soon."""
    waiting = "SELECT order_id FROM repairs JOIN visits USING(machine_id) WHERE visits.id = ? AND closed_h IS NULL"
    for row in db.execute(waiting, (visit_id,)).fetchall():
        plan(db, now_h(db) + CLOSED_AFTER_H, CLOSE, {"order": row["order_id"]})


def close(db: sqlite3.Connection, order_id: str) -> Closed | None:
    """How it went, once; None while the repair goes on, and where a later delivery for the machine took its place."""
    row = db.execute("SELECT * FROM repairs WHERE order_id = ?", (order_id,)).fetchone()
    if row is None or row["closed_h"] is not None or is_repairing(db, row["machine_id"]):
        return None
    db.execute("UPDATE repairs SET closed_h = ? WHERE order_id = ?", (now_h(db), order_id))
    if _is_replaced(db, row):
        return None
    data = {
        "order_id": order_id,
        "part_family": row["family"],
        **_repair(db, row),
        "jobs_late": max(0, _late(db, row["jobs"]) - row["late_at_best"]),
    }
    return Closed(order_id=order_id, machine_id=row["machine_id"], data=data)


def _at_stake(db: sqlite3.Connection, machine_id: str) -> tuple[list[str], int]:
    """The cell's jobs now that the part came late, and how many the best plan leaves late; none if it moves none."""
    best = replan(db, machine(db, machine_id), repair_window(db, machine_id))
    if not best.moved:
        return [], 0
    return [one.task.id for one in best.placed], len(best.late)


def _repair(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    """Whether and when technicians were there; they may have been sent before the part came."""
    came = row["delivered_h"]
    visits = db.execute(
        "SELECT * FROM visits WHERE machine_id = ? AND arrives_h >= ? ORDER BY arrives_h, id",
        (row["machine_id"], came),
    ).fetchall()
    used = next((visit for visit in visits if visit["result"] == "repaired"), None)
    until = used["arrives_h"] if used is not None else now_h(db)
    failed = db.execute("SELECT failed_h FROM affairs WHERE id = ?", (row["affair_id"],)).fetchone()["failed_h"]
    return {
        "repaired": used is not None,
        "waited_hours": round(until - came, 1),
        "down_hours": round(until - max(came, failed), 1) if failed is not None else 0.0,
        "visits": len(visits),
    }


def _late(db: sqlite3.Connection, jobs: str) -> int:
    """Beyond the hours that a broken machine's repair takes longer than anybody was told."""
    found = "SELECT count(*) FROM jobs WHERE id IN (SELECT value FROM json_each(?)) AND end_h > due_h + ?"
    late: int = db.execute(found, (jobs, DAMAGE_H + 1e-6)).fetchone()[0]
    return late


def _is_replaced(db: sqlite3.Connection, row: sqlite3.Row) -> bool:
    later = (
        "SELECT 1 FROM orders later JOIN orders own ON own.id = ? WHERE later.machine_id = own.machine_id "
        "AND (later.delivered_h, later.rowid) > (own.delivered_h, own.rowid) LIMIT 1"
    )
    return db.execute(later, (row["order_id"],)).fetchone() is not None
