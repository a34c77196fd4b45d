"""What the console's inbox shows and does, as data, on a real Segue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent.errors import NotFound
from agent.service import GivenAnswer
from agent.store.waits import KINDS
from agent.types import Decision, Question, Situation
from api.access import ANYONE
from api.console.inbox import acting
from api.console.inbox.reading import Item, ended, read_item
from tests.agent.company import Company, call, dies, open_company

TENANT = "default"


class ByWord:
    """Does what the first word of the event's message says, once."""

    name = "by-word"

    async def decide(self, situation: Situation) -> Decision:
        """A risky call, a lost one, a question, or a failure."""
        word = str(situation.event.data.get("message", "")).partition(" ")[0]
        calls = {"refund": call("pay_back", amount=5), "lose": call("book_call", note="x"), "mail": call("pause_mail")}
        if word == "boom":
            raise RuntimeError("nothing can be read")
        if situation.decision == 1 and word in calls:
            return Decision(kind="act", reason="money helps", calls=(calls[word],), decided_by=self.name)
        if situation.decision == 1 and word == "ask":
            question = Question(
                text="Which?", options=(call("pay_back"), call("pause_mail", days=2)), missing=("amount",)
            )
            return Decision(kind="ask", reason="unsure", question=question, decided_by=self.name)
        return Decision(kind="finish", reason="nothing to do", decided_by=self.name)


@pytest.fixture
async def company(tmp_path: Path) -> AsyncIterator[Company]:
    """Open, with a decider that does as it is told."""
    async with open_company(tmp_path, ByWord()) as opened:
        yield opened


async def waits(company: Company, message: str, kind: Any, **changes: Any) -> Item:
    """What waits once that was sent."""
    await company.handle(id=message, message=message, **changes)
    (head,) = await company.segue.desk.heads(TENANT, [kind], 10)
    return await read_item(company.segue, TENANT, head.kind, head.id)


async def became(company: Company, item: Item) -> str:
    """How it ended."""
    told = await ended(company.segue, TENANT, item)
    assert told is not None
    return told


async def test_everything_that_waits_is_in_one_list_oldest_first(company: Company) -> None:
    company.ledger.faults["book_call"] = [dies]
    for index, message in enumerate(("refund me", "lose it", "ask me", "boom", "refund too")):
        await company.handle(f"c-{index}", id=f"e-{index}", message=message)
    await company.segue.pauses.pause(TENANT, "event", "customer.upset", by="anna", reason="a move")
    await company.send("c-9", id="e-9", message="mail me")
    heads = await company.segue.desk.heads(TENANT, KINDS, 10)
    assert [head.kind for head in heads] == ["call", "effect", "question", "letter", "call", "pause"]
    assert [head.subject for head in heads] == ["c-0", "c-1", "c-2", "c-3", "c-4", None]
    assert [head.since for head in heads] == sorted(head.since for head in heads)
    assert (heads[-1].held, heads[-1].says) == (1, "a move")
    assert await company.segue.desk.wait_numbers(TENANT) == {
        "call": 2,
        "question": 1,
        "effect": 1,
        "letter": 1,
        "pause": 1,
    }
    assert [one.id for one in await company.segue.desk.heads(TENANT, ["call"], 1)] == [heads[0].id]
    assert await company.segue.desk.heads("other", KINDS, 10) == []


async def test_an_approval_says_what_why_about_whom_and_what_is_bound(company: Company) -> None:
    item = await waits(company, "refund me", "call")
    assert (item.title, item.subject) == ("Call pay_back for c-1?", "c-1")
    assert item.why is not None
    assert (item.why.reason, item.why.decided_by) == ("money helps", "by-word")
    assert item.happened is not None
    assert (item.happened.description, item.happened.data) == ("a customer is upset", {"message": "refund me"})
    assert dict(item.calls[0].arguments) == {"amount": 5, "customer": "c-1"}
    assert item.bound == {"customer"}
    assert [one.none_because for one in item.cases] == ["Memory knows none with an outcome yet."]


async def test_like_cases_are_counted_and_a_bad_one_is_among_the_examples(company: Company) -> None:
    for index in range(4):
        subject = f"past-{index}"
        run = await company.handle(subject, id=subject, message="refund me, it broke")
        await company.segue.answer(TENANT, run["approvals"][0]["id"], GivenAnswer(approved=True))
        while (await company.segue.run(TENANT, run["id"]))["status"] != "done":
            await asyncio.sleep(0.01)
        await company.send(subject, id=f"o-{index}", type="customer.stayed", loyalty=float(index != 0))
    while sum((await company.segue.desk.rewards([run["id"]])).values()) < 1:
        await asyncio.sleep(0.01)
    item = await waits(company, "refund me, it broke", "call")
    (cases,) = item.cases
    assert cases.ended.words() == "3 ended well and 1 badly"
    assert [one.of("pay_back") for one in cases.examples].count(0.0) == 1


