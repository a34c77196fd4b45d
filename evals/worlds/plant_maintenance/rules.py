"""The world `plant_maintenance`: machines that wear out, and what keeps the plant running. Start with `Plant`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from evals.worlds.kit.store import life
from evals.worlds.kit.timeline import Due, cloud_event, queue_event
from evals.worlds.plant_maintenance import company, repairs, stockroom, tools, truth, view
from evals.worlds.plant_maintenance.events import (
    DELIVERY_CLOSED,
    OFFICE_SOURCE,
    REPAIR_CLOSED,
    SHORT,
    WEEK_CLOSED,
    EventMaker,
)
from evals.worlds.plant_maintenance.given import arrange
from evals.worlds.plant_maintenance.predictor import Predictor, shared_predictor


class Plant:
    """Machines with sensors, a production plan, spare parts, shipments, technicians; and the tools for them."""

    title = "Millbrook plant"
    description = (
        "Sensors and failure prediction, production planner, spare parts, shipments and technicians of a plant."
    )
    schema = company.SCHEMA
    event_types = tuple(SHORT)
    reads = tools.READS
    ignore_key = tools.IGNORE_KEY

    def __init__(self, *, predictor: Predictor) -> None:
        self._predictor = predictor
        self._events = EventMaker(predictor)

    def found(self, db: sqlite3.Connection, *, seed: int) -> None:
        """Fill the empty tables for hour 0."""
        company.found(db, seed=seed)

    def arrange(self, db: sqlite3.Connection, given: Mapping[str, Any]) -> None:
        """Machines, parts, jobs, shipments, orders and technicians of a case."""
        arrange(db, given)

    def add_tools(self, router: APIRouter, db: sqlite3.Connection) -> None:
        """One operation per tool."""
        tools.add_tools(router, db, predictor=self._predictor)

    def add_routes(self, router: APIRouter, db: sqlite3.Connection) -> None:
        """`/_world/predictor`: how well the failure predictor does on streams it was not trained on."""

        @router.get("/predictor")
        def predictor() -> dict[str, float]:
            return self._predictor.judged()

    def make_event(self, db: sqlite3.Connection, *, type_: str, seed: int, number: int) -> Mapping[str, Any]:
        """An event and its consequences."""
        return self._events.make(db, type_=type_, seed=seed, number=number)

    def happen(self, db: sqlite3.Connection, due: Due) -> None:
        """A machine breaks down, a part comes, a technician arrives or is done, papers are closed."""
        match due.kind:
            case "fail":
                truth.fail(db, due.payload["affair"])
            case "deliver":
                stockroom.deliver(db, due.payload["order"])
            case "visit":
                truth.visit(db, due.payload["visit"])
            case "repaired":
                truth.repaired(db, due.payload["affair"], due.payload["visit"])
                repairs.finish(db, due.payload["visit"])
            case repairs.CLOSE:
                _announce_repair(db, due.payload["order"])
            case "close":
                _announce_outcomes(db, due.payload["affair"])

    def state(self, db: sqlite3.Connection) -> Mapping[str, Any]:
        """Everything there is, with totals."""
        return view.state(db)

    def warm_up(self) -> None:
        """Train the predictor."""
        self._predictor.warm_up()


def make_rules() -> Plant:
    """The world with the predictor of this process."""
    return Plant(predictor=shared_predictor())


def _announce_outcomes(db: sqlite3.Connection, affair_id: str) -> None:
    affair = truth.close_affair(db, affair_id)
    if affair is None:
        return
    visits = db.execute("SELECT count(*) FROM visits WHERE affair_id = ?", (affair_id,)).fetchone()[0]
    week = {
        "part_family": affair["family"],
        "downtime_hours": round(affair["downtime_h"], 1),
        "cost_euro": round(affair["cost_euro"], 2),
        "budget_euro": affair["budget_euro"],
        "failed": affair["failed_h"] is not None,
        "visits": visits,
    }
    _announce(db, affair["id"], affair["machine_id"], WEEK_CLOSED, week)
    shipments = len(json.loads(affair["shipments"]))
    if shipments:
        late = {
            "shipments": shipments,
            "late": affair["late"],
            "late_share": round(affair["late"] / shipments, 3),
        }
        _announce(db, affair["id"], affair["machine_id"], DELIVERY_CLOSED, late)


def _announce_repair(db: sqlite3.Connection, order_id: str) -> None:
    closed = repairs.close(db, order_id)
    if closed is not None:
        _announce(db, closed.order_id, closed.machine_id, REPAIR_CLOSED, closed.data)


def _announce(db: sqlite3.Connection, about: str, machine: str, type_: str, data: Mapping[str, Any]) -> None:
    id_ = f"{SHORT[type_]}-{life(db)}-{about}"
    event = cloud_event(id_=id_, source=OFFICE_SOURCE, type_=type_, subject=machine, data=data)
    queue_event(db, event)
