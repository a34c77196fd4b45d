"""Spare parts: what lies in the stockroom, what is reserved for a machine, what is on order. Start with `reserve`."""

from __future__ import annotations

import sqlite3

from evals.worlds.kit.store import life
from evals.worlds.kit.timeline import cloud_event, now_h, plan, queue_event
from evals.worlds.plant_maintenance.company import machine, next_id, part
from evals.worlds.plant_maintenance.repairs import follow, repair_window
from evals.worlds.plant_maintenance.truth import affair_of, charge, supplied

STORE_SOURCE = "/worlds/plant_maintenance/stockroom"
DELIVERED = "part.delivered"


def free(row: sqlite3.Row) -> int:
    """Pieces on stock that nobody has reserved."""
    return int(row["on_stock"] - row["reserved"])


def reserve(db: sqlite3.Connection, machine_id: str, family: str) -> int | None:
    """Keep a piece for a machine; None where none is free."""
    row, affair = part(db, family), affair_of(db, machine_id)
    if free(row) < 1:
        return None
    charge(db, affair, row["price_euro"])
    return _hold(db, machine_id, family, affair, None)


def order(db: sqlite3.Connection, machine_id: str, family: str, supplier: str, hours: float | None = None) -> str:
    """Order a piece for a machine; it comes when the supplier makes it come, or in `hours`."""
    now, affair, row = now_h(db), affair_of(db, machine_id), part(db, family)
    id_ = next_id(db, "orders", "order")
    made = supplied(db, supplier=supplier, family=family, about=affair["id"] if affair is not None else id_)
    arrives = now + (made.hours if hours is None else hours)
    db.execute(
        "INSERT INTO orders VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
        (
            id_,
            machine_id,
            family,
            supplier,
            affair["id"] if affair is not None else None,
            now,
            now + row["promised_h"],
            arrives,
            made.invoice_euro,
        ),
    )
    charge(db, affair, made.invoice_euro)
    plan(db, arrives, "deliver", {"order": id_})
    return id_


def deliver(db: sqlite3.Connection, order_id: str) -> None:
    """The part comes, is kept for its machine, and Segue is told."""
    row = take_in(db, order_id)
    if row is not None:
        id_ = f"delivered-{life(db)}-{order_id}"
        data = delivery(db, row)
        queue_event(
            db, cloud_event(id_=id_, source=STORE_SOURCE, type_=DELIVERED, subject=row["machine_id"], data=data)
        )


def take_in(db: sqlite3.Connection, order_id: str) -> sqlite3.Row | None:
    """Put the ordered part on stock, reserved; None if it came before."""
    row: sqlite3.Row | None = db.execute("SELECT * FROM orders WHERE id = ?", (order_id,)).fetchone()
    if row is None or row["delivered_h"] is not None:
        return None
    db.execute("UPDATE orders SET delivered_h = ? WHERE id = ?", (now_h(db), order_id))
    db.execute("UPDATE parts SET on_stock = on_stock + 1 WHERE family = ?", (row["family"],))
    _hold(db, row["machine_id"], row["family"], affair_of(db, row["machine_id"]), order_id)
    follow(db, row)
    return row


def delivery(db: sqlite3.Connection, order: sqlite3.Row) -> dict[str, object]:
    """What is told of a delivered part."""
    one, window = machine(db, order["machine_id"]), repair_window(db, order["machine_id"])
    return {
        "order_id": order["id"],
        "machine_kind": one["kind"],
        "line": one["line"],
        "part_family": order["family"],
        "supplier": order["supplier"],
        "hours_late": round(max(0.0, now_h(db) - order["promised_h"]), 1),
        "repair_in_hours": window.start,
        "repair_hours": window.hours,
    }


def _hold(
    db: sqlite3.Connection, machine_id: str, family: str, affair: sqlite3.Row | None, order_id: str | None
) -> int:
    db.execute("UPDATE parts SET reserved = reserved + 1 WHERE family = ?", (family,))
    added = db.execute(
        "INSERT INTO reservations(machine_id, family, affair_id, order_id, at_h) VALUES(?, ?, ?, ?, ?)",
        (machine_id, family, affair["id"] if affair is not None else None, order_id, now_h(db)),
    )
    return int(added.lastrowid or 0)
