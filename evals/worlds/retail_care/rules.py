"""The world `retail_care`: an electronics and home shop with a chatbot that lacks answers. Start with `RetailCare`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query

from evals.worlds.kit.chance import chance
from evals.worlds.kit.store import life
from evals.worlds.kit.timeline import Due, cloud_event, now_h, queue_event
from evals.worlds.retail_care import company, tools, truth, view
from evals.worlds.retail_care.catalogue import Catalogue, Matter, load_catalogue
from evals.worlds.retail_care.chatbot import Article, Chatbot
from evals.worlds.retail_care.desk import Desk
from evals.worlds.retail_care.encoder import Encoder
from evals.worlds.retail_care.events import (
    CHURNED,
    DESK_SOURCE,
    FIRST_CUSTOMER,
    REPURCHASED,
    REVIEWED,
    SHOP_SOURCE,
    EventMaker,
)
from evals.worlds.retail_care.given import arrange
from evals.worlds.retail_care.review import review
from evals.worlds.retail_care.vectors import prepared_vectors


class RetailCare:
    """Customers who buy, ask, get angry, stay or leave; the tools that can do something about it."""

    title = "Hearthwire customer care"
    description = "Customer records, support chatbot, personalization engine, service desk and refunds of a shop."
    schema = company.SCHEMA
    event_types = tuple(FIRST_CUSTOMER)
    reads = tools.READS
    ignore_key = tools.IGNORE_KEY

    def __init__(self, *, catalogue: Catalogue, encoder: Encoder) -> None:
        self._catalogue, self._encoder = catalogue, encoder
        self._chatbot = Chatbot(encoder, [_article(matter) for matter in catalogue.known])
        self._desk = Desk(catalogue, encoder)
        self._events = EventMaker(catalogue, self._desk)

    def found(self, db: sqlite3.Connection, *, seed: int) -> None:
        """Fill the empty tables for hour 0."""
        company.found(db, seed=seed, phrases=self._catalogue.phrases)

    def arrange(self, db: sqlite3.Connection, given: Mapping[str, Any]) -> None:
        """Customers, conversations and lessons of a case."""
        arrange(db, given)

    def add_tools(self, router: APIRouter, db: sqlite3.Connection) -> None:
        """One operation per tool."""
        tools.add_tools(router, db, chatbot=self._chatbot, desk=self._desk)

    def add_routes(self, router: APIRouter, db: sqlite3.Connection) -> None:
        """`/_world/chats`: how well the chatbot does at present on customers' questions that have one right answer."""

        @router.get("/chats")
        async def chats(
            n: Annotated[int, Query(ge=1, le=500)] = 50,
            seed: Annotated[int, Query(ge=-(2**53), le=2**53)] = 0,
        ) -> dict[str, Any]:
            self._chatbot.learn(tools.lessons(db))
            return view.chats(self._catalogue, self._chatbot, n=n, random=chance("chats", seed))

    def make_event(self, db: sqlite3.Connection, *, type_: str, seed: int, number: int) -> Mapping[str, Any]:
        """An event and its consequences."""
        return self._events.make(db, type_=type_, seed=seed, number=number)

    def happen(self, db: sqlite3.Connection, due: Due) -> None:
        """Advertising reaches a customer, the desk finds an answer or looks at it again, a customer decides."""
        if due.kind == "contact":
            truth.contact(db, due)
        elif due.kind == "resolve":
            self._desk.resolve(db, due.payload["handover"])
        elif due.kind == "review":
            self._announce_review(db, due.payload["handover"])
        elif due.kind == "outcome":
            _announce_outcome(db, due.payload["affair"])

    def _announce_review(self, db: sqlite3.Connection, case_id: str) -> None:
        found = review(db, self._chatbot, case_id)
        if found is not None:
            id_ = f"review-{life(db)}-{case_id}"
            queue_event(
                db,
                cloud_event(id_=id_, source=DESK_SOURCE, type_=REVIEWED, subject=found.customer_id, data=found.data),
            )

    def state(self, db: sqlite3.Connection) -> Mapping[str, Any]:
        """Everything there is, with totals."""
        return view.state(db, articles=self._chatbot.size)

    def warm_up(self) -> None:
        """Load the model and index what chatbot and desk know."""
        self._encoder.warm_up()
        self._chatbot.warm_up()
        self._desk.warm_up()


def make_rules() -> RetailCare:
    """The world with its own data."""
    catalogue = load_catalogue()
    return RetailCare(catalogue=catalogue, encoder=Encoder(prepared_vectors(catalogue)))


def _article(matter: Matter) -> Article:
    return Article(id=matter.id, asks=matter.asks, answer=matter.answer, lesson=False)


def _announce_outcome(db: sqlite3.Connection, affair_id: str) -> None:
    affair = truth.close_affair(db, affair_id)
    if affair is None:
        return
    random = chance("purchase", affair_id)
    data: dict[str, Any] = {
        "customer_id": affair["customer_id"],
        "satisfaction": round(affair["satisfaction"], 1),
        "hours_after": round(now_h(db) - affair["opened_h"], 1),
    }
    if affair["result"] == "repurchased":
        data["amount"] = round(random.uniform(15.0, 400.0), 2)
    elif affair["contacts"] >= 3:
        data["reason_code"] = "too_much_advertising"
    elif affair["resolved_h"] is None:
        data["reason_code"] = "unresolved_problem"
    else:
        slow = affair["resolved_h"] - affair["opened_h"] > 24.0
        data["reason_code"] = "slow_service" if slow else "moved_to_competitor"
    type_ = REPURCHASED if affair["result"] == "repurchased" else CHURNED
    id_ = f"outcome-{life(db)}-{affair_id}"
    event = cloud_event(id_=id_, source=SHOP_SOURCE, type_=type_, subject=affair["customer_id"], data=data)
    queue_event(db, event)
