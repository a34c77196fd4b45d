"""What really happens in the plant, known to the world alone: when machines fail, when parts come, what it costs.

An affair is one machine wearing out: it opens with an event and closes a week later with outcomes. Start with
`open_affair`; then `fail`, `visit`, `repaired` and `close_affair`. What suppliers do is in `supplied`.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from evals.worlds.kit.chance import chance
from evals.worlds.kit.store import get_meta
from evals.worlds.kit.timeline import now_h, plan
from evals.worlds.plant_maintenance.company import machine, part
from evals.worlds.plant_maintenance.production import sending, stand_still, waiting

LATE_SUPPLIER, DEAR_SUPPLIER = "tarvo", "quint"
LATE_FAMILIES = frozenset({"bearing", "drive", "valve"})
"""Families of which the late supplier has none on its shelf."""
EARLY_H = (0, 4)
"""Hours by which a part comes before the date promised, where nothing is wrong."""
LATE_H = (42, 62)
"""Hours by which it comes after the date promised, where something is."""
SURCHARGE = (0.45, 0.6)
"""What the dear supplier adds to the invoice, as a share of the list price."""
VISIT_EURO = 180.0
DAMAGE_H, DAMAGE_EURO = 3, 120.0
"""What a machine that broke down takes longer and costs more than one repaired in time."""
LEFT_EURO = 900.0
"""What it costs when the week ends and nobody has repaired the machine."""
TRAVEL_H = 2.0
"""What a technician needs to be there."""
WEEK_H = 120.0
"""A working week, five days and nights."""


@dataclass(frozen=True, kw_only=True)
class Affair:
    """What is known when a machine wears out."""

    id: str
    machine_id: str
    family: str
    fails_in_h: float
    life_h: float
    repair_in_h: float
    repair_hours: float


@dataclass(frozen=True, kw_only=True)
class Supplied:
    """What a supplier makes of an order."""

    hours: float
    invoice_euro: float


def open_affair(db: sqlite3.Connection, affair: Affair) -> None:
    """The machine wears out from now on, until somebody repairs it or it breaks down."""
    now, one = now_h(db), machine(db, affair.machine_id)
    shipments = waiting(db, one)
    db.execute(
        "INSERT INTO affairs"
        "(id, machine_id, family, opened_h, fails_h, planned_h, repair_hours, budget_euro, shipments) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            affair.id,
            affair.machine_id,
            affair.family,
            now,
            now + affair.fails_in_h,
            now + affair.repair_in_h,
            affair.repair_hours,
            part(db, affair.family)["price_euro"] + VISIT_EURO,
            json.dumps(shipments),
        ),
    )
    db.execute(
        "UPDATE machines SET wearing = ?, fails_h = ?, life_h = ?, repair_from_h = NULL, repair_to_h = NULL "
        "WHERE id = ?",
        (affair.family, now + affair.fails_in_h, affair.life_h, affair.machine_id),
    )
    plan(db, now + affair.fails_in_h, "fail", {"affair": affair.id})
    plan(db, now + WEEK_H, "close", {"affair": affair.id})


def affair_of(db: sqlite3.Connection, machine_id: str) -> sqlite3.Row | None:
    """The machine's newest open affair."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM affairs WHERE machine_id = ? AND closed_h IS NULL ORDER BY opened_h DESC, id DESC LIMIT 1",
        (machine_id,),
    ).fetchone()
    return row


def supplied(db: sqlite3.Connection, *, supplier: str, family: str, about: str) -> Supplied:
    """What becomes of an order. Luck belongs to what it is about, not to the supplier, so that arms can be compared."""
    row, luck = part(db, family), chance(_seed(db), "order", about)
    early, late, more = luck.randint(*EARLY_H), luck.randint(*LATE_H), luck.uniform(*SURCHARGE)
    is_late = supplier == LATE_SUPPLIER and family in LATE_FAMILIES
    share = more if supplier == DEAR_SUPPLIER else 0.0
    return Supplied(
        hours=row["promised_h"] + (late if is_late else -early),
        invoice_euro=round(row["price_euro"] * (1.0 + share), 2),
    )


def charge(db: sqlite3.Connection, affair: sqlite3.Row | None, euro: float) -> None:
    """Somebody has to pay."""
    if affair is not None:
        db.execute("UPDATE affairs SET cost_euro = cost_euro + ? WHERE id = ?", (euro, affair["id"]))


