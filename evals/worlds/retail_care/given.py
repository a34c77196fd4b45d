"""What a case may put into the shop beside its founders' customers. Start with `arrange`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evals.worlds.kit.problems import ProblemError
from evals.worlds.kit.timeline import now_h
from evals.worlds.retail_care.company import REFUND_LIMITS

Id = Annotated[str, Field(min_length=1, max_length=128)]
Text = Annotated[str, Field(min_length=1, max_length=4000)]


class Part(BaseModel):
    """Unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid")


class Order(Part):
    """One purchase; `total` in euro."""

    order_id: Id
    product: Text
    total: float = Field(gt=0)
    days_ago: int = Field(default=10, ge=0)


class Campaign(Part):
    """Marketing that the customer is part of."""

    name: Text
    state: Literal["running", "paused"] = "running"


class Customer(Part):
    """A customer with everything that hangs on them; `satisfaction` from 0 to 100."""

    customer_id: Id
    name: Text = "Kim Vogel"
    segment: Literal["private", "business", "premium"] = "private"
    language: str = "en"
    satisfaction: float = Field(default=70.0, ge=0, le=100)
    orders: list[Order] = []
    campaigns: list[Campaign] = []


class Conversation(Part):
    """A chat with the support chatbot."""

    conversation_id: Id
    customer_id: Id
    topic: str = "delivery"
    channel: str = "web"
    question: Text
    message: Text
    chatbot_answer: Text = "I am sorry, I do not know that."
    solved: bool = False


class Lesson(Part):
    """A question and answer that the chatbot has been taught."""

    question: Text
    answer: Text


class Given(Part):
    """`POST /_world/arrange`."""

    customers: list[Customer] = []
    conversations: list[Conversation] = []
    lessons: list[Lesson] = []


def arrange(db: sqlite3.Connection, given: Mapping[str, Any]) -> None:
    """Add customers, conversations and lessons. Raises `ProblemError`."""
    try:
        asked = Given.model_validate(dict(given))
        for customer in asked.customers:
            _add_customer(db, customer)
        for conversation in asked.conversations:
            _add_conversation(db, conversation)
    except (ValidationError, sqlite3.IntegrityError) as error:
        raise ProblemError(422, f"This cannot be put into the shop: {error}") from error
    for lesson in asked.lessons:
        db.execute(
            "INSERT INTO lessons(question, answer, case_id, at_h) VALUES(?, ?, NULL, ?)",
            (lesson.question, lesson.answer, now_h(db)),
        )


def _add_customer(db: sqlite3.Connection, asked: Customer) -> None:
    limit, mood = REFUND_LIMITS[asked.segment], asked.satisfaction
    row = (asked.customer_id, asked.name, asked.segment, asked.language, mood, mood, limit)
    db.execute("INSERT INTO customers VALUES(?, ?, ?, ?, ?, ?, ?)", row)
    for order in asked.orders:
        bought = (order.order_id, asked.customer_id, order.product, order.total, order.days_ago)
        db.execute("INSERT INTO orders VALUES(?, ?, ?, ?, ?)", bought)
    for number, campaign in enumerate(asked.campaigns, start=1):
        id_ = f"{asked.customer_id}-camp-{number}"
        db.execute(
            "INSERT INTO campaigns VALUES(?, ?, ?, 8.0, ?, NULL, NULL)",
            (id_, asked.customer_id, campaign.name, campaign.state),
        )


def _add_conversation(db: sqlite3.Connection, asked: Conversation) -> None:
    said = (asked.topic, asked.channel, asked.message, asked.question, asked.chatbot_answer)
    db.execute(
        "INSERT INTO conversations VALUES(?, ?, ?, ?, ?, ?, ?, ?, NULL)",
        (asked.conversation_id, asked.customer_id, *said, asked.solved),
    )
