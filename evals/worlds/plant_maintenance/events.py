"""The seeded generator of events; what an event refers to exists once it is made. Start with `EventMaker.make`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from evals.worlds.kit.chance import chance
from evals.worlds.kit.store import get_meta
from evals.worlds.kit.timeline import cloud_event, now_h
from evals.worlds.plant_maintenance.catalogue import BY_FAMILY, FAMILIES, INSPECTORS, REMARKS, SUPPLIERS
from evals.worlds.plant_maintenance.company import machine, part
from evals.worlds.plant_maintenance.condition import present, stream
from evals.worlds.plant_maintenance.predictor import Prediction, Predictor
from evals.worlds.plant_maintenance.production import fill_cell
from evals.worlds.plant_maintenance.repairs import LIMIT_H
from evals.worlds.plant_maintenance.sensors import readings
from evals.worlds.plant_maintenance.stockroom import DELIVERED, STORE_SOURCE, delivery, free, order, take_in
from evals.worlds.plant_maintenance.truth import VISIT_EURO, Affair, open_affair

SOURCE = "/worlds/plant_maintenance"
PREDICTOR_SOURCE = f"{SOURCE}/predictor"
OFFICE_SOURCE = f"{SOURCE}/office"

PREDICTED = "machine.failure.predicted"
PASSED = "machine.inspection.passed"
WEEK_CLOSED = "machine.week.closed"
DELIVERY_CLOSED = "delivery.closed"
REPAIR_CLOSED = "repair.closed"

SHORT = {
    PREDICTED: "alarm",
    PASSED: "inspection",
    DELIVERED: "delivery",
    WEEK_CLOSED: "week",
    DELIVERY_CLOSED: "shipping",
    REPAIR_CLOSED: "repair",
}
LIFE_H = (150, 260)
FAILS_IN_H = (42, 54)
REPAIR_IN_H = (28, 32)
REPAIR_H = (4, 8)
RESTOCKED_SHARE = 0.2
"""How often the stockroom happens to have got the part in, where none was free."""
ATTEMPTS = 12


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One event in the making."""

    id: str
    tail: str
    """What tells it from other events of its type."""
    random: Random
    machine: sqlite3.Row


