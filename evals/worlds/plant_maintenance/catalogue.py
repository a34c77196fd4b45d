"""What the plant is made of: lines, kinds of machine, sensors, faults and the parts that end them, suppliers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LINES = ("A", "B", "C")
MACHINES_PER_CELL = 3
SUPPLIERS = ("tarvo", "quint")
SENSORS = ("vibration", "temperature", "current", "pressure", "flow")
UNITS = {"vibration": "mm/s", "temperature": "°C", "current": "A", "pressure": "bar", "flow": "l/min"}

NORMAL: Mapping[str, tuple[tuple[float, float], ...]] = {
    "press": ((2.8, 0.25), (61.0, 1.6), (74.0, 2.5), (162.0, 3.2), (38.0, 1.1)),
    "mill": ((3.6, 0.32), (54.0, 1.4), (41.0, 1.6), (88.0, 2.0), (22.0, 0.8)),
    "pump": ((2.1, 0.20), (58.0, 1.5), (33.0, 1.2), (12.5, 0.3), (140.0, 3.4)),
    "packer": ((1.6, 0.16), (43.0, 1.1), (18.0, 0.7), (6.2, 0.15), (55.0, 1.6)),
}
"""Kind of machine -> mean and spread of each sensor while the machine is well."""

KINDS = tuple(NORMAL)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A way in which machines wear out."""

    mode: str
    part_family: str
    price_euro: float
    shift: tuple[float, ...]
    """How far each sensor has moved at the end of life, in spreads."""
    shake: tuple[float, ...]
    """By how much each sensor's noise has grown by then: 1 is twice the noise."""


FAULTS = (
    Fault(
        mode="bearing wear",
        part_family="bearing",
        price_euro=620.0,
        shift=(6.5, 2.0, 0.5, 0.0, 0.0),
        shake=(1.5, 0.0, 0.0, 0.0, 0.0),
    ),
    Fault(
        mode="seal leak",
        part_family="seal",
        price_euro=480.0,
        shift=(0.0, 1.0, 0.0, -5.5, -3.0),
        shake=(0.0, 0.0, 0.0, 0.5, 0.5),
    ),
    Fault(
        mode="drive overload",
        part_family="drive",
        price_euro=1480.0,
        shift=(1.0, 4.0, 6.0, 0.0, 0.0),
        shake=(0.0, 0.0, 0.5, 0.0, 0.0),
    ),
    Fault(
        mode="valve sticking",
        part_family="valve",
        price_euro=760.0,
        shift=(0.0, 0.0, 0.5, 2.5, -4.5),
        shake=(0.0, 0.0, 0.0, 2.0, 1.5),
    ),
    Fault(
        mode="sensor drift",
        part_family="sensor",
        price_euro=390.0,
        shift=(0.0, -5.0, 0.0, 0.0, 0.0),
        shake=(0.0, 3.0, 0.0, 0.0, 0.0),
    ),
    Fault(
        mode="coupling misalignment",
        part_family="coupling",
        price_euro=890.0,
        shift=(4.0, 0.0, 3.0, 0.0, 0.0),
        shake=(3.0, 0.0, 1.5, 0.0, 0.0),
    ),
)
FAMILIES = tuple(fault.part_family for fault in FAULTS)
BY_FAMILY: Mapping[str, Fault] = {fault.part_family: fault for fault in FAULTS}

CUSTOMERS = (
    "Aldwin Werke",
    "Bexley Foods",
    "Corvina Motors",
    "Dunmere Paper",
    "Ekholm Rail",
    "Fenwick Tools",
    "Garland Dairy",
    "Hollis Marine",
    "Ingram Glass",
    "Jorvik Steel",
)
INSPECTORS = ("M. Orlov", "T. Nakata", "S. Brandt", "L. Achebe")
REMARKS = (
    "all readings within limits",
    "no play in the bearings, oil clean",
    "bolts retightened, nothing else found",
    "runs quietly, belts as new",
    "seals dry, filters changed as planned",
)


def cell_name(kind: str, line: str) -> str:
    """Machines of a kind on a line do each other's jobs."""
    return f"{line}/{kind}"