async def test_an_answer_binds_to_what_was_shown_and_the_second_one_is_told_who_was_first(company: Company) -> None:
    item = await waits(company, "refund me", "call")
    first = acting.approve(company.segue, item, "pay_back", {"amount": 4, "customer": "c-1"}, "four  is\nfair")
    assert await ended(company.segue, TENANT, item) is None
    assert (await first(ANYONE)).is_ == "done"
    assert (await acting.reject(company.segue, item, "no")(ANYONE)).is_ == "gone"
    told = await became(company, item)
    assert told.startswith("operator approved it just now (")
    assert told.endswith('with other arguments: {"amount": 4, "customer": "c-1"}, saying: four is fair.')
    while not company.ledger.of("pay_back"):
        await asyncio.sleep(0.01)
    assert company.ledger.of("pay_back") == [{"customer": "c-1", "amount": 4}]


async def test_what_policy_refuses_is_told_and_it_still_waits(company: Company) -> None:
    item = await waits(company, "refund me", "call")
    outcome = await acting.approve(company.segue, item, "pay_back", {"amount": 5, "customer": "c-2"}, "")(ANYONE)
    assert outcome.is_ == "refused"
    assert "argument 'customer' must be 'c-1'" in outcome.says
    assert await ended(company.segue, TENANT, item) is None


async def test_a_question_is_answered_with_a_call_and_says_so(company: Company) -> None:
    item = await waits(company, "ask me", "question")
    assert [one.tool for one in item.calls] == ["pay_back", "pause_mail"]
    assert {"pay_back", "pause_mail", "book_call"} <= set(item.others)
    assert (await acting.approve(company.segue, item, "pause_mail", {"days": 3}, "")(ANYONE)).is_ == "done"
    assert 'operator chose pause_mail {"days": 3, "customer": "c-1"} just now' in await became(company, item)


async def test_an_effect_in_doubt_is_settled_once(company: Company) -> None:
    company.ledger.faults["book_call"] = [dies]
    item = await waits(company, "lose it", "effect")
    assert (item.title, item.calls[0].tool) == ("Did book_call happen for c-1?", "book_call")
    assert item.why is not None
    assert (await acting.settle(company.segue, item, "done", {"booked": True}, "seen")(ANYONE)).is_ == "done"
    assert (await acting.settle(company.segue, item, "failed", None, "")(ANYONE)).is_ == "gone"
    assert (await became(company, item)).endswith("it happened, saying: seen.")


async def test_a_dead_letter_is_given_up_or_handled_again(company: Company) -> None:
    item = await waits(company, "boom", "letter")
    assert "nothing can be read" in item.row["detail"]
    assert (await acting.discard(company.segue, item, "a test")(ANYONE)).is_ == "done"
    assert (await became(company, item)).endswith("saying: a test.")
    assert (await acting.replay(company.segue, item)(ANYONE)).is_ == "gone"


async def test_a_pause_is_ended_once(company: Company) -> None:
    await company.segue.pauses.pause(TENANT, "tool", "pause_mail", by="anna", reason=None)
    run = await company.send(message="mail me")
    while not (heads := await company.segue.desk.heads(TENANT, ["pause"], 10)):
        await asyncio.sleep(0.01)
    item = await read_item(company.segue, TENANT, "pause", heads[0].id)
    assert (item.title, item.held) == ("Tool pause_mail is paused", 1)
    assert (await acting.resume(company.segue, item)(ANYONE)).is_ == "done"
    assert (await acting.resume(company.segue, item)(ANYONE)).is_ == "gone"
    assert await became(company, item) == "Somebody ended this pause, and the runs it held go on."
    assert (await company.ended(run))["status"] == "done"


@pytest.mark.parametrize("id", ["", "nothing", "x" * 5_000, "a\x00b", "\ud800", "../x", "tool:", "other:x"])
@pytest.mark.parametrize("kind", KINDS)
async def test_what_does_not_exist_is_said_whatever_its_name(company: Company, kind: Any, id: str) -> None:
    with pytest.raises(NotFound):
        await read_item(company.segue, TENANT, kind, id)


async def test_another_tenant_sees_nothing_of_it(company: Company) -> None:
    item = await waits(company, "refund me", "call")
    with pytest.raises(NotFound):
        await read_item(company.segue, "other", "call", item.id)
