"""How worn a machine is at an hour, and which stream of readings is its own."""

from __future__ import annotations

import sqlite3

from evals.worlds.kit.store import get_meta
from evals.worlds.plant_maintenance.sensors import WELL, Condition


def present(machine: sqlite3.Row, at_h: float) -> Condition:
    """From what is known of its failure to come."""
    if machine["wearing"] is None:
        return WELL
    left = max(0.0, machine["fails_h"] - at_h)
    return Condition(
        part_family=machine["wearing"], wear=max(0.0, 1.0 - left / machine["life_h"]), life_h=machine["life_h"]
    )


def stream(db: sqlite3.Connection, machine: sqlite3.Row) -> str:
    """The name of the machine's noise."""
    return f"{get_meta(db, 'seed')}/{machine['id']}"