def fail(db: sqlite3.Connection, affair_id: str) -> None:
    """The worn machine breaks down, unless it was repaired or is being repaired."""
    affair = _affair(db, affair_id)
    if affair is None or affair["repaired_h"] is not None or affair["closed_h"] is not None:
        return
    if machine(db, affair["machine_id"])["down_since_h"] is not None:
        return
    now = now_h(db)
    db.execute("UPDATE affairs SET failed_h = ? WHERE id = ?", (now, affair_id))
    db.execute("UPDATE machines SET down_since_h = ? WHERE id = ?", (now, affair["machine_id"]))
    charge(db, affair, DAMAGE_EURO)


def visit(db: sqlite3.Connection, visit_id: str) -> None:
    """A technician arrives: the repair begins if the right part is there and the machine still needs it."""
    row = db.execute("SELECT * FROM visits WHERE id = ?", (visit_id,)).fetchone()
    affair = None if row is None else affair_of(db, row["machine_id"])
    if row is None or affair is None or affair["repaired_h"] is not None:
        _end_visit(db, visit_id, "nothing to repair")
        return
    held = _held(db, affair)
    if held is None:
        _end_visit(db, visit_id, "the part is missing")
        return
    if is_repairing(db, affair["machine_id"]):
        _end_visit(db, visit_id, "somebody else is at it")
        return
    now = now_h(db)
    hours = affair["repair_hours"] + (DAMAGE_H if affair["failed_h"] is not None else 0)
    db.execute("UPDATE visits SET result = 'repairing', affair_id = ? WHERE id = ?", (affair["id"], visit_id))
    db.execute("UPDATE reservations SET used_h = ? WHERE id = ?", (now, held["id"]))
    db.execute("UPDATE parts SET on_stock = on_stock - 1, reserved = reserved - 1 WHERE family = ?", (held["family"],))
    db.execute("UPDATE machines SET down_since_h = coalesce(down_since_h, ?) WHERE id = ?", (now, affair["machine_id"]))
    plan(db, now + hours, "repaired", {"affair": affair["id"], "visit": visit_id})


def repaired(db: sqlite3.Connection, affair_id: str, visit_id: str | None) -> None:
    """The machine runs again, as good as new."""
    affair = _affair(db, affair_id)
    if visit_id is not None:
        _end_visit(db, visit_id, "repaired")
    if affair is None or affair["repaired_h"] is not None:
        return
    now, one = now_h(db), machine(db, affair["machine_id"])
    since = one["down_since_h"] if one["down_since_h"] is not None else now
    stand_still(db, one["id"], since, now)
    db.execute(
        "UPDATE machines SET wearing = NULL, fails_h = NULL, life_h = NULL, down_since_h = NULL, "
        "repair_from_h = NULL, repair_to_h = NULL WHERE id = ?",
        (one["id"],),
    )
    db.execute("UPDATE affairs SET repaired_h = ?, downtime_h = ? WHERE id = ?", (now, now - since, affair_id))


def is_repairing(db: sqlite3.Connection, machine_id: str) -> bool:
    """Whether a technician is at it."""
    found = "SELECT 1 FROM visits WHERE machine_id = ? AND result = 'repairing'"
    return db.execute(found, (machine_id,)).fetchone() is not None


def close_affair(db: sqlite3.Connection, affair_id: str) -> sqlite3.Row | None:
    """The week is over: what is still broken is repaired at any price; gives the affair, None if it is closed."""
    affair = _affair(db, affair_id)
    if affair is None or affair["closed_h"] is not None:
        return None
    if affair["repaired_h"] is None:
        charge(db, affair, LEFT_EURO)
        repaired(db, affair_id, None)
    late = sum(
        sending(db, row).late
        for id_ in json.loads(affair["shipments"])
        for row in db.execute("SELECT * FROM shipments WHERE id = ?", (id_,))
    )
    db.execute("UPDATE affairs SET closed_h = ?, late = ? WHERE id = ?", (now_h(db), late, affair_id))
    return _affair(db, affair_id)


def _held(db: sqlite3.Connection, affair: sqlite3.Row) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM reservations WHERE machine_id = ? AND family = ? AND used_h IS NULL ORDER BY id LIMIT 1",
        (affair["machine_id"], affair["family"]),
    ).fetchone()
    return row


def _end_visit(db: sqlite3.Connection, visit_id: str, result: str) -> None:
    db.execute("UPDATE visits SET done_h = ?, result = ? WHERE id = ?", (now_h(db), result, visit_id))


def _affair(db: sqlite3.Connection, id_: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute("SELECT * FROM affairs WHERE id = ?", (id_,)).fetchone()
    return row


def _seed(db: sqlite3.Connection) -> str:
    return get_meta(db, "seed") or "0"
