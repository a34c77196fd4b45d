"""What the tools take and give, as their OpenAPI document shows it. One class per request and per result."""

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

CustomerId = Annotated[str, Path(max_length=64, description="Id of the customer, for example cust-0042.")]
ConversationId = Annotated[str, Path(max_length=128, description="Id of the chat conversation.")]
CustomerField = Annotated[str, Field(min_length=1, max_length=64, description="Id of the customer concerned.")]
QuestionField = Annotated[
    str, Field(min_length=1, max_length=4000, description="The question or problem, in the customer's words.")
]
ConversationField = Annotated[
    str | None, Field(max_length=128, description="Id of the conversation in which the question came up.")
]
ComplaintField = Annotated[str | None, Field(max_length=128, description="Id of the complaint it belongs to.")]


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Order(BaseModel):
    order_id: str = Field(description="Id of the order.")
    product: str = Field(description="What was bought.")
    total: float = Field(description="Price paid, in euro.")
    days_ago: int = Field(description="Days since the order was placed.")


class Customer(BaseModel):
    customer_id: str = Field(description="Id of the customer.")
    name: str = Field(description="Name of the person or company.")
    segment: str = Field(description="private, business or premium.")
    language: str = Field(description="Language the customer reads.")
    satisfaction: float = Field(description="Present satisfaction, 0 to 100.")
    mood: str = Field(description="angry, uneasy or content.")
    history: str = Field(description="Summary of earlier contacts.")
    open_case_id: str | None = Field(description="Case at the desk that is still being worked on, if any.")
    last_orders: list[Order] = Field(description="Newest orders first.")
    refund_limit: float = Field(description="Largest single refund this customer may get, in euro.")


class Turn(BaseModel):
    speaker: str = Field(description="customer or chatbot.")
    text: str = Field(description="What was said.")


class Conversation(BaseModel):
    conversation_id: str = Field(description="Id of the conversation.")
    customer_id: str = Field(description="Id of the customer who took part.")
    topic: str = Field(description="What it was about.")
    channel: str = Field(description="Where it took place.")
    question: str = Field(description="The question at its heart.")
    solved: bool = Field(description="Whether the chatbot could help.")
    turns: list[Turn] = Field(description="What was said, in order.")


class ChatQuestion(Request):
    question: QuestionField


class ChatAnswer(BaseModel):
    answered: bool = Field(description="Whether the chatbot is sure enough to answer.")
    answer: str | None = Field(description="Its answer, null when it has none.")
    confidence: float = Field(description="How well the best article fits, 0 to 1.")
    article_id: str | None = Field(description="The article or lesson the answer is from.")


class Lesson(Request):
    question: QuestionField
    answer: str = Field(min_length=1, max_length=4000, description="The answer that was found for it.")
    case_id: str = Field(
        min_length=1, max_length=128, description="The resolved case from which question and answer come."
    )


class LessonLearned(BaseModel):
    lesson_id: str = Field(description="Id of the lesson.")
    knowledge_size: int = Field(description="Articles and lessons the chatbot now has.")


class Campaign(BaseModel):
    campaign_id: str = Field(description="Id of the campaign.")
    name: str = Field(description="Its name.")
    state: Literal["running", "paused"] = Field(description="Whether it contacts the customer at present.")
    paused_reason: str | None = Field(description="Why it is paused.")


class Campaigns(BaseModel):
    customer_id: str = Field(description="Id of the customer.")
    campaigns: list[Campaign] = Field(description="All campaigns of the customer.")
    running_count: int = Field(description="How many of them are running.")
    paused_count: int = Field(description="How many of them are paused.")


class Pause(Request):
    reason: str | None = Field(default=None, max_length=500, description="Why marketing should stop.")
    until_hours: float | None = Field(
        default=None,
        gt=0,
        le=8760,
        allow_inf_nan=False,
        description="Hours after which marketing starts again by itself.",
    )


class Paused(BaseModel):
    customer_id: str = Field(description="Id of the customer.")
    paused_count: int = Field(description="Campaigns that were running and are now paused.")


class Resumed(BaseModel):
    customer_id: str = Field(description="Id of the customer.")
    resumed_count: int = Field(description="Campaigns that were paused and now run again.")


class Case(Request):
    customer_id: CustomerField
    question: QuestionField
    team: Literal["harbour", "meadow"] = Field(description="The care team that works on the case.")
    conversation_id: ConversationField = None
    complaint_id: ComplaintField = None
    summary: str | None = Field(default=None, max_length=4000, description="What a colleague should know beforehand.")
    priority: Literal["low", "normal", "high"] = Field(default="normal", description="How urgent the case is.")


class CaseOpened(BaseModel):
    case_id: str = Field(description="Id of the new case.")
    team: str = Field(description="The care team that works on it.")
    deadline_hours: float = Field(description="Hours within which the desk promises an answer.")


class Callback(Request):
    customer_id: CustomerField
    question: QuestionField
    conversation_id: ConversationField = None
    complaint_id: ComplaintField = None


class CallbackBooked(BaseModel):
    callback_id: str = Field(description="Id of the booked call.")
    deadline_hours: float = Field(description="Hours within which a colleague calls.")


class Refund(Request):
    customer_id: CustomerField
    order_id: str = Field(min_length=1, max_length=64, description="Id of the order that is paid back.")
    amount: float = Field(gt=0, le=100_000, allow_inf_nan=False, description="Money to pay back, in euro.")
    reason: str | None = Field(default=None, max_length=500, description="Why it is paid back.")


class Refunded(BaseModel):
    refund_id: str = Field(description="Id of the refund.")
    amount: float = Field(description="Money paid back, in euro.")


class Apology(Request):
    customer_id: CustomerField
    complaint_id: ComplaintField = None
    tone: Literal["formal", "warm"] = Field(default="warm", description="How the message sounds.")


class ApologySent(BaseModel):
    message_id: str = Field(description="Id of the message.")
    text: str = Field(description="What was written to the customer.")
