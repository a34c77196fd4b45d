"""What really happens to customers, known to the world alone: anger, advertising, hand-overs, repurchase or churn.

An affair is one customer's trouble: it opens with an event, may be resolved through the desk, and closes with an
outcome. Start with `open_affair`; then `resolve_affair` and `close_affair`.
"""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass

from evals.worlds.kit.chance import chance
from evals.worlds.kit.store import get_meta
from evals.worlds.kit.timeline import Due, now_h, plan

FITTING_TEAM = {
    "technical": "harbour",
    "account": "harbour",
    "delivery": "meadow",
    "billing": "meadow",
    "product": "meadow",
}
CASE_GAIN = {"private": (45.0, 12.0), "premium": (45.0, 12.0), "business": (20.0, 6.0)}
"""Satisfaction won by a written case: worked by the fitting team, by the other one."""
CALL_GAIN = {"private": 2.0, "premium": 26.0, "business": 46.0}
CASE_HOURS = {True: (6.0, 14.0), False: (30.0, 44.0)}
"""Hours to resolve a case, from and to: by the fitting team, by the other one."""
CALL_HOURS = (2.0, 6.0)
PRIORITY_PACE = {"low": 1.3, "normal": 1.0, "high": 0.85}
DEADLINE_H = {"low": 72.0, "normal": 48.0, "high": 24.0}
ANGER = (26.0, 36.0)
CONTACT_COST, WAITING_COST_PER_H, REPEATED_HANDOVER_COST = 4.0, 0.12, 6.0
REFUND_GAIN, REFUND_MISSED_COST, APOLOGY_GAIN = 16.0, 8.0, 4.0
OUTCOME_H = (72.0, 96.0)
SILENT_MARKETING_COST = 0.04
"""Probability of a repurchase lost where all campaigns of a content customer still stand still."""


@dataclass(frozen=True, kw_only=True)
class Affair:
    """What is known when trouble begins."""

    id: str
    customer_id: str
    kind: str
    segment: str
    topic: str
    reference: str
    question: str
    matter: str | None
    money_asked: float | None = None


def open_affair(db: sqlite3.Connection, affair: Affair) -> None:
    """The customer is angry from now on; their campaigns go on unless somebody pauses them."""
    now, random = now_h(db), chance(_seed(db), "affair", affair.id)
    db.execute(
        "INSERT INTO affairs"
        "(id, customer_id, kind, segment, topic, reference, question, matter, opened_h, money_asked) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            affair.id,
            affair.customer_id,
            affair.kind,
            affair.segment,
            affair.topic,
            affair.reference,
            affair.question,
            affair.matter,
            now,
            affair.money_asked,
        ),
    )
    change_satisfaction(db, affair.customer_id, -random.uniform(*ANGER))
    for campaign in db.execute("SELECT * FROM campaigns WHERE customer_id = ? ORDER BY id", (affair.customer_id,)):
        first = now + campaign["every_h"] * random.uniform(0.4, 1.0)
        plan(db, first, "contact", {"affair": affair.id, "campaign": campaign["id"]})
    plan(db, now + random.uniform(*OUTCOME_H), "outcome", {"affair": affair.id})


