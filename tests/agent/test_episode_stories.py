"""One episode whole, what it was used for since, and the map: a small company with outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from agent.errors import NotFound
from agent.store import episode_looks
from agent.stories import SHOWN, VERDICTS
from agent.types import Call, Decision, Situation
from tests.agent.company import Company, Script, call, open_company

SAID = "my parcel never came"
PAUSED, BOOKED = (call("pause_mail"),), (call("book_call"),)


class Plans:
    """A decider that does in each run what the next plan says, and nothing more."""

    name = "script"

    def __init__(self, *plans: Sequence[Call]) -> None:
        self._plans = list(plans)

    async def decide(self, situation: Situation) -> Decision:
        """The next plan, in the first decision of a run."""
        return await Script([self._plans.pop(0)] if situation.decision == 1 else [()]).decide(situation)


async def live(company: Company, number: int, loyalty: float | None, message: str = SAID) -> str:
    """A run, and its outcome if there is one."""
    run = await company.handle(f"c-{number}", id=f"e-{number}", message=message)
    if loyalty is not None:
        await company.send(f"c-{number}", id=f"o-{number}", type="customer.stayed", loyalty=loyalty)
        while (await company.segue.memories.outcomes("default", "new", None, 9)).items:
            await asyncio.sleep(0.02)
    return str(run["id"])


async def uses(company: Company, episode: str) -> dict[str, Any]:
    """What an episode was used for."""
    found: dict[str, Any] = (await company.segue.memories.episode("default", episode))["uses"]
    return found


async def test_an_episode_that_went_well_has_helped_where_it_was_followed_and_that_went_well(tmp_path: Path) -> None:
    async with open_company(tmp_path, Plans(PAUSED, PAUSED, PAUSED, BOOKED, PAUSED)) as company:
        first = await live(company, 0, 0.9)
        later = [await live(company, number, loyalty) for number, loyalty in enumerate((1.0, 0.1, 0.8, None), 1)]
        told = await uses(company, first)
    assert {verdict: told[verdict] for verdict in VERDICTS} == {"helped": 1, "hurt": 1, "not_followed": 1, "open": 1}
    assert (told["runs_looked_at"], told["all_looked_at"]) == (4, True)
    assert [(one["run"], one["advice"], one["verdict"]) for one in told["latest"]] == [
        (later[3], "for", "open"),
        (later[2], "for", "not_followed"),
        (later[1], "for", "hurt"),
        (later[0], "for", "helped"),
    ]


async def test_an_episode_that_went_badly_has_helped_where_another_action_went_well(tmp_path: Path) -> None:
    async with open_company(tmp_path, Plans(PAUSED, BOOKED, PAUSED)) as company:
        first = await live(company, 0, 0.0)
        await live(company, 1, 1.0)
        await live(company, 2, 0.0)
        told = await uses(company, first)
    assert [(one["action"], one["advice"], one["verdict"]) for one in told["latest"]] == [
        ("pause_mail", "against", "not_followed"),
        ("pause_mail", "against", "helped"),
    ]


async def test_what_a_run_did_in_several_decisions_is_one_use_of_each_action(tmp_path: Path) -> None:
    both = Script([(call("look_up"),), PAUSED])
    async with open_company(tmp_path, both) as company:
        first = await live(company, 0, 1.0)
        await live(company, 1, 1.0)
        told = await uses(company, first)
    assert [(one["action"], one["verdict"]) for one in told["latest"]] == [
        ("look_up", "helped"),
        ("pause_mail", "helped"),
    ]


async def test_a_call_that_waits_for_an_operator_is_open_until_the_run_ends(tmp_path: Path) -> None:
    pay = (call("pay_back", amount=1.0),)
    async with open_company(tmp_path, Plans(PAUSED, pay)) as company:
        first = await live(company, 0, 1.0)
        waiting = await live(company, 1, None)
        told = await uses(company, first)
        assert [(one["run"], one["verdict"]) for one in told["latest"]] == [(waiting, "open")]
        await company.segue.cancel("default", waiting, by="ann")
        while (await company.segue.run("default", waiting))["status"] != "cancelled":
            await asyncio.sleep(0.02)
        told = await uses(company, first)
    assert [one["verdict"] for one in told["latest"]] == ["not_followed"]


async def test_an_episode_is_told_with_its_decisions_the_evidence_for_them_and_its_outcomes(tmp_path: Path) -> None:
    async with open_company(tmp_path, Plans(PAUSED, PAUSED)) as company:
        first = await live(company, 0, 1.0)
        second = await live(company, 1, 0.25)
        await company.send("c-1", id="o-again", type="customer.stayed", loyalty=0.75)
        while (await company.segue.memories.outcomes("default", "new", None, 9)).items:
            await asyncio.sleep(0.02)
        told = await company.segue.memories.episode("default", second)
    decision = told["decisions"][0]
    assert (decision["actions"], decision["decided_by"]) == (["pause_mail"], "script")
    assert [(one["action"], one["episodes"]) for one in decision["evidence"]] == [("pause_mail", [first])]
    assert decision["evidence"][0]["success"] > decision["evidence"][0]["failure"] == 0
    assert (told["reward"], told["rewards"]) == (0.75, {"loyalty": 0.75})
    assert sorted(one["rewards"]["loyalty"] for one in told["outcomes"]) == [0.25, 0.75]
    assert told["uses"]["latest"] == []


async def test_no_more_runs_are_looked_at_than_the_bound_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(episode_looks, "LOOKED_AT", 2)
    async with open_company(tmp_path, Plans(*[PAUSED] * 4)) as company:
        names = [await live(company, number, 1.0) for number in range(4)]
        first, second = await uses(company, names[0]), await uses(company, names[1])
    assert (first["runs_looked_at"], first["all_looked_at"], first["helped"]) == (2, False, 2)
    assert (second["runs_looked_at"], second["all_looked_at"], second["helped"]) == (2, True, 2)
    assert SHOWN >= 2


async def test_another_tenants_episode_is_not_there(tmp_path: Path) -> None:
    async with open_company(tmp_path, Plans(PAUSED)) as company:
        mine = await live(company, 0, None)
        for tenant, name in (("other", mine), ("default", "none"), ("default", "%")):
            with pytest.raises(NotFound, match="there is no episode"):
                await company.segue.memories.episode(tenant, name)


async def test_the_map_lays_the_newest_episodes_out_with_what_came_of_them(tmp_path: Path) -> None:
    texts = (SAID, SAID, "the invoice is wrong", "the invoice is wrong again")
    async with open_company(tmp_path, Plans(*[PAUSED] * 3, BOOKED)) as company:
        names = [await live(company, number, 1.0 if number == 1 else None, text) for number, text in enumerate(texts)]
        whole = await company.segue.memories.map("default", "customer.upset", 10)
        newest = await company.segue.memories.map("default", "customer.upset", 2)
        empty = await company.segue.memories.map("other", "customer.upset", 10)
        with pytest.raises(NotFound, match=r"no event type 'customer\.gone'"):
            await company.segue.memories.map("default", "customer.gone", 10)
    points = whole["points"]
    assert [one["episode"] for one in points] == names[::-1]
    assert [one["reward"] for one in points] == [None, None, 1.0, None]
    assert [one["actions"] for one in points] == [["book_call"], *[["pause_mail"]] * 3]
    places = [(one["x"], one["y"]) for one in points]
    assert places[2] == places[3] != places[1]
    assert [one["episode"] for one in newest["points"]] == names[:1:-1]
    assert (newest["episodes"], whole["not_indexed"], empty["points"], empty["episodes"]) == (4, 0, [], 0)
