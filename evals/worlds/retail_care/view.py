"""What an observer of the world sees: its whole state, totals, and how well the chatbot does."""

from __future__ import annotations

import sqlite3
from random import Random
from typing import Any

from evals.worlds.kit.store import rows
from evals.worlds.kit.timeline import now_h
from evals.worlds.retail_care.catalogue import Catalogue
from evals.worlds.retail_care.chatbot import Chatbot
from evals.worlds.retail_care.truth import is_running


def state(db: sqlite3.Connection, *, articles: int) -> dict[str, Any]:
    """All rows and the figures by which arms are compared."""
    handovers = rows(db, "SELECT * FROM handovers ORDER BY opened_h, id")
    affairs = rows(db, "SELECT * FROM affairs ORDER BY opened_h, id")
    lessons = rows(db, "SELECT id, question, answer, case_id, at_h FROM lessons ORDER BY id")
    return {
        "totals": _totals(affairs, db),
        "customers": _customers(db),
        "affairs": affairs,
        "cases": [row for row in handovers if row["kind"] == "case"],
        "callbacks": [row for row in handovers if row["kind"] == "call"],
        "refunds": rows(db, "SELECT * FROM refunds ORDER BY id"),
        "apologies": rows(db, "SELECT * FROM apologies ORDER BY id"),
        "lessons": lessons,
        "knowledge_size": articles + len(lessons),
    }


def chats(catalogue: Catalogue, chatbot: Chatbot, *, n: int, random: Random) -> dict[str, Any]:
    """`n` customers ask; `right` counts those who got the true answer to their question. Changes nothing."""
    matters = [matter for matter in (*catalogue.missing, *catalogue.known) if matter.teachable]
    answered = right = 0
    failed: list[str] = []
    for _ in range(n):
        matter = random.choice(matters)
        question = random.choice(matter.asks)
        found = chatbot.answer(question)
        answered += found.answered
        if found.answered and found.article.answer == matter.answer:
            right += 1
        else:
            failed.append(question)
    return {"asked": n, "answered": answered, "right": right, "failed_questions": failed}


def _totals(affairs: list[dict[str, Any]], db: sqlite3.Connection) -> dict[str, Any]:
    closed = [affair for affair in affairs if affair["closed_h"] is not None]
    satisfaction = [affair["satisfaction"] for affair in closed]
    return {
        "affairs": len(affairs),
        "closed": len(closed),
        "repurchased": sum(affair["result"] == "repurchased" for affair in closed),
        "churned": sum(affair["result"] == "churned" for affair in closed),
        "mean_satisfaction_of_affected": round(sum(satisfaction) / len(satisfaction), 2) if satisfaction else None,
        "mean_satisfaction": round(db.execute("SELECT avg(satisfaction) FROM customers").fetchone()[0], 2),
        "marketing_contacts_to_angry_customers": sum(affair["contacts"] for affair in affairs),
        "refunded": round(db.execute("SELECT coalesce(sum(amount), 0) FROM refunds").fetchone()[0], 2),
    }


def _customers(db: sqlite3.Connection) -> list[dict[str, Any]]:
    now = now_h(db)
    campaigns: dict[str, list[dict[str, Any]]] = {}
    for row in db.execute("SELECT * FROM campaigns ORDER BY id"):
        shown = {"id": row["id"], "name": row["name"], "state": "running" if is_running(row, now) else "paused"}
        campaigns.setdefault(row["customer_id"], []).append(shown)
    orders: dict[str, list[dict[str, Any]]] = {}
    for row in db.execute("SELECT * FROM orders ORDER BY id"):
        shown = {"order_id": row["id"], "product": row["product"], "total": row["total"]}
        orders.setdefault(row["customer_id"], []).append(shown)
    return [
        {
            "customer_id": row["id"],
            "name": row["name"],
            "segment": row["segment"],
            "satisfaction": round(row["satisfaction"], 2),
            "campaigns": campaigns.get(row["id"], []),
            "orders": orders.get(row["id"], []),
            "refund_limit": row["refund_limit"],
        }
        for row in db.execute("SELECT * FROM customers ORDER BY id")
    ]
