"""What the tools take and give, as their OpenAPI document shows it. One class per request and per result."""

from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

Family = Literal["bearing", "seal", "drive", "valve", "sensor", "coupling"]
MachineId = Annotated[str, Path(max_length=64, description="Id of the machine, for example mach-07.")]
FamilyPath = Annotated[Family, Path(description="Family of the spare part.")]
RepairIn = Annotated[
    float,
    Query(ge=0, le=500, allow_inf_nan=False, description="Hours from now until the repair of the machine begins."),
]
RepairHours = Annotated[
    float, Query(gt=0, le=168, allow_inf_nan=False, description="Hours for which the machine is down for the repair.")
]
RepairInField = Annotated[
    float,
    Field(ge=0, le=500, allow_inf_nan=False, description="Hours from now until the repair of the machine begins."),
]
RepairHoursField = Annotated[
    float, Field(gt=0, le=168, allow_inf_nan=False, description="Hours for which the machine is down for the repair.")
]
MachineField = Annotated[str, Field(min_length=1, max_length=64, description="Id of the machine it is for.")]
FamilyField = Annotated[Family, Field(description="Family of the spare part.")]


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Reading(BaseModel):
    sensor: str = Field(description="Name of the sensor.")
    unit: str = Field(description="Unit of its readings.")
    latest: float = Field(description="Mean of the last six hours.")
    day_before: float = Field(description="Mean of six hours a day before.")
    normal: float = Field(description="What machines of this kind usually show.")


class Sensors(BaseModel):
    machine_id: str = Field(description="Id of the machine.")
    machine_kind: str = Field(description="press, mill, pump or packer.")
    line: str = Field(description="Production line the machine stands on.")
    running: bool = Field(description="Whether the machine runs at present.")
    sensors: list[Reading] = Field(description="What each sensor shows.")


class Prediction(BaseModel):
    machine_id: str = Field(description="Id of the machine.")
    failure_expected: bool = Field(description="Whether the machine is going to fail.")
    probability: float = Field(description="Probability of a failure, 0 to 1.")
    fault_mode: str | None = Field(description="What wears out, null when nothing does.")
    part_family: str | None = Field(description="Family of the spare part that the repair needs.")
    hours_left: float | None = Field(description="Hours until the failure, as estimated.")


class PlannedJob(BaseModel):
    job_id: str = Field(description="Id of the job.")
    machine: str = Field(description="The machine that does the job in this plan.")
    starts_in_hours: float = Field(description="Hours from now until the job starts.")
    ends_in_hours: float = Field(description="Hours from now until the job ends.")
    late_hours: float = Field(description="Hours by which it ends after its due date.")


class WhatIf(BaseModel):
    machine_id: str = Field(description="Id of the machine that would be down.")
    moved_count: int = Field(description="Jobs that would get another machine or time.")
    late_job_count: int = Field(description="Jobs that would end after their due date.")
    late_hours: float = Field(description="Hours late, over all jobs.")
    moved_jobs: list[PlannedJob] = Field(description="The jobs that would move, as they would be planned.")


class Downtime(Request):
    repair_in_hours: RepairInField
    repair_hours: RepairHoursField


class Rescheduled(BaseModel):
    machine_id: str = Field(description="Id of the machine that is down for the repair.")
    moved_count: int = Field(description="Jobs that were given another machine or time.")
    late_job_count: int = Field(description="Jobs that end after their due date in the new plan.")


class OpenOrder(BaseModel):
    order_id: str = Field(description="Id of the order.")
    ordered_for: str = Field(description="The machine it was ordered for.")
    promised_in_hours: float = Field(description="Hours until the date that the supplier promised; below 0: overdue.")


class Stock(BaseModel):
    part_family: str = Field(description="Family of the spare part.")
    on_stock: int = Field(description="Pieces in the stockroom, reserved ones included.")
    reserved: int = Field(description="Pieces that are kept for a machine.")
    free: int = Field(description="Pieces that can be reserved.")
    ordered: int = Field(description="Pieces on order.")
    list_price_euro: float = Field(description="List price, the same at every supplier, in euro.")
    promised_hours: float = Field(description="Lead time that every supplier promises, in hours.")
    open_orders: list[OpenOrder] = Field(description="Orders that have not been delivered.")


class Reservation(Request):
    machine_id: MachineField


class Reserved(BaseModel):
    reserved: bool = Field(description="Whether a piece is kept for the machine; false when none was free.")
    reservation_id: str | None = Field(description="Id of the reservation, null when there is none.")
    part_family: str = Field(description="Family of the spare part.")


class Order(Request):
    machine_id: MachineField
    part_family: FamilyField
    supplier: Literal["tarvo", "quint"] = Field(description="The supplier that the part is ordered from.")


class Ordered(BaseModel):
    order_id: str = Field(description="Id of the order.")
    supplier: str = Field(description="The supplier that delivers.")
    part_family: str = Field(description="Family of the spare part.")
    list_price_euro: float = Field(description="List price, in euro.")
    promised_hours: float = Field(description="Hours within which the supplier promises to deliver.")


class Shipment(BaseModel):
    shipment_id: str = Field(description="Id of the shipment.")
    customer: str = Field(description="Who waits for it.")
    promised_in_hours: float = Field(description="Hours from now until the date promised.")
    expected_in_hours: float = Field(description="Hours from now until it can leave.")
    late: bool = Field(description="Whether it leaves after the date promised.")


class Shipments(BaseModel):
    machine_id: str = Field(description="Id of the machine.")
    shipment_count: int = Field(description="Open shipments that wait for the machine or become late by its repair.")
    late_count: int = Field(description="How many of them become late.")
    shipments: list[Shipment] = Field(description="All of them, soonest promised first.")


class Promised(BaseModel):
    machine_id: str = Field(description="Id of the machine.")
    updated_count: int = Field(description="Shipments whose customers were told a new date.")


class Dispatch(Request):
    machine_id: MachineField
    repair_in_hours: float | None = Field(
        default=None,
        ge=0,
        le=500,
        allow_inf_nan=False,
        description="Hours from now until the repair begins; as soon as somebody can be there when left out.",
    )
    repair_hours: float = Field(
        default=6.0, gt=0, le=168, allow_inf_nan=False, description="Hours that the repair takes."
    )


class Dispatched(BaseModel):
    visit_id: str = Field(description="Id of the visit.")
    technician_id: str = Field(description="Who comes.")
    arrives_in_hours: float = Field(description="Hours from now until the technician is at the machine.")
