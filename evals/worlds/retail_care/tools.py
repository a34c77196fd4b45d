"""The company's AI tools as HTTP operations; each name is a tool's name. Start with `add_tools`."""

from __future__ import annotations

import sqlite3

from fastapi import APIRouter

from evals.worlds.kit.problems import ProblemError
from evals.worlds.kit.timeline import now_h
from evals.worlds.retail_care import forms
from evals.worlds.retail_care.chatbot import Article, Chatbot
from evals.worlds.retail_care.desk import Desk, HandOver
from evals.worlds.retail_care.truth import apologise, is_running, refund

READS = frozenset({"find_customer", "read_conversation", "ask_chatbot", "list_campaigns"})
IGNORE_KEY = frozenset({"issue_refund", "book_callback"})


def add_tools(router: APIRouter, db: sqlite3.Connection, *, chatbot: Chatbot, desk: Desk) -> None:
    """Every tool of the company."""
    _add_understanding(router, db)
    _add_chatbot(router, db, chatbot)
    _add_campaigns(router, db)
    _add_desk(router, db, desk)
    _add_compensation(router, db)


def lessons(db: sqlite3.Connection) -> list[Article]:
    """What the chatbot was taught, oldest first."""
    rows = db.execute("SELECT * FROM lessons ORDER BY id").fetchall()
    return [Article(id=f"lesson-{r['id']}", asks=(r["question"],), answer=r["answer"], lesson=True) for r in rows]


def _add_understanding(router: APIRouter, db: sqlite3.Connection) -> None:
    @router.get("/customers/{customer_id}", summary="Look up a customer")
    async def find_customer(customer_id: forms.CustomerId) -> forms.Customer:
        """The customer's record: segment, language, present mood, earlier contacts, open case, last orders."""
        return _customer_card(db, _customer(db, customer_id))

    @router.get("/conversations/{conversation_id}", summary="Read a chat conversation")
    async def read_conversation(conversation_id: forms.ConversationId) -> forms.Conversation:
        """What customer and chatbot said to each other in one support conversation."""
        row = db.execute("SELECT * FROM conversations WHERE id = ?", (conversation_id,)).fetchone()
        if row is None:
            raise ProblemError(404, f"There is no conversation {conversation_id!r}.")
        said = [("customer", row["question"]), ("chatbot", row["chatbot_answer"]), ("customer", row["message"])]
        return forms.Conversation(
            conversation_id=row["id"],
            customer_id=row["customer_id"],
            topic=row["topic"],
            channel=row["channel"],
            question=row["question"],
            solved=bool(row["solved"]),
            turns=[forms.Turn(speaker=speaker, text=text) for speaker, text in said],
        )


def _add_chatbot(router: APIRouter, db: sqlite3.Connection, chatbot: Chatbot) -> None:
    @router.post("/chatbot/answers", summary="Ask the support chatbot a question")
    async def ask_chatbot(body: forms.ChatQuestion) -> forms.ChatAnswer:
        """What the chatbot would answer to a question at present, and whether it is sure enough. Changes nothing."""
        chatbot.learn(lessons(db))
        found = chatbot.answer(body.question)
        return forms.ChatAnswer(
            answered=found.answered,
            answer=found.article.answer if found.answered else None,
            confidence=min(1.0, max(0.0, found.score)),
            article_id=found.article.id if found.answered else None,
        )

    @router.post("/chatbot/lessons", summary="Teach the support chatbot", status_code=201)
    async def teach_chatbot(body: forms.Lesson) -> forms.LessonLearned:
        """Add a question and its answer to what the chatbot knows, so that it answers the next customer who asks it."""
        db.execute("DELETE FROM lessons WHERE lower(trim(question)) = lower(trim(?))", (body.question,))
        added = db.execute(
            "INSERT INTO lessons(question, answer, case_id, at_h) VALUES(?, ?, ?, ?)",
            (body.question, body.answer, body.case_id, now_h(db)),
        )
        taught = db.execute("SELECT count(*) FROM lessons").fetchone()[0]
        return forms.LessonLearned(lesson_id=f"lesson-{added.lastrowid}", knowledge_size=chatbot.size + taught)


