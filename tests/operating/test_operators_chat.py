"""The operators' chat with the operators' tools: looked up at once, done after a yes, in time, by who was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.errors import NotFound
from agent.operating.threads import LASTS
from agent.operating.types import Asker, Asks, Called, ChatEvent, Over, Returned, Wrote
from agent.operators import OperatorsChat
from agent.types import Call, Decision, Situation
from tests.agent.company import Company, open_company
from tests.operating.tool_company import ALICE, READER, TOOLBOX, AsTold, live


@dataclass
class Routes:
    """A decider that calls what its list says, then words the last result; it keeps what it saw."""

    calls: Sequence[tuple[str, Mapping[str, Any]]]
    seen: list[Situation] = field(default_factory=list)
    name: str = "routes"

    async def decide(self, situation: Situation) -> Decision:
        """The next call, or the answer."""
        self.seen.append(situation)
        done = len(situation.results)
        if done < len(self.calls):
            tool, arguments = self.calls[done]
            call = Call(tool=tool, arguments=dict(arguments), action=tool)
            return Decision(kind="act", reason=f"asks {tool}", calls=(call,), decided_by=self.name)
        last = situation.results[-1]
        found: Any = last.result
        words = last.error if last.error is not None else found["words"]
        return Decision(kind="finish", reason=str(words), decided_by=self.name)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.at


def chat(company: Company, clock: Clock, *calls: tuple[str, Mapping[str, Any]]) -> tuple[OperatorsChat, Routes]:
    """One whose decider makes these calls."""
    routes = Routes(calls)
    return OperatorsChat(company.segue, lambda asker: routes, TOOLBOX, clock), routes


async def events(told: AsyncIterator[ChatEvent]) -> list[ChatEvent]:
    """All of them."""
    return [one async for one in told]


async def ask(chat: OperatorsChat, asker: Asker = ALICE, thread: str = "t") -> list[ChatEvent]:
    """A question; what it is matters only to a decider that reads."""
    return await events(chat.ask(asker, thread, "whatever"))


def of(kind: type[Any], told: Sequence[ChatEvent]) -> list[Any]:
    """Those of a kind."""
    return [one for one in told if isinstance(one, kind)]


APPROVE = ("answer_approval", {"subject": "c-1", "answer": "approve", "at_most": 50})


async def test_a_question_is_looked_up_and_answered_at_once(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        run = await live(company, "c-1", ["pause_mail"])
        talk, routes = chat(company, Clock(), ("find_runs", {"subject": "c-1"}))
        told = await ask(talk)
    assert [one.tool for one in of(Called, told)] == ["find_runs"]
    assert of(Returned, told)[0].found.cards[0].id == run["id"]
    assert run["id"] in of(Wrote, told)[0].text
    assert of(Over, told)[0].state == "done"
    assert {tool.name for tool in routes.seen[0].tools} == set(TOOLBOX)


async def test_an_act_is_done_only_after_a_yes_to_its_exact_arguments(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        run = await live(company, "c-1", ["pay_back"], amount=40)
        talk, _ = chat(company, Clock(), APPROVE)
        told = await ask(talk)
        confirmation = of(Asks, told)[0].confirmation
        assert of(Over, told)[-1].state == "waiting"
        assert confirmation.proposal.arguments["arguments"] == {"customer": "c-1", "amount": 40}
        assert (await company.approval())["state"] == "pending"
        done = await events(talk.answer(ALICE, "t", {confirmation.id: True}))
        ended = await company.ended(run["id"])
        with pytest.raises(NotFound, match="nothing waits under the confirmation"):
            await events(talk.answer(ALICE, "t", {confirmation.id: True}))
    assert of(Returned, done)[0].state == "done"
    assert "Approved by alice: pay_back" in of(Wrote, done)[0].text
    assert (ended["status"], ended["approvals"][0]["answered_by"]) == ("done", "alice")
    assert len(company.ledger.of("pay_back")) == 1


async def test_a_no_does_nothing_and_a_yes_that_comes_too_late_neither(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        await live(company, "c-1", ["pay_back"], amount=40)
        clock = Clock()
        talk, _ = chat(company, clock, APPROVE)
        refused = of(Asks, await ask(talk))[0].confirmation
        no = await events(talk.answer(ALICE, "t", {refused.id: False}))
        late = of(Asks, await ask(talk))[0].confirmation
        clock.at += LASTS + timedelta(seconds=1)
        over = await events(talk.answer(ALICE, "t", {late.id: True}))
        assert (await company.approval())["state"] == "pending"
    assert (of(Returned, no)[0].state, of(Returned, no)[0].error) == ("rejected", "the operator said no")
    assert of(Returned, over)[0].error == "it was confirmed too late; ask again"
    assert company.ledger.of("pay_back") == []


async def test_nobody_confirms_what_another_operator_was_asked(tmp_path: Path) -> None:
    bert = Asker(tenant="default", name="bert", scopes=ALICE.scopes)
    async with open_company(tmp_path, AsTold()) as company:
        await live(company, "c-1", ["pay_back"], amount=40)
        talk, _ = chat(company, Clock(), APPROVE)
        confirmation = of(Asks, await ask(talk))[0].confirmation
        for who, thread in ((bert, "t"), (ALICE, "another")):
            with pytest.raises(NotFound):
                await events(talk.answer(who, thread, {confirmation.id: True}))
        assert (await company.approval())["state"] == "pending"


async def test_an_approval_that_somebody_else_answered_meanwhile_is_told_and_not_paid_twice(tmp_path: Path) -> None:
    bert = Asker(tenant="default", name="bert", scopes=ALICE.scopes)
    async with open_company(tmp_path, AsTold()) as company:
        run = await live(company, "c-1", ["pay_back"], amount=40)
        talk, _ = chat(company, Clock(), APPROVE)
        hers, his = [of(Asks, await ask(talk, who))[0].confirmation for who in (ALICE, bert)]
        await events(talk.answer(bert, "t", {his.id: True}))
        told = await events(talk.answer(ALICE, "t", {hers.id: True}))
        await company.ended(run["id"])
    assert of(Returned, told)[0].state == "failed"
    assert "was already approved by bert" in of(Returned, told)[0].error
    assert len(company.ledger.of("pay_back")) == 1


async def test_a_tool_that_the_key_does_not_permit_is_not_there(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        await live(company, "c-1", ["pay_back"], amount=40)
        talk, routes = chat(company, Clock(), APPROVE)
        told = await ask(talk, READER)
        assert (await company.approval())["state"] == "pending"
    assert of(Asks, told) == []
    assert (of(Returned, told)[0].state, of(Returned, told)[0].error) == ("refused", "there is no such function")
    assert {tool.name for tool in routes.seen[0].tools} == {
        name for name, one in TOOLBOX.items() if one.scope == "read"
    }


async def test_what_is_wrong_with_an_act_is_told_instead_of_asked(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        await live(company, "c-1", ["pay_back"], amount=80)
        talk, _ = chat(company, Clock(), APPROVE, ("send_event", {"type": "customer.stayed", "subject": "c-1"}))
        told = await ask(talk)
    assert of(Asks, told) == []
    errors = [one.error for one in of(Returned, told)]
    assert "amount is 80, more than 50" in errors[0]
    assert "data.loyalty is missing. Right: number." in errors[1]
    assert of(Over, told)[0].state == "done"
