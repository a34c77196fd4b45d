"""Three carriers that look alike: which one delivers depends on the region, and nothing says so. See `delivers`."""

from __future__ import annotations

import random
from typing import Any

REGIONS = {"north": "ship_blue", "south": "ship_green", "west": "ship_red"}
"""Region -> the carrier that delivers there."""
RIGHT, WRONG = 0.9, 0.15
"""Probability that an order arrives."""


async def ship_blue(order: str, idempotency_key: str) -> dict[str, Any]:
    """Send the order out."""
    return {"order": order, "sent": True}


async def ship_green(order: str, idempotency_key: str) -> dict[str, Any]:
    """Send the order out."""
    return {"order": order, "sent": True}


async def ship_red(order: str, idempotency_key: str) -> dict[str, Any]:
    """Send the order out."""
    return {"order": order, "sent": True}


def delivers(seed: int, number: int, region: str, carrier: str) -> bool:
    """Whether the order of that number arrives: the same luck whichever way it is sent."""
    return random.Random(f"{seed}:{number}").random() < (RIGHT if REGIONS[region] == carrier else WRONG)
