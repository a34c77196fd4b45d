"""What an observer of the plant sees: its whole state and the figures by which arms are compared."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from evals.worlds.kit.store import rows
from evals.worlds.kit.timeline import now_h


def state(db: sqlite3.Connection) -> dict[str, Any]:
    """All rows, jobs and shipments only as far as they are still open."""
    affairs = rows(db, "SELECT * FROM affairs ORDER BY opened_h, id")
    now = now_h(db)
    return {
        "totals": _totals(db, affairs),
        "machines": rows(db, "SELECT * FROM machines ORDER BY id"),
        "jobs": rows(db, "SELECT * FROM jobs WHERE end_h > ? ORDER BY machine_id, start_h, id", (now,)),
        "shipments": rows(
            db,
            "SELECT * FROM shipments WHERE id IN (SELECT shipment_id FROM jobs WHERE end_h > ?) ORDER BY id",
            (now,),
        ),
        "parts": rows(db, "SELECT *, on_stock - reserved AS free FROM parts ORDER BY family"),
        "reservations": rows(db, "SELECT * FROM reservations ORDER BY id"),
        "orders": rows(db, "SELECT * FROM orders ORDER BY ordered_h, id"),
        "technicians": rows(db, "SELECT * FROM technicians ORDER BY id"),
        "visits": rows(db, "SELECT * FROM visits ORDER BY booked_h, id"),
        "repairs": rows(db, "SELECT * FROM repairs ORDER BY delivered_h, order_id"),
        "affairs": affairs,
    }


def _totals(db: sqlite3.Connection, affairs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    closed = [affair for affair in affairs if affair["late"] is not None]
    return {
        "affairs": len(affairs),
        "closed": len(closed),
        "failed": sum(affair["failed_h"] is not None for affair in closed),
        "mean_downtime_hours": _mean([affair["downtime_h"] for affair in closed]),
        "mean_cost_euro": _mean([affair["cost_euro"] for affair in closed]),
        "late_deliveries": sum(affair["late"] for affair in closed),
        "orders": db.execute("SELECT count(*) FROM orders").fetchone()[0],
        "visits": db.execute("SELECT count(*) FROM visits").fetchone()[0],
    }


def _mean(values: Sequence[float]) -> float | None:
    return round(fmean(values), 2) if values else None
