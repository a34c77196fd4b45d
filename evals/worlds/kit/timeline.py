"""Simulated time (hours since the world began), what is due at which hour, and events waiting to be sent."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from evals.worlds.kit.store import as_json, get_meta, set_meta


@dataclass(frozen=True, kw_only=True)
class Due:
    """Something that happens at an hour of simulated time."""

    at_h: float
    kind: str
    payload: Mapping[str, Any]


def now_h(db: sqlite3.Connection) -> float:
    """The simulated hour."""
    return float(get_meta(db, "now_h") or 0.0)


def plan(db: sqlite3.Connection, at_h: float, kind: str, payload: Mapping[str, Any]) -> None:
    """Let `kind` happen at an hour."""
    db.execute("INSERT INTO schedule(at_h, kind, payload) VALUES(?, ?, ?)", (at_h, kind, as_json(payload)))


def advance(db: sqlite3.Connection, hours: float, happen: Callable[[sqlite3.Connection, Due], None]) -> None:
    """Move time on; everything due on the way happens in time order, also what that plans in turn."""
    until = now_h(db) + hours
    while True:
        row = db.execute("SELECT * FROM schedule WHERE at_h <= ? ORDER BY at_h, id LIMIT 1", (until,)).fetchone()
        if row is None:
            break
        db.execute("DELETE FROM schedule WHERE id = ?", (row["id"],))
        set_meta(db, "now_h", repr(max(now_h(db), float(row["at_h"]))))
        happen(db, Due(at_h=row["at_h"], kind=row["kind"], payload=json.loads(row["payload"])))
    set_meta(db, "now_h", repr(until))


def cloud_event(*, id_: str, source: str, type_: str, subject: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """A CloudEvents 1.0 event in structured form; its `time` is the real time, not the simulated one."""
    return {
        "specversion": "1.0",
        "id": id_,
        "source": source,
        "type": type_,
        "subject": subject,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": dict(data),
    }


def queue_event(db: sqlite3.Connection, event: Mapping[str, Any]) -> None:
    """Leave an event for the sender."""
    db.execute("INSERT INTO outbox(event, state) VALUES(?, 'pending')", (as_json(event),))