class EventMaker:
    """Makes events on existing machines; the same world, type, seed and number give the same event."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._makers: Mapping[str, Callable[[sqlite3.Connection, Scene], tuple[str, dict[str, Any]]]] = {
            PREDICTED: self._predicted,
            PASSED: self._passed,
            DELIVERED: self._delivered,
            WEEK_CLOSED: self._week_closed,
            DELIVERY_CLOSED: self._delivery_closed,
            REPAIR_CLOSED: self._repair_closed,
        }

    def make(self, db: sqlite3.Connection, *, type_: str, seed: int, number: int) -> dict[str, Any]:
        """One event, its consequences in the world included."""
        tail = f"{get_meta(db, 'seed')}-{seed}-{number:04d}"
        scene = Scene(
            id=f"{SHORT[type_]}-{tail}",
            tail=tail,
            random=chance("event", type_, tail),
            machine=_next_machine(db, seed, number),
        )
        source, data = self._makers[type_](db, scene)
        return cloud_event(id_=scene.id, source=source, type_=type_, subject=scene.machine["id"], data=data)

    def _predicted(self, db: sqlite3.Connection, scene: Scene) -> tuple[str, dict[str, Any]]:
        affair, told = self._worn(db, scene)
        return PREDICTOR_SOURCE, {
            "alarm_id": scene.id,
            "machine_kind": scene.machine["kind"],
            "line": scene.machine["line"],
            "fault_mode": BY_FAMILY[affair.family].mode,
            "part_family": affair.family,
            "probability": told.probability,
            "hours_left": told.hours_left or float(affair.fails_in_h),
            "repair_in_hours": affair.repair_in_h,
            "repair_hours": affair.repair_hours,
        }

    def _worn(self, db: sqlite3.Connection, scene: Scene) -> tuple[Affair, Prediction]:
        """Let a machine wear out so that the predictor sees rightly which part it is, and that there is time."""
        random, one = scene.random, scene.machine
        fill_cell(db, one["cell"], scene.id)
        family = random.choice(FAMILIES)
        if random.random() < RESTOCKED_SHARE and free(part(db, family)) < 1:
            db.execute("UPDATE parts SET on_stock = on_stock + 1 WHERE family = ?", (family,))
        # Reported again before the week was over: the old affair ends without an outcome.
        db.execute("UPDATE affairs SET closed_h = ? WHERE machine_id = ? AND closed_h IS NULL", (now_h(db), one["id"]))
        affair = _affair(scene, family)
        open_affair(db, affair)
        told = self._told(db, one["id"])
        for _ in range(ATTEMPTS):
            if told.part_family == family and (told.hours_left or 0.0) > affair.repair_in_h + affair.repair_hours:
                break
            db.execute("UPDATE machines SET life_h = ? WHERE id = ?", (random.uniform(*LIFE_H), one["id"]))
            told = self._told(db, one["id"])
        return affair, told

    def _told(self, db: sqlite3.Connection, id_: str) -> Prediction:
        one, now = machine(db, id_), now_h(db)
        return self._predictor.predict(readings(stream(db, one), one["kind"], present(one, now), now), one["kind"])

    def _passed(self, _: sqlite3.Connection, scene: Scene) -> tuple[str, dict[str, Any]]:
        random = scene.random
        return OFFICE_SOURCE, {
            "inspection_id": scene.id,
            "machine_kind": scene.machine["kind"],
            "line": scene.machine["line"],
            "inspector": random.choice(INSPECTORS),
            "remark": random.choice(REMARKS),
        }

    def _delivered(self, db: sqlite3.Connection, scene: Scene) -> tuple[str, dict[str, Any]]:
        affair, _ = self._worn(db, scene)
        id_ = order(db, scene.machine["id"], affair.family, scene.random.choice(SUPPLIERS), hours=0.0)
        row = take_in(db, id_)
        return STORE_SOURCE, {} if row is None else dict(delivery(db, row))

    def _week_closed(self, db: sqlite3.Connection, scene: Scene) -> tuple[str, dict[str, Any]]:
        random, family = scene.random, scene.random.choice(FAMILIES)
        budget = part(db, family)["price_euro"] + VISIT_EURO
        failed = random.random() < 0.4
        return OFFICE_SOURCE, {
            "part_family": family,
            "downtime_hours": float(random.randint(20, 60) if failed else random.randint(*REPAIR_H)),
            "cost_euro": round(budget * random.uniform(1.0, 1.6), 2),
            "budget_euro": budget,
            "failed": failed,
            "visits": 1,
        }

    def _delivery_closed(self, _: sqlite3.Connection, scene: Scene) -> tuple[str, dict[str, Any]]:
        shipments = scene.random.randint(3, 8)
        late = scene.random.randint(0, shipments)
        return OFFICE_SOURCE, {"shipments": shipments, "late": late, "late_share": round(late / shipments, 3)}

    def _repair_closed(self, _: sqlite3.Connection, scene: Scene) -> tuple[str, dict[str, Any]]:
        random = scene.random
        repaired = random.random() < 0.5
        waited = float(random.randint(2, 40)) if repaired else LIMIT_H
        return OFFICE_SOURCE, {
            "order_id": f"order-{scene.tail}",
            "part_family": random.choice(FAMILIES),
            "repaired": repaired,
            "waited_hours": waited,
            "down_hours": float(random.randint(0, int(waited))),
            "visits": 1 if repaired else 0,
            "jobs_late": random.choice((0, 0, 0, 1, 2)),
        }


def _affair(scene: Scene, family: str) -> Affair:
    random = scene.random
    return Affair(
        id=scene.id,
        machine_id=scene.machine["id"],
        family=family,
        fails_in_h=float(random.randint(*FAILS_IN_H)),
        life_h=random.uniform(*LIFE_H),
        repair_in_h=float(random.randint(*REPAIR_IN_H)),
        repair_hours=float(random.randint(*REPAIR_H)),
    )


def _next_machine(db: sqlite3.Connection, seed: int, number: int) -> sqlite3.Row:
    """The next one in the seed's order that is well and has nothing open, if there is one."""
    rows = db.execute(
        "SELECT m.*, EXISTS(SELECT 1 FROM affairs a WHERE a.machine_id = m.id AND a.closed_h IS NULL) AS troubled "
        "FROM machines m ORDER BY m.id"
    ).fetchall()
    order_of = chance("machines", seed).sample(rows, len(rows))
    turned = [order_of[(number + step) % len(rows)] for step in range(len(rows))]
    found: sqlite3.Row = next((row for row in turned if not row["troubled"] and _is_well(row)), turned[0])
    return found


def _is_well(machine: sqlite3.Row) -> bool:
    return machine["wearing"] is None and machine["down_since_h"] is None
