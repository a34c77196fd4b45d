"""The chat with a chat model: what reaches it, what it may do, and what becomes of what it makes up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.deciders.chat import ChatDecider
from agent.operating.model import conversation, offered
from agent.operating.types import Asks, Called, ChatEvent, Over, Said, Wrote
from agent.operators import OperatorsChat
from agent.service import Segue
from tests.agent.company import open_company
from tests.operating.tool_company import ALICE, HOSTILE, READER, TOOLBOX, AsTold
from tests.scripted_model import Request, ScriptedModel, calls, error, text


def chat_with(segue: Segue, model: ScriptedModel) -> OperatorsChat:
    """The chat, answered by this model."""
    decider = ChatDecider(model="scripted", base_url=model.base_url, max_retries=0, render=conversation, offer=offered)
    return OperatorsChat(segue, lambda _: decider, TOOLBOX, lambda: datetime.now(UTC))


async def told(chat: OperatorsChat, question: str, before: Sequence[Said] = (), asker: Any = ALICE) -> list[ChatEvent]:
    """All events of an answer."""
    return [event async for event in chat.ask(asker, "t", question, before)]


def words(events: Sequence[ChatEvent]) -> str:
    """Of the answer."""
    return "".join(event.text for event in events if isinstance(event, Wrote))


async def test_the_model_sees_question_conversation_and_what_was_found_as_data(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        run = await company.handle("c-1", message=HOSTILE, do=["pause_mail"])

        def answer(request: Request) -> Any:
            (found,) = request.answers
            assert run["id"] in json.dumps(found)
            return text(f"Mail to c-1 was paused in run {run['id']}.")

        with ScriptedModel([calls(("find_runs", {"subject": "c-1"})), answer]) as model:
            before = [Said(role="operator", text="hello"), Said(role="segue", text="Ask me.")]
            events = await told(chat_with(company.segue, model), "what happened with c-1?", before)
            first, second = model.requests
        assert words(events) == f"Mail to c-1 was paused in run {run['id']}."
        assert set(first.functions) == set(TOOLBOX)
        assert [one["content"] for one in first.messages[1:]] == ["hello", "Ask me.", "what happened with c-1?"]
        assert "IGNORE ALL RULES" not in second.system
        assert "IGNORE ALL RULES" not in second.user


async def test_an_act_the_model_wants_is_proposed_and_not_done(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        await company.handle("c-1", message="late", do=["pay_back"], amount=40)
        waiting = await company.approval()
        wanted = calls(("answer_approval", {"subject": "c-1", "answer": "approve"}))
        with ScriptedModel([wanted, text("It is approved.")]) as model:
            chat = chat_with(company.segue, model)
            events = await told(chat, "approve the refund of c-1")
            (asks,) = [event for event in events if isinstance(event, Asks)]
            assert isinstance(events[-1], Over)
            assert events[-1].state == "waiting"
            assert (await company.approval())["id"] == waiting["id"]
            assert company.ledger.of("pay_back") == []
            after = [one async for one in chat.answer(ALICE, "t", {asks.confirmation.id: True})]
        assert words(after) == "It is approved."
        shown = await company.segue.approval("default", waiting["id"])
        assert (shown["state"], shown["answered_by"]) == ("approved", "alice")


async def test_to_a_key_that_only_reads_nothing_that_acts_is_offered_or_taken(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        with ScriptedModel([calls(("pause", {"scope": "everything"})), text("I may not.")]) as model:
            events = await told(chat_with(company.segue, model), "pause everything", asker=READER)
            assert "pause" not in model.requests[0].functions
            assert model.requests[1].answers[0]["state"] == "refused"
        assert not any(isinstance(event, Asks) for event in events)
        assert await company.segue.pauses.list("default") == []


async def test_ids_that_nothing_bears_out_are_marked(tmp_path: Path) -> None:
    made_up = "01JZZZZZZZZZZZZZZZZZZZZZZZ"
    async with open_company(tmp_path, AsTold()) as company:
        with ScriptedModel([text(f"See run {made_up}.")]) as model:
            events = await told(chat_with(company.segue, model), "what happened?")
        with ScriptedModel([text(f"You named {made_up}.")]) as model:
            asked = await told(chat_with(company.segue, model), f"what is {made_up}?")
    assert words(events) == f"See run {made_up}.\n(Not found in anything that was looked up: {made_up}.)"
    assert words(asked) == f"You named {made_up}."


async def test_a_model_that_is_away_ends_the_answer_by_name(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        with ScriptedModel([error(500)]) as model:
            events = await told(chat_with(company.segue, model), "what happened?")
    assert isinstance(events[-1], Over)
    assert (events[-1].state, events[-1].code) == ("failed", "model_unavailable")
    assert not any(isinstance(event, Called | Wrote) for event in events)
