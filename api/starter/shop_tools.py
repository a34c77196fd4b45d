"""The tools of a small shop: plain Python functions. What they know and did is in `shop.sqlite`, beside this file.

Segue reads a tool's description from its docstring, its arguments and its result from the annotations. Replace them
with calls to what your company really runs. `python shop_tools.py` prints what was done.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError

FILE = Path(__file__).with_name("shop.sqlite")
SHIPPING_EURO = 4.9
ORDERS = (
    ("o-101", "ann", "garden chair", "north"),
    ("o-102", "bob", "coffee mill", "north"),
    ("o-103", "cem", "tea pot", "coast"),
)


@dataclass(frozen=True, kw_only=True)
class Order:
    """One order, as the shop knows it."""

    order_id: str
    customer: str
    item: str
    carrier: str


@dataclass(frozen=True, kw_only=True)
class Done:
    """What was done, and for whom."""

    number: int
    text: str


def find_order(order_id: str) -> Order:
    """Look up an order: who ordered what, and which carrier brings it."""
    with _opened() as shop:
        return _order(shop, order_id)


def send_letter(order_id: str, idempotency_key: str) -> Done:
    """Send the customer a letter that says sorry for the delay."""
    # `idempotency_key` is Segue's: the same call has the same key, and nothing is done twice under one.
    with _opened() as shop:
        order = _order(shop, order_id)
        text = (
            f"Dear {order.customer}, we are sorry that your {order.item} is late. Our {order.carrier} carrier is on it."
        )
        return _do(shop, idempotency_key, "letter", order_id, text)


def pay_back_shipping(order_id: str, idempotency_key: str) -> Done:
    """Pay back the shipping costs of an order."""
    with _opened() as shop:
        order = _order(shop, order_id)
        return _do(shop, idempotency_key, "payment", order_id, f"{SHIPPING_EURO:.2f} euro to {order.customer}")


def _order(shop: sqlite3.Connection, order_id: str) -> Order:
    row = shop.execute("SELECT id, customer, item, carrier FROM orders WHERE id = ?", (order_id,)).fetchone()
    if row is None:
        # A ToolError says no before anything was done. Any other exception of a tool that writes leaves its call in
        # doubt, and an operator must settle it.
        raise ToolError(f"there is no order {order_id!r}")
    return Order(order_id=row[0], customer=row[1], item=row[2], carrier=row[3])


def _do(shop: sqlite3.Connection, key: str, kind: str, order_id: str, text: str) -> Done:
    """Note it once per key; a second time, what was noted the first time."""
    shop.execute(
        "INSERT OR IGNORE INTO done (key, kind, order_id, text) VALUES (?, ?, ?, ?)", (key, kind, order_id, text)
    )
    number, noted = shop.execute("SELECT rowid, text FROM done WHERE key = ?", (key,)).fetchone()
    return Done(number=number, text=noted)


@contextmanager
def _opened() -> Iterator[sqlite3.Connection]:
    """The shop's database in one transaction; made, with a few orders in it, where there is none."""
    shop = sqlite3.connect(FILE, timeout=10)
    try:
        with shop:
            shop.execute("CREATE TABLE IF NOT EXISTS orders (id PRIMARY KEY, customer, item, carrier)")
            shop.execute("CREATE TABLE IF NOT EXISTS done (key PRIMARY KEY, kind, order_id, text)")
            shop.executemany("INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?)", ORDERS)
            yield shop
    finally:
        shop.close()


def _print_done() -> None:
    with _opened() as shop:
        for number, kind, order_id, text in shop.execute("SELECT rowid, kind, order_id, text FROM done ORDER BY rowid"):
            print(f"{number}  {kind}  {order_id}  {text}")


if __name__ == "__main__":
    _print_done()
