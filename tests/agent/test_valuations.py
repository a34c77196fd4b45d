"""Values of other ways to choose, from what whole runs left on record."""

from __future__ import annotations

import asyncio
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from agent.errors import NotFound
from agent.valuations import first_choices
from memory import valuing
from memory.valuing import POLICIES
from tests.agent.company import Company, open_company
from tests.agent.test_exploring import EXPLORING, written

EARNED = {"pause_mail": 0.9, "book_call": 0.3}
TYPE = "customer.upset"


async def season(company: Company, runs: int) -> list[tuple[float, float]]:
    """Runs at once whose outcome depends on what was done; the propensity and the reward of each."""
    names = range(runs)
    ended = await asyncio.gather(*(company.handle(f"c-{one}", id=f"e-{one}", message="unhappy") for one in names))
    made = [(propensity, EARNED[action]) for action, propensity, _ in map(written, ended)]
    for number, (_, reward) in enumerate(made):
        await company.send(f"c-{number}", id=f"o-{number}", type="customer.stayed", loyalty=reward)
    while (await company.segue.memories.outcomes("default", "new", None, 1)).items:
        await asyncio.sleep(0.02)
    return made


async def valued(company: Company) -> dict[str, Any]:
    """What each policy would have earned, by its name; checks that it is about one purpose."""
    found = await company.segue.memories.valuations.value("default", TYPE, tuple(POLICIES))
    assert {one["purpose"] for one in found["items"]} == {"calm the customer by mail or a telephone call"}
    return {one["policy"]: one for one in found["items"]}


async def test_policies_are_valued_from_what_runs_explored_and_earned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A hundred whole runs take long, and the bounds have tests of their own.
    monkeypatch.setattr(valuing, "FEWEST", 16)
    monkeypatch.setattr(valuing, "FEWEST_EFFECTIVE", 1.0)
    async with open_company(tmp_path, None, EXPLORING.replace("explore: 0.5", "explore: 0.4")) as company:
        made = await season(company, 16)
        found = await valued(company)
    weights = [0.5 / propensity for propensity, _ in made]
    earned = [weight * reward for weight, (_, reward) in zip(weights, made, strict=True)]
    uniform = found["uniform"]
    assert {propensity for propensity, _ in made} == {0.4, 0.6}
    assert (uniform["choices"], uniform["unexplored"], uniform["refused"]) == (16, 0, None)
    assert uniform["mean_reward"] == pytest.approx(fmean(reward for _, reward in made), abs=1e-4)
    assert uniform["ips"]["value"] == pytest.approx(sum(earned) / 16, abs=1e-4)
    assert uniform["snips"]["value"] == pytest.approx(sum(earned) / sum(weights), abs=1e-4)
    squared = sum(weight**2 for weight in weights)
    assert uniform["effective_sample_size"] == pytest.approx(sum(weights) ** 2 / squared, abs=0.1)
    # Nothing was known yet, so that every run took the same action as the best.
    best = {reward for propensity, reward in made if propensity == 0.6}
    assert {found["greedy"]["snips"]["value"]} == best


async def test_few_outcomes_are_refused_with_their_number(tmp_path: Path) -> None:
    async with open_company(tmp_path, None, EXPLORING) as company:
        await season(company, 3)
        found = await valued(company)
    assert {one["ips"] for one in found.values()} == {None}
    assert "There are 3 logged choices with an outcome; below 100" in found["greedy"]["refused"]


async def test_a_log_without_exploration_says_what_to_do(tmp_path: Path) -> None:
    async with open_company(tmp_path, None, EXPLORING.replace("explore: 0.5", "explore: 0.0")) as company:
        await season(company, 3)
        found = await valued(company)
    assert (found["uniform"]["choices"], found["uniform"]["unexplored"]) == (0, 3)
    assert "learning: {explore: 0.05}" in found["uniform"]["refused"]


async def test_without_outcomes_there_is_nothing_to_value(tmp_path: Path) -> None:
    async with open_company(tmp_path, None, EXPLORING) as company:
        await company.handle(message="unhappy")
        found = await company.segue.memories.valuations.value("default", TYPE, ["greedy"])
        with pytest.raises(NotFound, match=r"no event type 'customer.calm'"):
            await company.segue.memories.valuations.value("default", "customer.calm", ["greedy"])
        elsewhere = await company.segue.memories.valuations.value("other", TYPE, ["greedy"])
    assert found == {
        "type": TYPE,
        "graded_runs": 0,
        "refused": "No run of this type has an outcome yet.",
        "items": [],
    }
    assert elsewhere["graded_runs"] == 0


def candidate(action: str, propensity: float | None, *, chosen: bool = False, purpose: str = "p") -> dict[str, Any]:
    return {
        "action": action,
        "purpose": purpose,
        "propensity": propensity,
        "chosen": chosen,
        "prior": 0.5,
        "score": 0.5,
    }


def test_of_a_run_the_first_choice_for_a_purpose_counts() -> None:
    first = [candidate("a", 0.9, chosen=True), candidate("b", 0.1)]
    later = [candidate("a", 0.5), candidate("c", 0.5, chosen=True)]
    other = [candidate("x", 0.2, purpose="q", chosen=True), candidate("y", 0.8, purpose="q")]
    found = list(first_choices([first, [*later, *other]]))
    assert [(purpose, taken, len(rivals)) for purpose, rivals, taken in found] == [("p", "a", 2), ("q", "x", 2)]


def test_decisions_from_before_propensities_were_kept_say_nothing() -> None:
    old = [{"action": "a", "purpose": "p", "chosen": True, "prior": 0.5, "score": 0.5}]
    alone = [candidate("a", 1.0, chosen=True), candidate("b", None)]
    refused = [candidate("a", 0.5), candidate("b", 0.5)]
    assert list(first_choices([old])) == []
    assert list(first_choices([alone])) == []
    assert list(first_choices([refused])) == []
