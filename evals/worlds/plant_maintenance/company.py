"""The plant at hour 0: its tables and how they are filled. Start with `found`."""

from __future__ import annotations

import sqlite3

from evals.worlds.kit.chance import chance
from evals.worlds.kit.problems import ProblemError
from evals.worlds.plant_maintenance.catalogue import FAULTS, KINDS, LINES, MACHINES_PER_CELL, cell_name

PROMISED_H = 24.0
"""Lead time that both suppliers promise for every part."""
TECHNICIANS = ("tech-1", "tech-2", "tech-3", "tech-4", "tech-5", "tech-6", "tech-7", "tech-8")

SCHEMA = """
CREATE TABLE IF NOT EXISTS machines(
  id TEXT PRIMARY KEY, kind TEXT, line TEXT, cell TEXT, wearing TEXT, fails_h REAL, life_h REAL, down_since_h REAL,
  repair_from_h REAL, repair_to_h REAL);
CREATE INDEX IF NOT EXISTS machines_of ON machines(cell);
CREATE TABLE IF NOT EXISTS jobs(
  id TEXT PRIMARY KEY, machine_id TEXT, start_h REAL, end_h REAL, due_h REAL, begun INTEGER DEFAULT 0,
  shipment_id TEXT);
CREATE INDEX IF NOT EXISTS jobs_on ON jobs(machine_id, end_h);
CREATE INDEX IF NOT EXISTS jobs_in ON jobs(shipment_id);
CREATE TABLE IF NOT EXISTS shipments(id TEXT PRIMARY KEY, customer TEXT, promised_h REAL, first_promised_h REAL);
CREATE TABLE IF NOT EXISTS parts(
  family TEXT PRIMARY KEY, on_stock INTEGER, reserved INTEGER, price_euro REAL, promised_h REAL);
CREATE TABLE IF NOT EXISTS reservations(
  id INTEGER PRIMARY KEY, machine_id TEXT, family TEXT, affair_id TEXT, order_id TEXT, at_h REAL, used_h REAL);
CREATE TABLE IF NOT EXISTS orders(
  id TEXT PRIMARY KEY, machine_id TEXT, family TEXT, supplier TEXT, affair_id TEXT, ordered_h REAL, promised_h REAL,
  arrives_h REAL, invoice_euro REAL, delivered_h REAL);
CREATE TABLE IF NOT EXISTS technicians(id TEXT PRIMARY KEY, busy_until_h REAL);
CREATE TABLE IF NOT EXISTS visits(
  id TEXT PRIMARY KEY, technician_id TEXT, machine_id TEXT, affair_id TEXT, booked_h REAL, arrives_h REAL, hours REAL,
  done_h REAL, result TEXT);
CREATE TABLE IF NOT EXISTS repairs(
  order_id TEXT PRIMARY KEY, machine_id TEXT, affair_id TEXT, family TEXT, delivered_h REAL, jobs TEXT,
  late_at_best INTEGER, closed_h REAL);
CREATE TABLE IF NOT EXISTS affairs(
  id TEXT PRIMARY KEY, machine_id TEXT, family TEXT, opened_h REAL, fails_h REAL, planned_h REAL,
  repair_hours REAL, budget_euro REAL, shipments TEXT, failed_h REAL, repaired_h REAL,
  downtime_h REAL DEFAULT 0, cost_euro REAL DEFAULT 0, closed_h REAL, late INTEGER);
CREATE INDEX IF NOT EXISTS affairs_of ON affairs(machine_id, opened_h);
"""


def found(db: sqlite3.Connection, *, seed: int) -> None:
    """Machines, stock and technicians, the same for the same seed. Jobs come with the first events."""
    random = chance("plant", seed)
    number = 0
    for line in LINES:
        for kind in KINDS:
            for _ in range(MACHINES_PER_CELL):
                number += 1
                add_machine(db, f"mach-{number:02d}", kind, line)
    for fault in FAULTS:
        row = (fault.part_family, random.choice((0, 0, 1)), fault.price_euro, PROMISED_H)
        db.execute("INSERT INTO parts VALUES(?, ?, 0, ?, ?)", row)
    db.executemany("INSERT INTO technicians VALUES(?, 0.0)", [(name,) for name in TECHNICIANS])


def add_machine(db: sqlite3.Connection, id_: str, kind: str, line: str) -> None:
    """A machine that is well and has nothing to do."""
    db.execute(
        "INSERT INTO machines(id, kind, line, cell) VALUES(?, ?, ?, ?)", (id_, kind, line, cell_name(kind, line))
    )


def machine(db: sqlite3.Connection, id_: str) -> sqlite3.Row:
    """A machine. Raises `ProblemError`."""
    row: sqlite3.Row | None = db.execute("SELECT * FROM machines WHERE id = ?", (id_,)).fetchone()
    if row is None:
        raise ProblemError(404, f"There is no machine {id_!r}.")
    return row


def part(db: sqlite3.Connection, family: str) -> sqlite3.Row:
    """The part of a family. Raises `ProblemError`."""
    row: sqlite3.Row | None = db.execute("SELECT * FROM parts WHERE family = ?", (family,)).fetchone()
    if row is None:
        known = ", ".join(fault.part_family for fault in FAULTS)
        raise ProblemError(404, f"There is no part of the family {family!r}. Known: {known}.")
    return row


def next_id(db: sqlite3.Connection, table: str, prefix: str) -> str:
    """The next free id of a table that only grows."""
    count: int = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 (names are our own)
    while True:
        count += 1
        id_ = f"{prefix}-{count:05d}"
        if db.execute(f"SELECT 1 FROM {table} WHERE id = ?", (id_,)).fetchone() is None:  # noqa: S608
            return id_
