"""The plant's AI tools as HTTP operations; each name is a tool's name. Start with `add_tools`."""

from __future__ import annotations

import sqlite3

from fastapi import APIRouter

from evals.worlds.kit.timeline import now_h
from evals.worlds.plant_maintenance import forms, production, stockroom, technicians
from evals.worlds.plant_maintenance.catalogue import NORMAL, SENSORS, UNITS
from evals.worlds.plant_maintenance.company import machine, part
from evals.worlds.plant_maintenance.condition import present, stream
from evals.worlds.plant_maintenance.predictor import Predictor
from evals.worlds.plant_maintenance.sensors import latest, readings

READS = frozenset({"read_sensors", "predict_failure", "what_if", "check_stock", "list_shipments"})
IGNORE_KEY = frozenset({"dispatch_technician"})
MARGIN_H = 6.0
"""Hours added to the expected date when a customer is told a new one."""


def add_tools(router: APIRouter, db: sqlite3.Connection, *, predictor: Predictor) -> None:
    """Every tool of the plant."""
    _add_condition(router, db, predictor)
    _add_planner(router, db)
    _add_stockroom(router, db)
    _add_purchasing(router, db)
    _add_logistics(router, db)
    _add_technicians(router, db)


def _add_condition(router: APIRouter, db: sqlite3.Connection, predictor: Predictor) -> None:
    @router.get("/machines/{machine_id}/sensors", summary="Read the sensors of a machine")
    async def read_sensors(machine_id: forms.MachineId) -> forms.Sensors:
        """What vibration, temperature, current, pressure and flow of the machine show, beside a day before."""
        one = machine(db, machine_id)
        rows = readings(stream(db, one), one["kind"], present(one, now_h(db)), now_h(db))
        now, before = latest(rows), latest(rows[:-24])
        normal = dict(zip(SENSORS, NORMAL[one["kind"]], strict=True))
        return forms.Sensors(
            machine_id=machine_id,
            machine_kind=one["kind"],
            line=one["line"],
            running=one["down_since_h"] is None,
            sensors=[
                forms.Reading(
                    sensor=name, unit=UNITS[name], latest=now[name], day_before=before[name], normal=normal[name][0]
                )
                for name in SENSORS
            ],
        )

    @router.get("/machines/{machine_id}/prediction", summary="Predict the failure of a machine")
    async def predict_failure(machine_id: forms.MachineId) -> forms.Prediction:
        """See from the machine's sensors whether it is going to fail, what wears out and how many hours are left."""
        one = machine(db, machine_id)
        found = predictor.predict(
            readings(stream(db, one), one["kind"], present(one, now_h(db)), now_h(db)), one["kind"]
        )
        return forms.Prediction(
            machine_id=machine_id,
            failure_expected=found.expected,
            probability=found.probability,
            fault_mode=found.fault_mode,
            part_family=found.part_family,
            hours_left=found.hours_left,
        )


def _add_planner(router: APIRouter, db: sqlite3.Connection) -> None:
    @router.get("/machines/{machine_id}/plan", summary="Consult the production planner: what if a machine is down")
    async def what_if(
        machine_id: forms.MachineId, repair_in_hours: forms.RepairIn, repair_hours: forms.RepairHours
    ) -> forms.WhatIf:
        """Which jobs would move and which would be late with the machine down for the repair. Changes nothing."""
        window = production.Window(start=repair_in_hours, hours=repair_hours)
        plan = production.replan(db, machine(db, machine_id), window)
        return forms.WhatIf(
            machine_id=machine_id,
            moved_count=len(plan.moved),
            late_job_count=len(plan.late),
            late_hours=plan.late_hours,
            moved_jobs=[
                forms.PlannedJob(
                    job_id=one.task.id,
                    machine=one.machine,
                    starts_in_hours=one.start,
                    ends_in_hours=one.end,
                    late_hours=one.late_hours,
                )
                for one in plan.moved
            ],
        )

    @router.post("/machines/{machine_id}/plan", summary="Reschedule the jobs of a machine around its repair")
    async def reschedule(machine_id: forms.MachineId, body: forms.Downtime) -> forms.Rescheduled:
        """Commit a new production plan: jobs move to other machines or times while the machine is down."""
        one, window = machine(db, machine_id), production.Window(start=body.repair_in_hours, hours=body.repair_hours)
        plan = production.replan(db, one, window)
        production.commit(db, one, window, plan)
        return forms.Rescheduled(machine_id=machine_id, moved_count=len(plan.moved), late_job_count=len(plan.late))


