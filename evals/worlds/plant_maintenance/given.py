"""What a case may put into the plant beside its founders' machines. Start with `arrange`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evals.worlds.kit.problems import ProblemError
from evals.worlds.kit.timeline import now_h
from evals.worlds.plant_maintenance import stockroom
from evals.worlds.plant_maintenance.company import add_machine, machine, part
from evals.worlds.plant_maintenance.forms import Family
from evals.worlds.plant_maintenance.production import HANDLING_H
from evals.worlds.plant_maintenance.technicians import book
from evals.worlds.plant_maintenance.truth import Affair, affair_of, open_affair

Id = Annotated[str, Field(min_length=1, max_length=64)]
Hours = Annotated[float, Field(ge=0, le=2000, allow_inf_nan=False)]


class Part(BaseModel):
    """Unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid")


class Worn(Part):
    """What wears out, and the affair that is open because of it."""

    part_family: Family
    hours_left: float = Field(default=48.0, gt=0, le=500)
    life_hours: float = Field(default=200.0, gt=0, le=2000)
    repair_in_hours: Hours = 28.0
    repair_hours: float = Field(default=6.0, gt=0, le=168)


class Machine(Part):
    """A new machine, or an existing one by its id; well unless it is `worn`, running unless it is `down`."""

    machine_id: Id
    kind: Literal["press", "mill", "pump", "packer"] = "press"
    line: Annotated[str, Field(min_length=1, max_length=40)] = "A"
    worn: Worn | None = None
    down: bool = False


class Stocked(Part):
    """What lies in the stockroom of a family; `on_stock` counts reserved pieces too."""

    part_family: Family
    on_stock: int = Field(ge=0, le=1000)
    list_price_euro: float | None = Field(default=None, gt=0)
    promised_hours: float | None = Field(default=None, gt=0, le=2000)


class Reservation(Part):
    """A piece that is kept for a machine."""

    machine_id: Id
    part_family: Family


class Order(Part):
    """A part on order; without `arrives_in_hours` it comes as the supplier's do."""

    machine_id: Id
    part_family: Family
    supplier: Literal["tarvo", "quint"]
    arrives_in_hours: Hours | None = None


class Shipment(Part):
    """What a customer waits for."""

    shipment_id: Id
    customer: Annotated[str, Field(min_length=1, max_length=100)] = "Aldwin Werke"
    promised_in_hours: float = Field(ge=-500, le=2000)


class Job(Part):
    """A planned job; due in time for its shipment, unless a date is given."""

    job_id: Id
    machine_id: Id
    start_in_hours: float = Field(ge=-100, le=2000)
    hours: float = Field(gt=0, le=500)
    due_in_hours: float | None = Field(default=None, ge=-500, le=2000)
    shipment_id: Id | None = None


class Technician(Part):
    """Somebody who is busy elsewhere for a while; new if the id is."""

    technician_id: Id
    busy_hours: Hours = 0.0


class Visit(Part):
    """A technician who is on the way already."""

    machine_id: Id
    arrives_in_hours: Hours = 2.0
    repair_hours: float = Field(default=6.0, gt=0, le=168)
    technician_id: Id = "tech-1"


class Given(Part):
    """`POST /_world/arrange`; put there in this order."""

    machines: list[Machine] = []
    shipments: list[Shipment] = []
    jobs: list[Job] = []
    parts: list[Stocked] = []
    orders: list[Order] = []
    reservations: list[Reservation] = []
    technicians: list[Technician] = []
    visits: list[Visit] = []


def arrange(db: sqlite3.Connection, given: Mapping[str, Any]) -> None:
    """Add or change what the case is about. Raises `ProblemError`."""
    try:
        _arrange(db, Given.model_validate(dict(given)))
    except (ValidationError, sqlite3.IntegrityError) as error:
        raise ProblemError(422, f"This cannot be put into the plant: {error}") from error
    except ProblemError as error:
        raise ProblemError(422, f"This cannot be put into the plant: {error.detail}") from error


