"""What the chat's cards say, live, and how a thumb on an answer becomes an outcome of its run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.errors import Conflict, Refused
from agent.operating.types import Asks, Card, Confirmation, Found, Proposal, Returned
from agent.service import GivenAnswer
from agent.store.standing import Standing
from api.access import ANYONE
from api.console.chat.cards import Known, card_said
from api.console.chat.confirming import argument_rows
from api.console.chat.thumbing import judge
from api.console.chat.turns import Turn
from api.console.sent import LONGEST_REASON
from tests.agent.company import open_company
from tests.operating.tool_company import AsTold, live

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
RUN = "01M8CZA4SC45Y2PA41J4XNCKGA"
OTHER = "01M8CZA5PNAN0TQVJDPY7BG0R6"


def run_card(name: str = RUN) -> Card:
    """Of a run."""
    return Card(kind="run", id=name, title="a run")


def turn_of(*cards: Card) -> Turn:
    """An answer with these cards."""
    turn = Turn(question="q", at=NOW)
    turn.take(Returned(id="c", state="done", found=Found(data={}, words="", cards=cards)))
    return turn


async def test_cards_of_runs_approvals_and_effects_say_how_they_stand_now(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        run = await live(company, "c-1", ["pause_mail", "pay_back"], amount=40)
        approval = run["approvals"][0]["id"]
        effect = run["effects"][0]["key"]
        wanted = {"run": [run["id"]], "approval": [approval], "effect": [effect]}
        cards = (
            Card(kind="run", id=run["id"], title="customer.upset about c-1"),
            Card(kind="approval", id=approval, title="pay_back for c-1"),
            Card(kind="effect", id=effect, title="pause_mail"),
        )
        desk = company.segue.desk
        now = desk.now()
        before = [card_said(card, Known(standing=await desk.standing("default", wanted)), now) for card in cards]
        await company.segue.answer("default", approval, GivenAnswer(approved=False, by="dora"))
        await company.ended(run["id"])
        after = [card_said(card, Known(standing=await desk.standing("default", wanted)), now) for card in cards]
        foreign = await desk.standing("other", wanted)
    page = f"/console/runs/{run['id']}"
    assert [(one.state, one.href) for one in before] == [
        ("waiting", page),
        ("pending", f"/console/inbox?approval={approval}"),
        ("done", page),
    ]
    assert [(one.state, one.href) for one in after] == [("done", page), ("rejected", page), ("done", page)]
    assert before[1].detail.startswith("Asked ")
    assert after[1].detail.startswith("By dora, ")
    assert foreign == Standing()


def test_a_card_of_what_is_not_there_says_so_and_leads_nowhere() -> None:
    hostile = Card(kind="run", id="javascript:alert(1)", title="\u202e<b>x</b>\n" + "y" * 400)
    said = card_said(hostile, Known(), NOW)
    assert (said.href, said.state, said.detail) == (None, None, "This run is not there any more.")
    assert said.title.startswith("\ufffd<b>x</b> yyy")
    assert len(said.title) == 160
    assert card_said(Card(kind="tool", id="gone_tool", title="?"), Known(), NOW).state == "gone"
    lesson = Card(kind="lesson", id="l", title="Do not", detail={"support": 4})
    assert card_said(lesson, Known(), NOW).detail == "support: 4"


def test_a_card_of_a_tool_says_that_it_is_paused_or_failing() -> None:
    tool = {"name": "pay", "step": "repay", "owner": None, "effect": "write", "risk": "high", "breaker": None}
    card = Card(kind="tool", id="pay", title="Pay money back.")
    assert card_said(card, Known(tools=[tool]), NOW).detail == "Pay money back. Writes, risk high, step repay"
    assert card_said(card, Known(tools=[tool], paused={"pay": "dora"}), NOW).state == "paused"
    assert card_said(card, Known(tools=[{**tool, "breaker": {"failures": 5}}]), NOW).state == "failing"


def test_thumbs_are_for_answers_about_exactly_one_run() -> None:
    approval = Card(kind="approval", id=OTHER, title="pay", detail={"run": RUN})
    assert turn_of(run_card()).about == RUN
    assert turn_of(run_card(), run_card(), approval).about == RUN
    for cards in (
        (),
        (run_card(), run_card(OTHER)),
        (approval,),
        (run_card(OTHER), approval),
        (run_card("../x"),),
        (Card(kind="tool", id=RUN, title="t"),),
    ):
        assert turn_of(*cards).about is None, cards


async def test_a_thumb_becomes_the_latest_outcome_of_the_run_in_the_operators_name(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        run = await live(company, "c-1", ["pause_mail"])
        await company.ended(run["id"])
        turn = turn_of(run_card(run["id"]))
        caller = replace(ANYONE, name="dora")
        await judge(company.segue, caller, turn, "down", "  too slow ")
        with pytest.raises(Refused, match="2,001 characters; at most 2,000"):
            await judge(company.segue, caller, turn, "up", "x" * (LONGEST_REASON + 1))
        with pytest.raises(Conflict, match="not about exactly one run"):
            await judge(company.segue, caller, turn_of(), "up", "")
        outcomes = (await company.segue.memories.outcomes("default", None, None, 9)).items
    assert turn.judged is not None
    assert (turn.judged.run, turn.judged.which, turn.judged.reason) == (run["id"], "down", "too slow")
    assert [(one["id"], one["source"], one["data"]) for one in outcomes] == [
        (turn.judged.outcome, "urn:segue:operator:dora", {"thumb": "down", "reason": "too slow"})
    ]


def test_the_confirming_card_shows_every_argument_exactly() -> None:
    arguments = {
        "customer": "c-1\u202e\n<b>",
        "reason": None,
        "count": 0.1 + 0.2,
        "nested": {"a": {"b": {"c": 1}}, 'x"y': [True], "empty": {}},
    }
    proposal = Proposal(tool="act", arguments=arguments, title="t", consequence="c")  # type: ignore[arg-type]
    asked = Confirmation(id="x", proposal=proposal, digest="d", expires_at=NOW + timedelta(minutes=1))
    assert argument_rows(asked) == [
        ("customer", '"c-1\\u202e\\n<b>"'),
        ("reason", "none"),
        ("count", "0.30000000000000004"),
        ("nested.a.b", '{"c": 1}'),
        ('nested."x\\"y"', "[true]"),
        ("nested.empty", "{}"),
    ]
    turn = Turn(question="q", at=NOW)
    turn.take(Asks(confirmation=asked, call="c"))
    assert turn.waits