def affair_of(db: sqlite3.Connection, customer_id: str, reference: str | None) -> sqlite3.Row | None:
    """The affair that a hand-over is about: the one referred to, else the customer's newest open one."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM affairs WHERE customer_id = ? AND closed_h IS NULL "
        "ORDER BY reference IS ? DESC, opened_h DESC, id DESC LIMIT 1",
        (customer_id, reference),
    ).fetchone()
    return row


def hours_to_resolve(
    db: sqlite3.Connection, *, kind: str, topic: str, team: str | None, priority: str, about: str
) -> float:
    """How long the desk will take; every open piece of work of a team adds a minute, four hours at most."""
    random = chance(_seed(db), "desk", kind, team or "", about)
    if kind == "call":
        return random.uniform(*CALL_HOURS)
    queue: int = db.execute("SELECT count(*) FROM handovers WHERE team = ? AND resolved_h IS NULL", (team,)).fetchone()[
        0
    ]
    work: float = random.uniform(*CASE_HOURS[FITTING_TEAM.get(topic) == team]) * PRIORITY_PACE[priority]
    return work + min(4.0, queue / 60)


def count_handover(db: sqlite3.Connection, affair: sqlite3.Row | None) -> None:
    """Who is asked the same by two people gets angrier."""
    if affair is None:
        return
    if affair["handovers"]:
        change_satisfaction(db, affair["customer_id"], -REPEATED_HANDOVER_COST)
    db.execute("UPDATE affairs SET handovers = handovers + 1 WHERE id = ?", (affair["id"],))


def resolve_affair(db: sqlite3.Connection, handover: sqlite3.Row) -> None:
    """The desk has solved it: anger ends, more or less content by route, team and waiting time."""
    affair = _affair(db, handover["affair_id"])
    if affair is None or affair["resolved_h"] is not None or affair["closed_h"] is not None:
        return
    now, segment = now_h(db), affair["segment"]
    if handover["kind"] == "call":
        gain = CALL_GAIN.get(segment, 10.0)
    else:
        fitting, other = CASE_GAIN.get(segment, (30.0, 10.0))
        gain = fitting if FITTING_TEAM.get(affair["topic"]) == handover["team"] else other
    change_satisfaction(db, affair["customer_id"], gain - WAITING_COST_PER_H * (now - affair["opened_h"]))
    db.execute("UPDATE affairs SET resolved_h = ? WHERE id = ?", (now, affair["id"]))


def refund(db: sqlite3.Connection, customer_id: str, amount: float) -> None:
    """Money back pleases whoever asked for it, once."""
    affair = affair_of(db, customer_id, None)
    if affair is None:
        return
    if affair["money_asked"] and not affair["refunded"]:
        change_satisfaction(db, customer_id, REFUND_GAIN * min(1.0, amount / affair["money_asked"]))
    db.execute("UPDATE affairs SET refunded = refunded + ? WHERE id = ?", (amount, affair["id"]))


def apologise(db: sqlite3.Connection, customer_id: str) -> None:
    """The first apology in an affair helps a little."""
    affair = affair_of(db, customer_id, None)
    if affair is None:
        return
    if not affair["apologies"]:
        change_satisfaction(db, customer_id, APOLOGY_GAIN)
    db.execute("UPDATE affairs SET apologies = apologies + 1 WHERE id = ?", (affair["id"],))


def contact(db: sqlite3.Connection, due: Due) -> None:
    """A campaign turns to the customer: costly while they are angry."""
    affair = _affair(db, due.payload["affair"])
    campaign = db.execute("SELECT * FROM campaigns WHERE id = ?", (due.payload["campaign"],)).fetchone()
    if affair is None or campaign is None or affair["resolved_h"] is not None or affair["closed_h"] is not None:
        return
    if is_running(campaign, due.at_h):
        change_satisfaction(db, affair["customer_id"], -CONTACT_COST)
        db.execute("UPDATE affairs SET contacts = contacts + 1 WHERE id = ?", (affair["id"],))
    plan(db, due.at_h + campaign["every_h"], "contact", due.payload)


def close_affair(db: sqlite3.Connection, affair_id: str) -> sqlite3.Row | None:
    """Decide between repurchase and churn, once; gives the closed affair, None if there is nothing to close."""
    affair = _affair(db, affair_id)
    if affair is None or affair["closed_h"] is not None:
        return None
    now, customer = now_h(db), affair["customer_id"]
    if affair["resolved_h"] is None:
        change_satisfaction(db, customer, -WAITING_COST_PER_H * (now - affair["opened_h"]))
    if affair["money_asked"] and not affair["refunded"]:
        change_satisfaction(db, customer, -REFUND_MISSED_COST)
    row = db.execute("SELECT satisfaction, base FROM customers WHERE id = ?", (customer,)).fetchone()
    lost = SILENT_MARKETING_COST if is_silent(db, customer, now) else 0.0
    odds = repurchase_probability(row["satisfaction"]) - lost
    result = "repurchased" if chance(_seed(db), "outcome", affair_id).random() < odds else "churned"
    db.execute(
        "UPDATE affairs SET closed_h = ?, satisfaction = ?, result = ? WHERE id = ?",
        (now, round(row["satisfaction"], 2), result, affair_id),
    )
    settled = row["base"] + 0.3 * (row["satisfaction"] - row["base"])
    db.execute("UPDATE customers SET satisfaction = ? WHERE id = ?", (settled, customer))
    return _affair(db, affair_id)


def repurchase_probability(satisfaction: float) -> float:
    """From 8 % for the angry to 92 % for the content, even at 54."""
    return min(0.92, max(0.08, 1 / (1 + math.exp((54.0 - satisfaction) / 8.0))))


def is_running(campaign: sqlite3.Row, at_h: float) -> bool:
    """Whether a campaign turns to its customer at an hour; a pause with an end ends by itself."""
    until = campaign["paused_until_h"]
    return bool(campaign["state"] == "running" or (until is not None and until <= at_h))


def is_silent(db: sqlite3.Connection, customer_id: str, at_h: float) -> bool:
    """Whether all campaigns of a customer who is part of any stand still."""
    campaigns = db.execute("SELECT * FROM campaigns WHERE customer_id = ?", (customer_id,)).fetchall()
    return bool(campaigns) and not any(is_running(campaign, at_h) for campaign in campaigns)


def has_open_trouble(db: sqlite3.Connection, customer_id: str) -> bool:
    """Whether nobody has solved the customer's present trouble yet."""
    found = "SELECT 1 FROM affairs WHERE customer_id = ? AND resolved_h IS NULL AND closed_h IS NULL"
    return db.execute(found, (customer_id,)).fetchone() is not None


def change_satisfaction(db: sqlite3.Connection, customer_id: str, by: float) -> None:
    """Within 0 and 100."""
    db.execute(
        "UPDATE customers SET satisfaction = min(100.0, max(0.0, satisfaction + ?)) WHERE id = ?", (by, customer_id)
    )


def _affair(db: sqlite3.Connection, id_: str | None) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute("SELECT * FROM affairs WHERE id = ?", (id_,)).fetchone()
    return row


def _seed(db: sqlite3.Connection) -> str:
    return get_meta(db, "seed") or "0"