def _arrange(db: sqlite3.Connection, asked: Given) -> None:
    for one in asked.machines:
        _put_machine(db, one)
    for shipment in asked.shipments:
        promised = now_h(db) + shipment.promised_in_hours
        row = (shipment.shipment_id, shipment.customer, promised, promised)
        db.execute("INSERT INTO shipments VALUES(?, ?, ?, ?)", row)
    for job in asked.jobs:
        _add_job(db, job)
    for one in asked.machines:
        _wear(db, one)
    for stocked in asked.parts:
        _stock(db, stocked)
    for order in asked.orders:
        id_ = machine(db, order.machine_id)["id"]
        stockroom.order(db, id_, order.part_family, order.supplier, order.arrives_in_hours)
    for kept in asked.reservations:
        if stockroom.reserve(db, machine(db, kept.machine_id)["id"], kept.part_family) is None:
            raise ProblemError(422, f"No {kept.part_family} is free to be reserved. Put more on stock.")
    for technician in asked.technicians:
        until = now_h(db) + technician.busy_hours
        db.execute("INSERT OR REPLACE INTO technicians VALUES(?, ?)", (technician.technician_id, until))
    for visit in asked.visits:
        _send(db, visit)


def _put_machine(db: sqlite3.Connection, asked: Machine) -> None:
    known = db.execute("SELECT kind, line FROM machines WHERE id = ?", (asked.machine_id,)).fetchone()
    if known is None:
        add_machine(db, asked.machine_id, asked.kind, asked.line)
        return
    stated = {name: getattr(asked, name) for name in asked.model_fields_set & {"kind", "line"}}
    if any(known[name] != value for name, value in stated.items()):
        raise ProblemError(422, f"Machine {asked.machine_id!r} is a {known['kind']} on line {known['line']} already.")


def _wear(db: sqlite3.Connection, asked: Machine) -> None:
    """After the jobs are there: the shipments of an affair are those that wait for the machine when it begins."""
    if asked.worn is not None:
        _open(db, asked, asked.worn)
    if asked.down:
        db.execute("UPDATE machines SET down_since_h = ? WHERE id = ?", (now_h(db), asked.machine_id))
        db.execute("UPDATE affairs SET failed_h = ? WHERE id = ?", (now_h(db), f"case-{asked.machine_id}"))


def _open(db: sqlite3.Connection, asked: Machine, worn: Worn) -> None:
    if affair_of(db, asked.machine_id) is not None:
        raise ProblemError(422, f"Machine {asked.machine_id!r} is worn already.")
    affair = Affair(
        id=f"case-{asked.machine_id}",
        machine_id=asked.machine_id,
        family=worn.part_family,
        fails_in_h=worn.hours_left,
        life_h=worn.life_hours,
        repair_in_h=worn.repair_in_hours,
        repair_hours=worn.repair_hours,
    )
    open_affair(db, affair)


def _add_job(db: sqlite3.Connection, asked: Job) -> None:
    now, due = now_h(db), asked.due_in_hours
    promised = db.execute("SELECT promised_h FROM shipments WHERE id = ?", (asked.shipment_id,)).fetchone()
    if asked.shipment_id is not None and promised is None:
        raise ProblemError(422, f"There is no shipment {asked.shipment_id!r}. Name it under 'shipments'.")
    if due is not None:
        due_h = now + due
    elif promised is not None:
        due_h = promised["promised_h"] - HANDLING_H
    else:
        raise ProblemError(422, f"Job {asked.job_id!r} needs 'due_in_hours' or a shipment.")
    start = now + asked.start_in_hours
    row = (asked.job_id, machine(db, asked.machine_id)["id"], start, start + asked.hours, due_h, asked.shipment_id)
    db.execute("INSERT INTO jobs VALUES(?, ?, ?, ?, ?, 0, ?)", row)


def _stock(db: sqlite3.Connection, asked: Stocked) -> None:
    row = part(db, asked.part_family)
    if asked.on_stock < row["reserved"]:
        raise ProblemError(422, f"{row['reserved']} of {asked.part_family} are reserved, so there are no fewer.")
    db.execute(
        "UPDATE parts SET on_stock = ?, price_euro = coalesce(?, price_euro), promised_h = coalesce(?, promised_h) "
        "WHERE family = ?",
        (asked.on_stock, asked.list_price_euro, asked.promised_hours, asked.part_family),
    )


def _send(db: sqlite3.Connection, asked: Visit) -> None:
    if db.execute("SELECT 1 FROM technicians WHERE id = ?", (asked.technician_id,)).fetchone() is None:
        raise ProblemError(422, f"There is no technician {asked.technician_id!r}. Name them under 'technicians'.")
    one = machine(db, asked.machine_id)
    book(
        db,
        asked.technician_id,
        one["id"],
        arrives_h=now_h(db) + asked.arrives_in_hours,
        hours=asked.repair_hours,
        affair=affair_of(db, one["id"]),
    )