def _add_campaigns(router: APIRouter, db: sqlite3.Connection) -> None:
    @router.get("/customers/{customer_id}/campaigns", summary="List the marketing campaigns of a customer")
    async def list_campaigns(customer_id: forms.CustomerId) -> forms.Campaigns:
        """See which marketing campaigns the customer is part of, and which of them are running or paused."""
        _customer(db, customer_id)
        campaigns = [_campaign(row, now_h(db)) for row in _campaign_rows(db, customer_id)]
        running = sum(campaign.state == "running" for campaign in campaigns)
        return forms.Campaigns(
            customer_id=customer_id,
            campaigns=campaigns,
            running_count=running,
            paused_count=len(campaigns) - running,
        )

    @router.post("/customers/{customer_id}/campaigns/pause", summary="Pause the marketing to a customer")
    async def pause_campaigns(customer_id: forms.CustomerId, body: forms.Pause | None = None) -> forms.Paused:
        """Stop all running marketing campaigns to the customer, until they are resumed."""
        _customer(db, customer_id)
        now, asked = now_h(db), body or forms.Pause()
        until = None if asked.until_hours is None else now + asked.until_hours
        running = [row["id"] for row in _campaign_rows(db, customer_id) if is_running(row, now)]
        for id_ in running:
            values = (asked.reason, until, id_)
            db.execute("UPDATE campaigns SET state = 'paused', reason = ?, paused_until_h = ? WHERE id = ?", values)
        return forms.Paused(customer_id=customer_id, paused_count=len(running))

    @router.post("/customers/{customer_id}/campaigns/resume", summary="Resume the marketing to a customer")
    async def resume_campaigns(customer_id: forms.CustomerId) -> forms.Resumed:
        """Let all paused marketing campaigns to the customer run again."""
        _customer(db, customer_id)
        paused = [row["id"] for row in _campaign_rows(db, customer_id) if not is_running(row, now_h(db))]
        for id_ in paused:
            change = "UPDATE campaigns SET state = 'running', reason = NULL, paused_until_h = NULL WHERE id = ?"
            db.execute(change, (id_,))
        return forms.Resumed(customer_id=customer_id, resumed_count=len(paused))


def _add_desk(router: APIRouter, db: sqlite3.Connection, desk: Desk) -> None:
    @router.post("/desk/cases", summary="Open a case for a person at the service desk", status_code=201)
    async def open_case(body: forms.Case) -> forms.CaseOpened:
        """Hand a customer's question over to a care team of people, who solve it and answer the customer."""
        _customer(db, body.customer_id)
        asked = HandOver(
            kind="case",
            customer_id=body.customer_id,
            question=body.question,
            conversation_id=body.conversation_id,
            complaint_id=body.complaint_id,
            team=body.team,
            priority=body.priority,
        )
        row = desk.take(db, asked)
        deadline = row["deadline_h"] - row["opened_h"]
        return forms.CaseOpened(case_id=row["id"], team=body.team, deadline_hours=deadline)

    @router.post("/desk/callbacks", summary="Book a call from a person at the service desk", status_code=201)
    async def book_callback(body: forms.Callback) -> forms.CallbackBooked:
        """Hand a customer's question over to a person who calls the customer by telephone and solves it."""
        _customer(db, body.customer_id)
        asked = HandOver(
            kind="call",
            customer_id=body.customer_id,
            question=body.question,
            conversation_id=body.conversation_id,
            complaint_id=body.complaint_id,
        )
        row = desk.take(db, asked)
        return forms.CallbackBooked(callback_id=row["id"], deadline_hours=row["deadline_h"] - row["opened_h"])


