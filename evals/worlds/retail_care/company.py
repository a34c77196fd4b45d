"""The company at hour 0: its tables and how they are filled. Start with `found`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from random import Random
from typing import Any

from evals.worlds.kit.chance import chance
from evals.worlds.retail_care.catalogue import SEGMENTS

CUSTOMERS = 400
REFUND_LIMITS = {"private": 150.0, "premium": 300.0, "business": 400.0}

SCHEMA = """
CREATE TABLE IF NOT EXISTS customers(
  id TEXT PRIMARY KEY, name TEXT, segment TEXT, language TEXT, base REAL, satisfaction REAL, refund_limit REAL);
CREATE TABLE IF NOT EXISTS orders(id TEXT PRIMARY KEY, customer_id TEXT, product TEXT, total REAL, days_ago INTEGER);
CREATE INDEX IF NOT EXISTS orders_of ON orders(customer_id);
CREATE TABLE IF NOT EXISTS campaigns(
  id TEXT PRIMARY KEY, customer_id TEXT, name TEXT, every_h REAL, state TEXT, reason TEXT, paused_until_h REAL);
CREATE INDEX IF NOT EXISTS campaigns_of ON campaigns(customer_id);
CREATE TABLE IF NOT EXISTS conversations(
  id TEXT PRIMARY KEY, customer_id TEXT, topic TEXT, channel TEXT, message TEXT, question TEXT, chatbot_answer TEXT,
  solved INTEGER, matter TEXT);
CREATE TABLE IF NOT EXISTS affairs(
  id TEXT PRIMARY KEY, customer_id TEXT, kind TEXT, segment TEXT, topic TEXT, reference TEXT, question TEXT,
  matter TEXT, opened_h REAL, resolved_h REAL, contacts INTEGER DEFAULT 0, handovers INTEGER DEFAULT 0,
  money_asked REAL, refunded REAL DEFAULT 0, apologies INTEGER DEFAULT 0, closed_h REAL, satisfaction REAL,
  result TEXT);
CREATE INDEX IF NOT EXISTS affairs_of ON affairs(customer_id, opened_h);
CREATE TABLE IF NOT EXISTS handovers(
  id TEXT PRIMARY KEY, kind TEXT, customer_id TEXT, affair_id TEXT, question TEXT, topic TEXT, matter TEXT, team TEXT,
  priority TEXT, conversation_id TEXT, opened_h REAL, deadline_h REAL, due_h REAL, resolved_h REAL, answer TEXT,
  teachable INTEGER);
CREATE INDEX IF NOT EXISTS handovers_of ON handovers(customer_id, resolved_h);
CREATE TABLE IF NOT EXISTS refunds(
  id INTEGER PRIMARY KEY, customer_id TEXT, order_id TEXT, amount REAL, reason TEXT, at_h REAL);
CREATE TABLE IF NOT EXISTS apologies(id INTEGER PRIMARY KEY, customer_id TEXT, text TEXT, at_h REAL);
CREATE TABLE IF NOT EXISTS lessons(id INTEGER PRIMARY KEY, question TEXT, answer TEXT, case_id TEXT, at_h REAL);
"""


def found(db: sqlite3.Connection, *, seed: int, phrases: Mapping[str, Any]) -> None:
    """Customers with their orders and campaigns, the same for the same seed."""
    random = chance("company", seed)
    order = 10_000
    for number in range(1, CUSTOMERS + 1):
        customer = f"cust-{number:04d}"
        segment = random.choices(SEGMENTS, weights=(45, 30, 25))[0]
        base = round(random.uniform(62.0, 86.0), 1)
        db.execute(
            "INSERT INTO customers VALUES(?, ?, ?, ?, ?, ?, ?)",
            (
                customer,
                _name(random, segment, phrases),
                segment,
                random.choice(phrases["languages"]),
                base,
                base,
                REFUND_LIMITS[segment],
            ),
        )
        for _ in range(random.choice((1, 2, 2, 3))):
            order += random.randint(1, 9)
            product = random.choice(phrases["products"])
            row = (f"R-{order}", customer, product["name"], product["price"], random.randint(1, 200))
            db.execute("INSERT INTO orders VALUES(?, ?, ?, ?, ?)", row)
        _add_campaigns(db, random, customer, phrases)


def _name(random: Random, segment: str, phrases: Mapping[str, Any]) -> str:
    if segment == "business" and random.random() < 0.5:
        return str(random.choice(phrases["companies"]))
    return f"{random.choice(phrases['first_names'])} {random.choice(phrases['last_names'])}"


def _add_campaigns(db: sqlite3.Connection, random: Random, customer: str, phrases: Mapping[str, Any]) -> None:
    running = random.choices((0, 1, 2), weights=(25, 45, 30))[0]
    paused = random.choices((0, 1), weights=(80, 20))[0]
    for number, name in enumerate(random.sample(phrases["campaigns"], running + paused)):
        state = "running" if number < running else "paused"
        row = (f"{customer}-camp-{number + 1}", customer, name, round(random.uniform(5.0, 10.0), 2), state)
        db.execute("INSERT INTO campaigns VALUES(?, ?, ?, ?, ?, NULL, NULL)", row)
