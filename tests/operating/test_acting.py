"""What the chat does for operators: proposed with exact arguments, done once, and only while it still holds."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.errors import Conflict, NotFound
from agent.operating.answering import numbers
from agent.operating.types import Proposal
from agent.service import GivenAnswer
from agent.store.queries import RunFilter
from tests.agent.company import Company, dies, open_company
from tests.operating.tool_company import ALICE, OTHER, READER, AsTold, carry_out, live, look, propose
from tools.errors import ToolError


async def once(company: Company, proposal: Proposal, again: str) -> None:
    """It is done for those who may, and a second time says why not."""
    with pytest.raises(ToolError, match="your key does not permit this: it lacks the scope"):
        await carry_out(company, proposal, READER)
    found = await carry_out(company, proposal)
    assert found.words
    with pytest.raises((ToolError, Conflict), match=again):
        await carry_out(company, proposal)


async def test_an_event_is_sent_once_as_it_was_confirmed_and_starts_a_run(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        data = {"message": "late", "do": ["pause_mail"]}
        proposal = await propose(company, "send_event", type="customer.upset", subject="m-1", data=data)
        assert (await look(company, "find_runs")).data["total"] == 0
        assert proposal.arguments["source"] == "/segue/chat"
        assert str(proposal.arguments["id"]).startswith("alice/")
        assert "starts a run. It may call book_call, look_up, pause_mail and pay_back" in proposal.consequence
        await once(company, proposal, "this event was sent already, it is run ")
        run = (await company.segue.runs("default", RunFilter(), None, 9)).items[0]
        ended = await company.ended(run["id"])
        other = await propose(company, "send_event", type="customer.upset", subject="m-1", data=data)
        await company.segue.pauses.pause("default", "event", "customer.upset", by="dora", reason=None)
        paused = await propose(company, "send_event", type="customer.upset", subject="m-1")
    assert ended["event"]["data"] == data
    assert (ended["event"]["source"], ended["effects"][0]["state"]) == ("/segue/chat", "done")
    assert other.arguments["id"] != proposal.arguments["id"]
    assert "It waits at first, as customer.upset is paused." in paused.consequence


async def test_an_event_that_does_not_fit_its_schema_is_not_proposed_and_names_what_is_missing(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        for given, said in (
            ({"type": "customer.stayed", "subject": "c", "data": {}}, r"data.loyalty is missing. Right: number."),
            ({"type": "customer.stayed", "subject": "c"}, r"Its fields: loyalty \(needed\)"),
            ({"type": "customer.upset", "subject": "c", "data": {"amount": "x"}}, r'data.amount: "x" is a string'),
            ({"type": "customer.upset", "subject": "c", "data": ["x"]}, r"data: an array was given"),
            ({"type": "customer.upse", "subject": "c"}, r"Did you mean 'customer.upset'"),
            ({"type": "customer.upset", "subject": "c" * 2000}, r"longer than 1024 bytes"),
            ({"type": "customer.upset", "subject": "\x00"}, r"contains a NUL"),
            ({"type": "customer.upset"}, r"subject is missing"),
        ):
            with pytest.raises(ToolError, match=said):
                await propose(company, "send_event", **given)


async def test_the_one_approval_that_fits_is_proposed_with_its_hash_and_answered_in_the_askers_name(
    tmp_path: Path,
) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        run = await live(company, "c-1", ["pay_back"], amount=40)
        await live(company, "c-2", ["pay_back"], amount=70)
        proposal = await propose(company, "answer_approval", subject="c-1", answer="approve", at_most=50)
        assert proposal.arguments["arguments"] == {"customer": "c-1", "amount": 40}
        assert proposal.arguments["arguments_hash"] == run["approvals"][0]["arguments_hash"]
        assert proposal.title == 'Approve: pay_back {"customer": "c-1", "amount": 40} for c-1'
        assert "Calls pay_back" in proposal.consequence
        name = run["approvals"][0]["id"]
        for other in ({"subject": "c-2"}, {"tool": "pause_mail"}):
            with pytest.raises(ToolError, match="is something else: pay_back"):
                await propose(company, "answer_approval", ALICE, **{"approval": name, "answer": "approve", **other})
        with pytest.raises(ToolError, match="2 approvals are pending: say which"):
            await propose(company, "answer_approval", answer="approve")
        with pytest.raises(ToolError, match=r"amount is 70, more than 50. It is not proposed"):
            await propose(company, "answer_approval", subject="c-2", tool="pay_back", answer="approve", at_most=50)
        await once(company, proposal, "was already approved by alice")
        ended = await company.ended(run["id"])
        with pytest.raises(ToolError, match="no approval for c-1 is pending"):
            await propose(company, "answer_approval", subject="c-1", answer="reject")
        no = await propose(company, "answer_approval", tool="pay back", answer="reject", reason="too much")
        await carry_out(company, no)
        with pytest.raises(ToolError, match="None is pending at all"):
            await propose(company, "answer_approval", answer="approve")
        with pytest.raises(ToolError, match="was already rejected by alice"):
            await propose(company, "answer_approval", approval=str(no.arguments["approval"]), answer="approve")
    assert ended["approvals"][0]["answered_by"] == "alice"
    assert company.ledger.of("pay_back") == [{"customer": "c-1", "amount": 40}]


async def test_an_approval_that_asks_for_something_else_by_then_is_not_answered(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        await live(company, "c-1", ["pay_back"], amount=40)
        proposal = await propose(company, "answer_approval", subject="c-1", answer="approve")
        forged = replace(proposal, arguments={**proposal.arguments, "arguments_hash": "0" * 64})
        with pytest.raises(ToolError, match="asks for something else by now"):
            await carry_out(company, forged)
        name = str(proposal.arguments["approval"])
        answered = GivenAnswer(approved=True, arguments={"customer": "c-1", "amount": 9}, by="bert")
        await company.segue.answer("default", name, answered)
        with pytest.raises(ToolError, match="was already approved by bert"):
            await carry_out(company, proposal)
        with pytest.raises(NotFound):
            await propose(company, "answer_approval", OTHER, approval=name, answer="approve")
        with pytest.raises(NotFound):
            await carry_out(company, proposal, OTHER)


async def test_two_who_confirm_the_same_approval_at_once_pay_once_and_one_is_told(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        run = await live(company, "c-1", ["pay_back"], amount=40)
        proposal = await propose(company, "answer_approval", subject="c-1", answer="approve")
        both = await asyncio.gather(carry_out(company, proposal), carry_out(company, proposal), return_exceptions=True)
        await company.ended(run["id"])
    assert sorted(isinstance(one, ToolError | Conflict) for one in both) == [False, True]
    assert len(company.ledger.of("pay_back")) == 1


async def test_a_question_is_answered_with_the_option_it_offers(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        run = await live(company, "c-1", ["pause_mail", "book_call"], ask="which?")
        name = run["approvals"][0]["id"]
        with pytest.raises(ToolError, match="does not offer 'look_up'"):
            await propose(company, "answer_approval", approval=name, tool="look_up", answer="approve")
        proposal = await propose(company, "answer_approval", approval=name, tool="book_call", answer="approve")
        await once(company, proposal, "was already approved by alice")
        ended = await company.ended(run["id"])
    assert [effect["tool"] for effect in ended["effects"]] == ["book_call"]


async def test_a_limit_that_cannot_be_compared_with_anything_is_no_yes(tmp_path: Path) -> None:
    assert list(numbers({"a": 1, "b": {"c": [2.5, True, "9"]}})) == [("a", 1.0), ("b.c[0]", 2.5)]
    async with open_company(tmp_path, AsTold()) as company:
        await live(company, "4711", ["pause_mail"], ask="shall mail rest?")
        with pytest.raises(ToolError, match="no number can be compared with 50"):
            await propose(company, "answer_approval", subject="4711", answer="approve", at_most=50)
        assert (await propose(company, "answer_approval", subject="4711", answer="approve")).title.startswith("Approve")


async def test_an_unknown_effect_is_settled_once_and_its_run_goes_on(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        company.ledger.faults["book_call"] = [dies]
        run = await live(company, "c-1", ["book_call"])
        key = run["effects"][0]["key"]
        with pytest.raises(ToolError, match=f"there is no effect 'nope'. Unknown effects: {key}"):
            await propose(company, "settle_effect", key="nope", state="done")
        proposal = await propose(company, "settle_effect", key=key, state="done", reason="I asked them")
        assert f"run {run['id']} goes on" in proposal.consequence
        await once(company, proposal, "is done, so there is nothing to settle; alice settled it")
        ended = await company.ended(run["id"])
    assert ended["status"] == "done"
    assert ended["effects"][0]["settled"] == {"by": "alice", "reason": "I asked them"}


async def test_pausing_and_resuming_say_what_is_held_and_are_done_once(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        tool = await propose(company, "pause", scope="tool", name="PAUSE_MAIL", reason="they are down")
        assert tool.arguments == {"scope": "tool", "name": "pause_mail", "reason": "they are down"}
        await once(company, tool, "tool pause_mail is paused already by alice")
        with pytest.raises(ToolError, match="is paused already by alice, "):
            await propose(company, "pause", scope="tool", name="pause_mail")
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"scope": "tool"}, "name is missing. Right: the name of the tool"),
            ({"scope": "tool", "name": "pause_mial"}, "Did you mean 'pause_mail'"),
            ({"scope": "event_type", "name": "customer.upse"}, "Did you mean 'customer.upset'"),
            ({"scope": "everything", "name": "x"}, "everything has no name"),
            ({"scope": "world"}, "Right: everything, tool, event_type"),
        ]
        for given, said in wrong:
            with pytest.raises(ToolError, match=said):
                await propose(company, "pause", **given)
        await carry_out(company, await propose(company, "pause", scope="event_type", name="customer.upset"))
        accepted = await company.send("c-1", do=["book_call"])
        resume = await propose(company, "resume", scope="event_type", name="customer.upset")
        assert "1 queued run that it holds may go on at once." in resume.consequence
        await once(company, resume, "event type customer.upset is not paused any more")
        assert (await company.ended(accepted))["status"] == "done"
        with pytest.raises(ToolError, match="Paused: tool pause_mail"):
            await propose(company, "resume", scope="event_type", name="customer.upset")


async def test_a_run_is_cancelled_once_by_its_id_or_its_subject(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        done = await live(company, "c-1", ["pause_mail"])
        run = await live(company, "c-1", ["book_call", "pay_back"], amount=3)
        with pytest.raises(ToolError, match="has already ended: done"):
            await propose(company, "cancel_run", run=done["id"])
        proposal = await propose(company, "cancel_run", subject="c-1")
        assert proposal.arguments == {"run": run["id"]}
        assert "what it did stays done (book_call)" in proposal.consequence
        await once(company, proposal, "was cancelled already by alice|has already ended: cancelled")
        ended = await company.ended(run["id"])
        while ended["status"] != "cancelled":
            ended = await company.ended(run["id"])
        with pytest.raises(ToolError, match="no run about c-1 is open"):
            await propose(company, "cancel_run", subject="c-1")
        await live(company, "c-1", ["pay_back"], amount=1)
        await live(company, "c-1", ["pay_back"], amount=2)
        with pytest.raises(ToolError, match="2 runs about c-1 are open: say which"):
            await propose(company, "cancel_run", subject="c-1")
        with pytest.raises(NotFound):
            await propose(company, "cancel_run", OTHER, run=run["id"])
    assert ended["cancelled_by"] == ALICE.name
    assert company.ledger.of("pay_back") == []