def _add_compensation(router: APIRouter, db: sqlite3.Connection) -> None:
    @router.post("/refunds", summary="Refund money to a customer", status_code=201)
    async def issue_refund(body: forms.Refund) -> forms.Refunded:
        """Pay back money for an order, at most its price and the customer's limit."""
        customer = _customer(db, body.customer_id)
        _check_refund(db, customer, body)
        added = db.execute(
            "INSERT INTO refunds(customer_id, order_id, amount, reason, at_h) VALUES(?, ?, ?, ?, ?)",
            (body.customer_id, body.order_id, body.amount, body.reason, now_h(db)),
        )
        refund(db, body.customer_id, body.amount)
        return forms.Refunded(refund_id=f"refund-{added.lastrowid}", amount=body.amount)

    @router.post("/apologies", summary="Send an apology to a customer", status_code=201)
    async def send_apology(body: forms.Apology) -> forms.ApologySent:
        """Write the customer a message that says sorry for the trouble. Solves nothing by itself."""
        name = _customer(db, body.customer_id)["name"]
        text = (
            f"Dear {name}, please accept our apology for the trouble you have had with us."
            if body.tone == "formal"
            else f"Hello {name}, we are sorry. This went wrong on our side, and we are putting it right."
        )
        added = db.execute(
            "INSERT INTO apologies(customer_id, text, at_h) VALUES(?, ?, ?)", (body.customer_id, text, now_h(db))
        )
        apologise(db, body.customer_id)
        return forms.ApologySent(message_id=f"message-{added.lastrowid}", text=text)


def _check_refund(db: sqlite3.Connection, customer: sqlite3.Row, body: forms.Refund) -> None:
    order = db.execute("SELECT * FROM orders WHERE id = ?", (body.order_id,)).fetchone()
    if order is None or order["customer_id"] != customer["id"]:
        raise ProblemError(422, f"Order {body.order_id!r} is not an order of customer {customer['id']!r}.")
    limit = min(order["total"], customer["refund_limit"])
    if body.amount > limit:
        raise ProblemError(422, f"The amount {body.amount:.2f} is above what may be refunded here, {limit:.2f}.")


def _customer(db: sqlite3.Connection, id_: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute("SELECT * FROM customers WHERE id = ?", (id_,)).fetchone()
    if row is None:
        raise ProblemError(404, f"There is no customer {id_!r}.")
    return row


def _customer_card(db: sqlite3.Connection, row: sqlite3.Row) -> forms.Customer:
    id_ = row["id"]
    orders = db.execute("SELECT * FROM orders WHERE customer_id = ? ORDER BY days_ago, id", (id_,)).fetchall()
    talks, failed = db.execute(
        "SELECT count(*), coalesce(sum(NOT solved), 0) FROM conversations WHERE customer_id = ?", (id_,)
    ).fetchone()
    case = db.execute(
        "SELECT id FROM handovers WHERE customer_id = ? AND kind = 'case' AND resolved_h IS NULL ORDER BY id LIMIT 1",
        (id_,),
    ).fetchone()
    handed = db.execute("SELECT count(*) FROM handovers WHERE customer_id = ?", (id_,)).fetchone()[0]
    mood = "angry" if row["satisfaction"] < 50 else "uneasy" if row["satisfaction"] < 65 else "content"
    return forms.Customer(
        customer_id=id_,
        name=row["name"],
        segment=row["segment"],
        language=row["language"],
        satisfaction=round(row["satisfaction"], 1),
        mood=mood,
        history=f"{talks} chat conversations, {failed} of them failed; {handed} hand-overs to the desk.",
        open_case_id=case["id"] if case is not None else None,
        last_orders=[
            forms.Order(order_id=o["id"], product=o["product"], total=o["total"], days_ago=o["days_ago"])
            for o in orders
        ],
        refund_limit=row["refund_limit"],
    )


def _campaign_rows(db: sqlite3.Connection, customer_id: str) -> list[sqlite3.Row]:
    return db.execute("SELECT * FROM campaigns WHERE customer_id = ? ORDER BY id", (customer_id,)).fetchall()


def _campaign(row: sqlite3.Row, at_h: float) -> forms.Campaign:
    running = is_running(row, at_h)
    return forms.Campaign(
        campaign_id=row["id"],
        name=row["name"],
        state="running" if running else "paused",
        paused_reason=None if running else row["reason"],
    )
