"""What the desk finds when it looks again at a solved case: at the chatbot and at the customer. Start with `review`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evals.worlds.kit.timeline import now_h
from evals.worlds.retail_care.chatbot import Chatbot
from evals.worlds.retail_care.tools import lessons
from evals.worlds.retail_care.truth import has_open_trouble, is_silent


@dataclass(frozen=True, kw_only=True)
class Review:
    """A customer's last solved case, some days on."""

    customer_id: str
    data: Mapping[str, Any]


def review(db: sqlite3.Connection, chatbot: Chatbot, case_id: str) -> Review | None:
    """Ask the chatbot the case's question again and look at the customer; None if a later case took its place."""
    case = db.execute("SELECT *, rowid FROM handovers WHERE id = ?", (case_id,)).fetchone()
    if case is None or _is_replaced(db, case):
        return None
    id_ = case["customer_id"]
    customer = db.execute("SELECT satisfaction FROM customers WHERE id = ?", (id_,)).fetchone()
    paused = is_silent(db, id_, now_h(db)) and not has_open_trouble(db, id_)
    data = {
        "case_id": case_id,
        "teachable": bool(case["teachable"]),
        "chatbot_right": _is_right(db, chatbot, case),
        "marketing_paused": paused,
        "satisfaction": round(customer["satisfaction"], 1),
    }
    return Review(customer_id=id_, data=data)


def _is_right(db: sqlite3.Connection, chatbot: Chatbot, case: sqlite3.Row) -> bool:
    """Whether the bot gives the case's answer, or, where that holds for its customer only, was not taught it."""
    if not case["teachable"]:
        taught = "SELECT 1 FROM lessons WHERE case_id = ? OR answer = ?"
        return db.execute(taught, (case["id"], case["answer"])).fetchone() is None
    chatbot.learn(lessons(db))
    found = chatbot.answer(case["question"])
    return bool(found.answered and found.article.answer == case["answer"])


def _is_replaced(db: sqlite3.Connection, case: sqlite3.Row) -> bool:
    later = (
        "SELECT 1 FROM handovers WHERE customer_id = ? AND resolved_h IS NOT NULL AND (resolved_h, rowid) > (?, ?) "
        "LIMIT 1"
    )
    return db.execute(later, (case["customer_id"], case["resolved_h"], case["rowid"])).fetchone() is not None
