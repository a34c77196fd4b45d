"""A company whose tools always say the same, and one event for it. Start with `handle`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.events import RawEvent
from agent.service import Segue
from agent.store.queries import Shown

PORTFOLIO = Path(__file__).parent / "company.yaml"
PERMITTED = frozenset({"look_up_order", "order_parts", "tell_customer"})
ORDER = "o-7"
ENDED = frozenset({"done", "stopped", "failed", "cancelled", "waiting"})
POLL_S = 0.02


async def look_up_order(order_id: str) -> dict[str, Any]:
    """Look up an order."""
    return {"order_id": order_id, "parts_missing": 2}


async def order_parts(order_id: str, supplier: str, amount: int, idempotency_key: str) -> dict[str, Any]:
    """Order parts for an order at a supplier."""
    return {"order_id": order_id, "supplier": supplier, "ordered": amount}


async def tell_customer(order_id: str, note: str, idempotency_key: str) -> dict[str, Any]:
    """Tell the customer of an order something."""
    return {"order_id": order_id, "told": True}


async def close_shop(idempotency_key: str) -> dict[str, Any]:
    """Close the shop. Permitted for no event."""
    return {"closed": True}


async def handle(segue: Segue) -> Shown:
    """The report on the company's one event, which is the same whenever it is sent."""
    time = datetime(2026, 11, 1, 12, tzinfo=UTC)
    data = {"order_id": ORDER, "days": 3}
    event = RawEvent(source="/shop", id="e-1", type="order.delayed", subject=ORDER, time=time, data=data)
    (accepted,) = await segue.accept("default", [event])
    while True:
        shown = await segue.run("default", str(accepted.run))
        if shown["status"] in ENDED:
            return shown
        await asyncio.sleep(POLL_S)