def _add_stockroom(router: APIRouter, db: sqlite3.Connection) -> None:
    @router.get("/parts/{part_family}", summary="Check the stock of a spare part")
    async def check_stock(part_family: forms.FamilyPath) -> forms.Stock:
        """How many pieces of the spare part are on stock, reserved, free and on order, with price and lead time."""
        row = part(db, part_family)
        found = "SELECT * FROM orders WHERE family = ? AND delivered_h IS NULL ORDER BY promised_h, id"
        orders = db.execute(found, (part_family,)).fetchall()
        return forms.Stock(
            part_family=part_family,
            on_stock=row["on_stock"],
            reserved=row["reserved"],
            free=stockroom.free(row),
            ordered=len(orders),
            list_price_euro=row["price_euro"],
            promised_hours=row["promised_h"],
            open_orders=[
                forms.OpenOrder(
                    order_id=order["id"],
                    ordered_for=order["machine_id"],
                    promised_in_hours=round(order["promised_h"] - now_h(db), 1),
                )
                for order in orders
            ],
        )

    @router.post("/parts/{part_family}/reservations", summary="Reserve a spare part from stock for a machine")
    async def reserve_part(part_family: forms.FamilyPath, body: forms.Reservation) -> forms.Reserved:
        """Keep a free piece of the spare part in the stockroom for the repair of the machine."""
        made = stockroom.reserve(db, machine(db, body.machine_id)["id"], part_family)
        return forms.Reserved(
            reserved=made is not None,
            reservation_id=None if made is None else f"reservation-{made}",
            part_family=part_family,
        )


def _add_purchasing(router: APIRouter, db: sqlite3.Connection) -> None:
    @router.post("/orders", summary="Order a spare part from a supplier", status_code=201)
    async def order_part(body: forms.Order) -> forms.Ordered:
        """Buy a spare part that is not on stock for a machine; the supplier delivers it to the stockroom."""
        id_ = stockroom.order(db, machine(db, body.machine_id)["id"], body.part_family, body.supplier)
        row = part(db, body.part_family)
        return forms.Ordered(
            order_id=id_,
            supplier=body.supplier,
            part_family=body.part_family,
            list_price_euro=row["price_euro"],
            promised_hours=row["promised_h"],
        )


def _add_logistics(router: APIRouter, db: sqlite3.Connection) -> None:
    @router.get("/machines/{machine_id}/shipments", summary="List the shipments that wait for a machine")
    async def list_shipments(
        machine_id: forms.MachineId, repair_in_hours: forms.RepairIn, repair_hours: forms.RepairHours
    ) -> forms.Shipments:
        """See which shipments to customers depend on the machine, and how many become late by its repair."""
        now, one = now_h(db), machine(db, machine_id)
        plan = production.replan(db, one, production.Window(start=repair_in_hours, hours=repair_hours))
        found = production.sendings(db, one, plan)
        return forms.Shipments(
            machine_id=machine_id,
            shipment_count=len(found),
            late_count=sum(sending.late for sending in found),
            shipments=[
                forms.Shipment(
                    shipment_id=sending.id,
                    customer=sending.customer,
                    promised_in_hours=round(sending.promised_h - now, 1),
                    expected_in_hours=round(sending.expected_h - now, 1),
                    late=sending.late,
                )
                for sending in found
            ],
        )

    @router.post("/machines/{machine_id}/shipments/promises", summary="Tell customers the new date of late shipments")
    async def update_promise(machine_id: forms.MachineId, body: forms.Downtime) -> forms.Promised:
        """Update the promised date of every shipment that becomes late by the repair, and tell the customer."""
        one = machine(db, machine_id)
        plan = production.replan(db, one, production.Window(start=body.repair_in_hours, hours=body.repair_hours))
        late = [sending for sending in production.sendings(db, one, plan) if sending.late]
        for sending in late:
            production.promise(db, sending.id, sending.expected_h + MARGIN_H)
        return forms.Promised(machine_id=machine_id, updated_count=len(late))


def _add_technicians(router: APIRouter, db: sqlite3.Connection) -> None:
    @router.post("/visits", summary="Send a technician to repair a machine", status_code=201)
    async def dispatch_technician(body: forms.Dispatch) -> forms.Dispatched:
        """Dispatch a technician who repairs the machine with the spare part that is there. Every visit is charged."""
        one = machine(db, body.machine_id)
        asked = body.repair_in_hours
        if asked is None:
            asked = max(0.0, (one["repair_from_h"] or 0.0) - now_h(db))
        visit = technicians.dispatch(db, one["id"], in_hours=asked, hours=body.repair_hours)
        return forms.Dispatched(
            visit_id=visit.id,
            technician_id=visit.technician_id,
            arrives_in_hours=round(visit.arrives_h - now_h(db), 1),
        )
