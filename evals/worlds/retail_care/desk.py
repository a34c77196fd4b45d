"""The human desk: cases for two care teams, telephone calls, and the answers people find. Start with `Desk.take`."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

from evals.worlds.kit.store import life
from evals.worlds.kit.timeline import cloud_event, now_h, plan, queue_event
from evals.worlds.retail_care.catalogue import Catalogue, Matter
from evals.worlds.retail_care.chatbot import Article, Chatbot
from evals.worlds.retail_care.encoder import Encoder
from evals.worlds.retail_care.truth import DEADLINE_H, affair_of, count_handover, hours_to_resolve, resolve_affair

WORDINGS_KEPT = 3
"""Wordings of each matter that people have in mind; more only make starting slower."""
REVIEW_H = 48.0
"""From a case's solution until the desk looks at it again."""
KNOWN_FROM = 0.45
"""Likeness from which the desk recognises a question that it has an answer to."""


@dataclass(frozen=True, kw_only=True)
class HandOver:
    """What is asked of the desk."""

    kind: str
    """`case` or `call`."""
    customer_id: str
    question: str
    conversation_id: str | None = None
    complaint_id: str | None = None
    team: str | None = None
    priority: str = "normal"

    @property
    def reference(self) -> str | None:
        """The conversation or complaint it comes from."""
        return self.conversation_id or self.complaint_id


class Desk:
    """People who answer what the chatbot cannot. They know every matter of the catalogue."""

    def __init__(self, catalogue: Catalogue, encoder: Encoder) -> None:
        self._catalogue = catalogue
        matters = (*catalogue.missing, *catalogue.known)
        kept = [Article(id=m.id, asks=m.asks[:WORDINGS_KEPT], answer=m.answer, lesson=False) for m in matters]
        self._memory = Chatbot(encoder, kept)

    def warm_up(self) -> None:
        """Load what is needed to recognise questions."""
        self._memory.warm_up()

    def take(self, db: sqlite3.Connection, asked: HandOver) -> sqlite3.Row:
        """Put a case into a team's queue or book a call; it is resolved some hours later."""
        affair = affair_of(db, asked.customer_id, asked.reference)
        own = affair if affair is not None and _is_about(asked, affair) else None
        matter = self._catalogue.matter(own["matter"]) if own is not None else self.recognise(asked.question)
        topic = matter.topic if matter is not None else ""
        now, about = now_h(db), affair["id"] if affair is not None else asked.question
        hours = hours_to_resolve(
            db, kind=asked.kind, topic=topic, team=asked.team, priority=asked.priority, about=about
        )
        number = db.execute("SELECT count(*) FROM handovers").fetchone()[0] + 1
        id_ = f"{asked.kind}-{number:05d}"
        db.execute(
            "INSERT INTO handovers(id, kind, customer_id, affair_id, question, topic, matter, team, priority, "
            "conversation_id, opened_h, deadline_h, due_h) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                id_,
                asked.kind,
                asked.customer_id,
                affair["id"] if affair is not None else None,
                own["question"] if own is not None else asked.question,
                topic,
                matter.id if matter is not None else None,
                asked.team,
                asked.priority,
                asked.conversation_id,
                now,
                now + DEADLINE_H[asked.priority],
                now + hours,
            ),
        )
        count_handover(db, affair)
        plan(db, now + hours, "resolve", {"handover": id_})
        return _handover(db, id_)

    def resolve(self, db: sqlite3.Connection, id_: str) -> None:
        """Somebody found the answer: store it, tell the customer, announce it as an event."""
        handover = _handover(db, id_)
        customer = db.execute("SELECT * FROM customers WHERE id = ?", (handover["customer_id"],)).fetchone()
        matter = self._catalogue.matter(handover["matter"]) if handover["matter"] else None
        answer = _answer(db, matter, handover, customer)
        teachable = matter is not None and matter.teachable
        db.execute(
            "UPDATE handovers SET resolved_h = ?, answer = ?, teachable = ? WHERE id = ?",
            (now_h(db), answer, teachable, id_),
        )
        resolve_affair(db, handover)
        plan(db, now_h(db) + REVIEW_H, "review", {"handover": id_})
        event = cloud_event(
            id_=f"resolved-{life(db)}-{id_}",
            source="/worlds/retail_care/desk",
            type_="desk.case.resolved",
            subject=handover["customer_id"],
            data=_announcement(_handover(db, id_), customer["segment"]),
        )
        queue_event(db, event)

    def past_case(
        self,
        db: sqlite3.Connection,
        *,
        case_id: str,
        customer: sqlite3.Row,
        matter: Matter,
        question: str,
        answer: str,
        team: str,
    ) -> dict[str, Any]:
        """A case solved just now, its customer's marketing still paused; gives what the desk announces."""
        now = now_h(db)
        db.execute(
            "INSERT INTO handovers(id, kind, customer_id, question, topic, matter, team, priority, opened_h, "
            "deadline_h, due_h, resolved_h, answer, teachable) "
            "VALUES(?, 'case', ?, ?, ?, ?, ?, 'normal', ?, ?, ?, ?, ?, ?)",
            (
                case_id,
                customer["id"],
                question,
                matter.topic,
                matter.id,
                team,
                now - 9.0,
                now + 39.0,
                now,
                now,
                answer,
                matter.teachable,
            ),
        )
        db.execute(
            "UPDATE campaigns SET state = 'paused', reason = 'open case' WHERE customer_id = ? AND state = 'running'",
            (customer["id"],),
        )
        plan(db, now + REVIEW_H, "review", {"handover": case_id})
        return _announcement(_handover(db, case_id), customer["segment"])

    def recognise(self, question: str) -> Matter | None:
        """The matter a question is about, if people would recognise it."""
        found = self._memory.answer(question)
        return self._catalogue.matter(found.article.id) if found.score >= KNOWN_FROM else None


def _is_about(asked: HandOver, affair: sqlite3.Row) -> bool:
    if asked.reference is not None and asked.reference == affair["reference"]:
        return True
    return bool(affair["question"].casefold() in asked.question.casefold())


def _answer(db: sqlite3.Connection, matter: Matter | None, handover: sqlite3.Row, customer: sqlite3.Row) -> str:
    if matter is None:
        return (
            f"{customer['name']}, a colleague of the specialists has gone through your question with you "
            f"({handover['question'][:200]}) and settled it for your case."
        )
    orders = db.execute("SELECT id FROM orders WHERE customer_id = ? ORDER BY id", (customer["id"],)).fetchall()
    named = next((row["id"] for row in orders if row["id"] in handover["question"]), orders[0]["id"])
    return matter.answer.format(name=customer["name"], order_id=named)


def _announcement(handover: sqlite3.Row, segment: str) -> dict[str, Any]:
    data = {
        "case_id": handover["id"],
        "topic": handover["topic"] or "product",
        "question": handover["question"],
        "answer": handover["answer"],
        "segment": segment,
        "teachable": bool(handover["teachable"]),
    }
    optional = {"conversation_id": handover["conversation_id"], "team": handover["team"]}
    return data | {name: value for name, value in optional.items() if value is not None}


def _handover(db: sqlite3.Connection, id_: str) -> sqlite3.Row:
    row: sqlite3.Row = db.execute("SELECT * FROM handovers WHERE id = ?", (id_,)).fetchone()
    return row
