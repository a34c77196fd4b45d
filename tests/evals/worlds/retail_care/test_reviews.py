"""What becomes of solved cases, by what was done with their answers: right conduct is graded above every other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import evals.worlds.retail_care as world
from agent.portfolio.load import load_portfolio
from agent.remember import grade
from agent.types import Event
from evals.worlds.kit.loopback import on_loopback
from evals.worlds.retail_care.events import FAILED, FIRST_CUSTOMER, RESOLVED, REVIEWED
from evals.worlds.retail_care.truth import FITTING_TEAM
from tests.evals.worlds.company import Company, in_process
from tests.evals.worlds.kit.test_sending import inbox

PORTFOLIO = load_portfolio((Path(str(world.__file__)).with_name("portfolio.yaml"),), {})


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The world, and what it has announced."""

    company: Company
    received: list[dict[str, Any]]

    def of(self, type_: str) -> list[dict[str, Any]]:
        return [event for event in self.received if event["type"] == type_]

    async def teach(self, event: dict[str, Any]) -> None:
        lesson = {name: event["data"][name] for name in ("question", "answer", "case_id")}
        assert (await self.company.call("/chatbot/lessons", lesson)).status_code == 201

    async def resume(self, event: dict[str, Any]) -> None:
        await self.company.call(f"/customers/{event['subject']}/campaigns/resume", {})

    async def paused(self) -> set[str]:
        """Customers whose marketing stands still."""
        customers = (await self.company.state())["customers"]
        campaigns = {one["customer_id"]: [campaign["state"] for campaign in one["campaigns"]] for one in customers}
        return {name for name, states in campaigns.items() if states and set(states) == {"paused"}}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    received: list[dict[str, Any]] = []
    async with on_loopback(inbox(received)) as segue, in_process(tmp_path, segue=segue) as company:
        yield Shop(company=company, received=received)


def reward(event: dict[str, Any]) -> float:
    """The outcome's rewards by the goals' weights."""
    outcome = Event(
        source="/s", id="e", type=event["type"], subject="c", time=datetime.now(UTC), data=dict(event["data"])
    )
    rewards = grade(outcome, PORTFOLIO.outcomes[event["type"]])
    weights = PORTFOLIO.goals
    return sum(weights[goal] * rewards[goal] for goal in rewards) / sum(weights[goal] for goal in rewards)


async def cases(shop: Shop, *, teachable: bool, n: int) -> Sequence[dict[str, Any]]:
    """Solved cases of customers whose marketing stands still, each about another matter."""
    made = await shop.company.events(RESOLVED, n=60, seed=4)
    paused = await shop.paused()
    found = {
        event["data"]["question"]: event
        for event in made
        if event["data"]["teachable"] == teachable and event["subject"] in paused
    }
    unlike = {event["data"]["answer"]: event for event in found.values()}
    assert len(unlike) >= n
    return list(unlike.values())[:n]


async def test_a_teachable_answer_earns_most_when_it_is_taught_and_marketing_resumed(shop: Shop) -> None:
    both, taught, resumed, nothing = await cases(shop, teachable=True, n=4)
    for event in (both, taught):
        await shop.teach(event)
    for event in (both, resumed):
        await shop.resume(event)
    await shop.company.advance(47)
    assert shop.of(REVIEWED) == []
    await shop.company.advance(2)
    found = {event["subject"]: event for event in shop.of(REVIEWED)}
    assert reward(found[both["subject"]]) >= 0.8
    assert max(reward(found[event["subject"]]) for event in (taught, resumed, nothing)) <= 0.4
    assert reward(found[nothing["subject"]]) < min(reward(found[one["subject"]]) for one in (taught, resumed))


async def test_a_personal_answer_earns_most_when_it_is_not_taught_and_marketing_resumed(shop: Shop) -> None:
    resumed, both, taught, nothing = await cases(shop, teachable=False, n=4)
    for event in (both, taught):
        await shop.teach(event)
    for event in (both, resumed):
        await shop.resume(event)
    await shop.company.advance(49)
    found = {event["subject"]: event for event in shop.of(REVIEWED)}
    assert found[both["subject"]]["data"]["chatbot_right"] is False
    assert reward(found[resumed["subject"]]) >= 0.8
    assert max(reward(found[event["subject"]]) for event in (both, taught, nothing)) <= 0.4


@pytest.mark.parametrize("careful", [True, False])
async def test_cases_that_the_desk_solves_are_reviewed_two_days_later_by_what_was_done(
    shop: Shop, *, careful: bool
) -> None:
    await hand_over(shop, n=8)
    handled: set[str] = set()
    for _ in range(16):
        await shop.company.advance(6)
        for event in shop.of(RESOLVED):
            if careful and event["id"] not in handled:
                handled.add(event["id"])
                await shop.resume(event)
                if event["data"]["teachable"]:
                    await shop.teach(event)
    reviews = shop.of(REVIEWED)
    assert {one["data"]["case_id"] for one in reviews} == {one["data"]["case_id"] for one in shop.of(RESOLVED)}
    assert len(reviews) == 8
    assert all(reward(one) >= 0.8 for one in reviews) if careful else all(reward(one) <= 0.4 for one in reviews)


async def hand_over(shop: Shop, *, n: int) -> None:
    """Failed conversations of customers who are part of campaigns: paused, and given to the desk."""
    made = await shop.company.events(FAILED, n=40, seed=8)
    for event in made:
        await shop.company.call(f"/customers/{event['subject']}/campaigns/pause", {})
    paused = await shop.paused()
    for event in [event for event in made if event["subject"] in paused][:n]:
        data = event["data"]
        case = {"customer_id": event["subject"], "question": data["question"], "team": FITTING_TEAM[data["topic"]]}
        await shop.company.call("/desk/cases", {**case, "conversation_id": data["conversation_id"]})


async def test_only_the_last_solved_case_of_a_customer_is_reviewed(shop: Shop) -> None:
    for question in ("You billed my card twice for one order.", "Does your mascot have a name?"):
        await shop.company.call("/desk/callbacks", {"customer_id": "cust-0003", "question": question})
    await shop.company.advance(60)
    resolved, (review,) = shop.of(RESOLVED), shop.of(REVIEWED)
    assert len(resolved) == 2
    assert review["data"]["case_id"] == resolved[-1]["data"]["case_id"]


async def test_marketing_that_is_paused_for_new_trouble_is_not_held_against_the_solved_case(shop: Shop) -> None:
    (event,) = await shop.company.events(RESOLVED, seed=4)
    again = await shop.company.events(FAILED, n=FIRST_CUSTOMER[RESOLVED] + 1, seed=4)
    assert again[-1]["subject"] == event["subject"]
    await shop.company.call(f"/customers/{event['subject']}/campaigns/pause", {})
    await shop.company.advance(49)
    assert event["subject"] in await shop.paused()
    assert [one["data"]["marketing_paused"] for one in shop.of(REVIEWED)] == [False]


async def test_reviews_turn_out_the_same_in_a_like_world(tmp_path: Path) -> None:
    told: list[list[dict[str, Any]]] = []
    for name in ("a", "b"):
        received: list[dict[str, Any]] = []
        async with on_loopback(inbox(received)) as segue, in_process(tmp_path / name, segue=segue) as company:
            await company.events(RESOLVED, n=12, seed=4)
            await company.advance(60)
        told.append([event["data"] for event in received])
    assert told[0] == told[1]
    assert len(told[0]) == 12
