"""Technicians and their visits. Start with `dispatch`."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from evals.worlds.kit.timeline import now_h, plan
from evals.worlds.plant_maintenance.company import next_id
from evals.worlds.plant_maintenance.truth import TRAVEL_H, VISIT_EURO, affair_of, charge


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A technician on the way."""

    id: str
    technician_id: str
    arrives_h: float


def dispatch(db: sqlite3.Connection, machine_id: str, *, in_hours: float, hours: float) -> Visit:
    """Send whoever is there first, no sooner than asked; every visit costs, whether it is of use or not."""
    now, affair = now_h(db), affair_of(db, machine_id)
    earliest = now + max(TRAVEL_H, in_hours)
    technician, arrives = min(
        ((row["id"], _free_from(db, row, earliest, hours)) for row in db.execute("SELECT * FROM technicians")),
        key=lambda pair: (pair[1], pair[0]),
    )
    return book(db, technician, machine_id, arrives_h=arrives, hours=hours, affair=affair)


def book(
    db: sqlite3.Connection,
    technician_id: str,
    machine_id: str,
    *,
    arrives_h: float,
    hours: float,
    affair: sqlite3.Row | None,
) -> Visit:
    """Put a visit into a technician's calendar."""
    id_ = next_id(db, "visits", "visit")
    db.execute(
        "INSERT INTO visits VALUES(?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
        (id_, technician_id, machine_id, affair["id"] if affair is not None else None, now_h(db), arrives_h, hours),
    )
    charge(db, affair, VISIT_EURO)
    plan(db, arrives_h, "visit", {"visit": id_})
    return Visit(id=id_, technician_id=technician_id, arrives_h=arrives_h)


def _free_from(db: sqlite3.Connection, technician: sqlite3.Row, earliest: float, hours: float) -> float:
    """The first hour from which the technician has nothing else for so long."""
    at = max(earliest, technician["busy_until_h"])
    visits = db.execute(
        "SELECT arrives_h, hours FROM visits WHERE technician_id = ? AND done_h IS NULL ORDER BY arrives_h",
        (technician["id"],),
    )
    for row in visits:
        if row["arrives_h"] < at + hours and at < row["arrives_h"] + row["hours"]:
            at = row["arrives_h"] + row["hours"]
    return float(at)
