"""The seeded generator of events; what an event refers to exists once it is made. Start with `EventMaker.make`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from evals.worlds.kit.chance import chance
from evals.worlds.kit.store import get_meta
from evals.worlds.kit.timeline import cloud_event
from evals.worlds.retail_care.catalogue import TEAMS, Catalogue, Matter
from evals.worlds.retail_care.company import CUSTOMERS
from evals.worlds.retail_care.desk import Desk
from evals.worlds.retail_care.truth import Affair, change_satisfaction, open_affair
from evals.worlds.retail_care.wording import Speaker, Wording

SOURCE = "/worlds/retail_care"
DESK_SOURCE = f"{SOURCE}/desk"
SHOP_SOURCE = f"{SOURCE}/shop"

FAILED = "support.conversation.failed"
SOLVED = "support.conversation.solved"
COMPLAINT = "customer.complaint.received"
RESOLVED = "desk.case.resolved"
REPURCHASED = "customer.repurchased"
CHURNED = "customer.churned"
REVIEWED = "desk.case.reviewed"

FIRST_CUSTOMER = {FAILED: 0, COMPLAINT: 140, RESOLVED: 250, SOLVED: 320, REPURCHASED: 360, CHURNED: 380, REVIEWED: 390}
"""Where each type begins in a seed's order of customers, so that moderate numbers do not meet the same people."""
SHORT = {
    FAILED: "failed",
    COMPLAINT: "complaint",
    RESOLVED: "resolved",
    SOLVED: "solved",
    REPURCHASED: "repurchase",
    CHURNED: "churn",
    REVIEWED: "review",
}
PERSONAL_SHARE = 0.25
MONEY_BACK_SHARE = 0.4


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One event in the making."""

    id: str
    tail: str
    """What tells it from other events of its type."""
    random: Random
    customer: sqlite3.Row
    order: sqlite3.Row
    speaker: Speaker
    sentiment: float


class EventMaker:
    """Makes events on existing customers; the same world, type, seed and number give the same event."""

    def __init__(self, catalogue: Catalogue, desk: Desk) -> None:
        self._catalogue, self._desk = catalogue, desk
        self._wording = Wording(phrases=catalogue.phrases)
        self._makers: Mapping[str, Callable[[sqlite3.Connection, Scene], tuple[str, dict[str, Any]]]] = {
            FAILED: self._failed,
            SOLVED: self._solved,
            COMPLAINT: self._complaint,
            RESOLVED: self._resolved,
            REPURCHASED: self._repurchased,
            CHURNED: self._churned,
            REVIEWED: self._reviewed,
        }

    def make(self, db: sqlite3.Connection, *, type_: str, seed: int, number: int) -> dict[str, Any]:
        """One event, its consequences in the world included."""
        scene = self._scene(db, type_, seed, number)
        source, data = self._makers[type_](db, scene)
        return cloud_event(id_=scene.id, source=source, type_=type_, subject=scene.customer["id"], data=data)

    def _scene(self, db: sqlite3.Connection, type_: str, seed: int, number: int) -> Scene:
        tail = f"{get_meta(db, 'seed')}-{seed}-{number:04d}"
        order_of_people = chance("people", seed).sample(range(1, CUSTOMERS + 1), CUSTOMERS)
        who = f"cust-{order_of_people[(FIRST_CUSTOMER[type_] + number) % CUSTOMERS]:04d}"
        random = chance("event", type_, tail)
        customer = db.execute("SELECT * FROM customers WHERE id = ?", (who,)).fetchone()
        order = random.choice(db.execute("SELECT * FROM orders WHERE customer_id = ? ORDER BY id", (who,)).fetchall())
        mood, sentiment = self._wording.mood(random, angry=type_ in (FAILED, COMPLAINT))
        return Scene(
            id=f"{SHORT[type_]}-{tail}",
            tail=tail,
            random=random,
            customer=customer,
            order=order,
            speaker=Speaker(name=customer["name"], order_id=order["id"], product=order["product"], mood=mood),
            sentiment=sentiment,
        )

    def _missing(self, random: Random) -> Matter:
        personal = random.random() < PERSONAL_SHARE
        return random.choice([matter for matter in self._catalogue.missing if matter.teachable != personal])

    def _speaker(self, scene: Scene, matter: Matter) -> Speaker:
        """The customer, speaking of the product that the matter is about, if it is about one."""
        text = " ".join((*matter.asks, matter.answer))
        names = [product["name"] for product in self._catalogue.phrases["products"]]
        product = next((name for name in names if name.split()[0] in text), scene.speaker.product)
        return replace(scene.speaker, product=product)

    def _failed(self, db: sqlite3.Connection, scene: Scene) -> tuple[str, dict[str, Any]]:
        random, matter = scene.random, self._missing(scene.random)
        speaker = self._speaker(scene, matter)
        question = self._wording.question(random, matter, speaker)
        like = [known for known in self._catalogue.known if known.topic == matter.topic]
        data = {
            "conversation_id": f"conv-{scene.tail}",
            "topic": matter.topic,
            "segment": scene.customer["segment"],
            "channel": random.choice(self._catalogue.phrases["channels"]),
            "message": self._wording.message(random, question, speaker),
            "question": question,
            "sentiment": scene.sentiment,
            "chatbot_answer": self._wording.shrug(random, random.choice(like)),
        }
        _keep_conversation(db, scene.customer["id"], data, matter=matter.id, solved=False)
        open_affair(db, _affair(scene, "conversation", data["conversation_id"], matter, question))
        return SOURCE, data

    def _solved(self, db: sqlite3.Connection, scene: Scene) -> tuple[str, dict[str, Any]]:
        random = scene.random
        matter = random.choice(self._catalogue.known)
        question = self._wording.question(random, matter, scene.speaker)
        data = {
            "conversation_id": f"conv-s-{scene.tail}",
            "topic": matter.topic,
            "segment": scene.customer["segment"],
            "channel": random.choice(self._catalogue.phrases["channels"]),
            "message": self._wording.message(random, question, scene.speaker),
            "question": question,
            "sentiment": scene.sentiment,
            "chatbot_answer": matter.answer,
        }
        _keep_conversation(db, scene.customer["id"], data, matter=matter.id, solved=True)
        change_satisfaction(db, scene.customer["id"], 5.0)
        return SOURCE, data

    def _complaint(self, db: sqlite3.Connection, scene: Scene) -> tuple[str, dict[str, Any]]:
        random, matter = scene.random, self._missing(scene.random)
        speaker = self._speaker(scene, matter)
        question = self._wording.question(random, matter, speaker)
        limit = min(scene.order["total"], scene.customer["refund_limit"])
        asks_money = random.random() < MONEY_BACK_SHARE
        amount = round(limit * random.choice((0.2, 0.25, 0.5, 1.0)), 2) if asks_money else None
        message = self._wording.complaint(random, question, speaker, amount)
        data: dict[str, Any] = {
            "complaint_id": f"compl-{scene.tail}",
            "topic": matter.topic,
            "segment": scene.customer["segment"],
            "channel": random.choice(("web", "email")),
            "message": message,
            "sentiment": scene.sentiment,
        }
        if scene.order["id"] in message:
            data["order_id"] = scene.order["id"]
        if amount is not None:
            data |= {"order_id": scene.order["id"], "amount": amount}
        open_affair(db, _affair(scene, "complaint", data["complaint_id"], matter, question, money_asked=amount))
        return SOURCE, data

    def _resolved(self, db: sqlite3.Connection, scene: Scene) -> tuple[str, dict[str, Any]]:
        random, matter = scene.random, self._missing(scene.random)
        question = self._wording.question(random, matter, scene.speaker)
        return DESK_SOURCE, self._desk.past_case(
            db,
            case_id=f"case-{scene.tail}",
            customer=scene.customer,
            matter=matter,
            question=question,
            answer=matter.answer.format(name=scene.customer["name"], order_id=scene.order["id"]),
            team=random.choice(TEAMS),
        )

    def _repurchased(self, _: sqlite3.Connection, scene: Scene) -> tuple[str, dict[str, Any]]:
        random = scene.random
        return SHOP_SOURCE, {
            "customer_id": scene.customer["id"],
            "amount": round(random.uniform(15.0, 400.0), 2),
            "satisfaction": round(random.uniform(60.0, 95.0), 1),
            "hours_after": round(random.uniform(72.0, 96.0), 1),
        }

    def _churned(self, _: sqlite3.Connection, scene: Scene) -> tuple[str, dict[str, Any]]:
        random = scene.random
        return SHOP_SOURCE, {
            "customer_id": scene.customer["id"],
            "reason_code": random.choice(self._catalogue.phrases["churn_reasons"]),
            "satisfaction": round(random.uniform(5.0, 45.0), 1),
            "hours_after": round(random.uniform(72.0, 96.0), 1),
        }

    def _reviewed(self, _: sqlite3.Connection, scene: Scene) -> tuple[str, dict[str, Any]]:
        random = scene.random
        return DESK_SOURCE, {
            "case_id": f"case-{scene.tail}",
            "teachable": random.random() >= PERSONAL_SHARE,
            "chatbot_right": random.random() < 0.5,
            "marketing_paused": random.random() < 0.5,
            "satisfaction": round(random.uniform(5.0, 95.0), 1),
        }


def _affair(
    scene: Scene, kind: str, reference: str, matter: Matter, question: str, money_asked: float | None = None
) -> Affair:
    return Affair(
        id=scene.id,
        customer_id=scene.customer["id"],
        kind=kind,
        segment=scene.customer["segment"],
        topic=matter.topic,
        reference=reference,
        question=question,
        matter=matter.id,
        money_asked=money_asked,
    )


def _keep_conversation(
    db: sqlite3.Connection, customer_id: str, data: Mapping[str, Any], *, matter: str, solved: bool
) -> None:
    names = ("topic", "channel", "message", "question", "chatbot_answer")
    db.execute(
        "INSERT INTO conversations VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (data["conversation_id"], customer_id, *(data[name] for name in names), solved, matter),
    )
