"""Why a tool was called, and why one was not: from what the decisions weighed."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.service import GivenAnswer
from agent.types import Question
from tests.agent.company import Company, Script, call, open_company, raw
from tests.operating.tool_company import PLANT, AsTold, first, joined, live, look, now
from tools.errors import ToolError


async def test_why_a_tool_was_called_names_who_decided_its_reason_score_and_the_like_cases_behind_it(
    tmp_path: Path,
) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        good = await live(company, "c-1", ["pause_mail"], 1.0)
        bad = await live(company, "c-2", ["pause_mail"], 0.0)
        run = await live(company, "c-3", ["pause_mail"], because="mail annoys her")
        found = await look(company, "why_called", tool="pause_mail", subject="c-3")
        nobody = await look(company, "why_called", tool="book_call")
        earlier = await look(company, "why_called", tool="pause_mail", until=run["created_at"])
    words = found.words
    assert words.startswith("pause_mail was called 1 time for c-3:")
    assert f"in run {run['id']} about c-3 (customer.upset)" in words
    assert 'told decided it: "mail annoys her".' in words
    assert "Its score was 0.90 (expected without memory 0.50); beside it: " in words
    assert "book_call 0.20" in words
    assert "Of 2 like cases of pause_mail 1 ended well and 1 badly:" in words
    assert f"run {good['id']} about c-1: pause_mail, ended well (reward 1.00)" in words
    assert f"run {bad['id']} about c-2: pause_mail, ended badly (reward 0.00)" in words
    assert nobody.words == "book_call was not called, and no decision asked for it."
    assert earlier.data["total"] == 2


async def test_a_call_that_an_operator_turned_down_or_asked_for_says_so(tmp_path: Path) -> None:
    script = Script(
        [Question(text="what now?", options=(call("book_call", customer="c-1"),)), [call("pay_back", amount=5)]]
    )
    async with open_company(tmp_path, script) as company:
        run = await company.handle("c-1")
        answer = GivenAnswer(approved=True, reason="call her", by="bert")
        await company.segue.answer("default", run["approvals"][0]["id"], answer)
        while not (waiting := (await company.segue.approvals("default", "pending", None, 9)).items):
            pass
        asked = await look(company, "why_called", tool="book_call")
        held = await look(company, "why_called", tool="pay_back")
        no = GivenAnswer(approved=False, reason="too much", by="cora")
        await company.segue.answer("default", waiting[0]["id"], no)
        await company.ended(run["id"])
        refused = await look(company, "why_called", tool="pay_back")
    assert "An operator asked for it in answer to a question" in asked.words
    assert "It waits for an operator's approval." in held.words
    assert refused.words.startswith("pay_back was asked for, but not carried out:")
    assert 'cora rejected it, "too much".' in refused.words


async def test_why_a_supplier_was_not_used_sets_its_score_and_cases_beside_those_of_the_chosen(tmp_path: Path) -> None:
    async with open_company(tmp_path, None, PLANT) as company:
        used = await _orders(company, 6)
        since = now()
        await _orders(company, 1, first=6)
        found = await look(company, "why_not", tool="supplier A", since=since)
        always = await look(company, "why_not", tool="order_part", since=since)
        every = await look(company, "why_not", tool="order_part[supplier=A]")
        never = await look(company, "why_not", tool="order_part[supplier=Z]", since=since)
        with pytest.raises(ToolError, match="may mean order_part"):
            await look(company, "why_not", tool="order")
    assert "A" in used
    words = found.words
    assert words.startswith("order_part[supplier=A] was not used in 1 of 1 run since ")
    assert "outdone by another in 1" in words
    assert "Elsewhere order_part[supplier=A] was used, at last in run " in words
    assert 'order_part[supplier=B] was chosen for "order the spare part", with a score of ' in words
    assert " of order_part[supplier=A] (expected without memory " in words
    assert "of order_part[supplier=A] " in words
    assert "ended badly" in words
    assert "Of " in words
    assert "ended well" in words
    row = first(found)
    assert row["chosen"]["score"] > row["candidate"]["score"]
    assert always.words.startswith("order_part was used in 1 of 1 run since")
    assert f"It was used in {number(used.count('A'))}, at last in run " in every.words
    assert "never weighed in 1" in never.words
    assert "Of order_part these were weighed: order_part[supplier=A] and order_part[supplier=B]." in never.words


def number(runs: int) -> str:
    """In words of the answer."""
    return f"{runs} run" + "s" * (runs != 1)


async def _orders(company: Company, count: int, first: int = 0) -> list[str]:
    """Machines that fail, each ordered for as the Planner decides; only supplier B keeps them running."""
    suppliers = []
    for index in range(first, first + count):
        subject = f"m-{index}"
        event = raw(subject, id=f"e-{index}", type="machine.failing", part="bearing", hours=5)
        (accepted,) = await company.segue.accept("default", [event])
        run = await company.ended(accepted.run or "")
        if run["status"] == "waiting":
            raise AssertionError(run["approvals"])
        supplier = run["effects"][0]["arguments"]["supplier"]
        suppliers.append(supplier)
        await company.send(subject, id=f"o-{index}", type="machine.runs", uptime=float(supplier == "B"))
        await joined(company)
    return suppliers


async def test_a_tool_that_is_not_allowed_refused_or_off_the_playbook_is_told_apart(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        run = await live(company, "c-1", ["close_account", "pause_mail"])
        await live(company, "c-2", ["pause_mail", "pay_back"], amount=3)
        closed = await look(company, "why_not", tool="close_account", subject="c-2")
        refused = await look(company, "why_not", tool="close_account", run=run["id"])
        outdone = await look(company, "why_not", tool="book_call", subject="c-2")
        await company.segue.pauses.pause("default", "tool", "book_call", by="dora", reason=None)
        paused = await look(company, "why_not", tool="book_call")
    assert "the portfolio does not allow close_account for events of type customer.upset." in closed.words
    assert "refused by policy in 1" in refused.words
    assert "is not allowed for events of type" in refused.words
    assert "outdone by another in 1" in outdone.words
    assert 'Why not: "another action did better in like cases".' in outdone.words
    assert "At present book_call is paused by dora." in paused.words
