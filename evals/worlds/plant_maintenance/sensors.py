"""The machines' sensor streams: one row of readings an hour, made from a machine's condition. Start with `readings`.

The same machine, hour and condition give the same readings, whoever asks and in whatever order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from evals.worlds.plant_maintenance.catalogue import BY_FAMILY, NORMAL, SENSORS

Array: TypeAlias = NDArray[np.float64]

WINDOW_H = 48
"""Hours of readings that are looked at."""
BLOCK_H = 24
BEND = 1.4
"""Wear shows late: the trace grows with wear to this power."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """How worn a machine is at an hour."""

    part_family: str | None
    """Which part wears out; None: the machine is well."""
    wear: float = 0.0
    """0 at the beginning of the fault, 1 when the machine fails."""
    life_h: float = 200.0
    """Hours from the beginning of the fault to the failure."""


WELL = Condition(part_family=None)


def readings(stream: str, kind: str, condition: Condition, at_h: float) -> Array:
    """The last `WINDOW_H` hourly readings before an hour, one column per sensor."""
    last = int(at_h)
    noise = _noise(stream, last - WINDOW_H + 1, last)
    return shaped(noise, kind, condition)


def shaped(noise: Array, kind: str, condition: Condition) -> Array:
    """Noise with the trace that the condition leaves in it, in the sensors' units."""
    means, spreads = (np.array(column) for column in zip(*NORMAL[kind], strict=True))
    z = noise
    if condition.part_family is not None:
        fault = BY_FAMILY[condition.part_family]
        ages = np.arange(-len(noise) + 1, 1, dtype=float)[:, None]
        trace = np.clip(condition.wear + ages / condition.life_h, 0.0, 1.0) ** BEND
        z = noise * (1.0 + trace * np.array(fault.shake)) + trace * np.array(fault.shift)
    return np.asarray(means + spreads * z, dtype=np.float64)


def traits(rows: Array, kind: str) -> Array:
    """What a model sees of a window: level, trend and unrest of each sensor, in spreads of a machine that is well."""
    means, spreads = (np.array(column) for column in zip(*NORMAL[kind], strict=True))
    z = (rows - means) / spreads
    half = len(z) // 4
    level = z[-half:].mean(axis=0)
    trend = level - z[:half].mean(axis=0)
    unrest = np.abs(np.diff(z[-2 * half :], axis=0)).mean(axis=0)
    return np.concatenate([level, trend, unrest])


def latest(rows: Array) -> dict[str, float]:
    """The mean of the last six hours by sensor."""
    return {name: round(float(value), 2) for name, value in zip(SENSORS, rows[-6:].mean(axis=0), strict=True)}


def _noise(stream: str, first_h: int, last_h: int) -> Array:
    blocks: Sequence[Array] = [
        np.random.default_rng([crc32(stream.encode()), block + 1_000_000]).standard_normal((BLOCK_H, len(SENSORS)))
        for block in range(first_h // BLOCK_H, last_h // BLOCK_H + 1)
    ]
    start = first_h - (first_h // BLOCK_H) * BLOCK_H
    return np.concatenate(blocks)[start : start + last_h - first_h + 1]
