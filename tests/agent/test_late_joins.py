"""Outcomes that come before their run, runs that never get one, and what stays unmatched."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from agent.service import Segue
from agent.store.queries import Shown
from tests.agent.company import PORTFOLIO, Script, call, open_company
from tests.agent.test_outcomes import T0, joined, run_at, send

TWO_TYPES = PORTFOLIO.replace("events:\n  customer", "events:\n  other.event: {text: x, allow: [know]}\n  customer", 1)


async def matched(segue: Segue, id: str) -> Shown:
    """The outcome of that event id, once it is joined to a run."""
    while (found := (await joined(segue))[id])["run"] is None:
        await asyncio.sleep(0.02)
    return found


async def test_an_outcome_that_came_before_its_event_is_joined_when_the_run_turns_up(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        await send(company.segue, "o-1", T0 + timedelta(hours=1), loyalty=0.8)
        assert (await joined(company.segue))["o-1"]["state"] == "unmatched"
        run = await run_at(company, "e-1", T0)
        assert (await matched(company.segue, "o-1"))["run"] == run
        (episode,) = (await company.segue.memories.episodes("default", None, 10)).items
    assert episode["rewards"] == {"loyalty": 0.8}


async def test_a_later_correction_supersedes_one_that_was_joined_late(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        await send(company.segue, "early", T0 + timedelta(hours=1), loyalty=0.8)
        await joined(company.segue)
        await run_at(company, "e-1", T0)
        await send(company.segue, "corrected", T0 + timedelta(hours=2), loyalty=0.1)
        await matched(company.segue, "early")
        (episode,) = (await company.segue.memories.episodes("default", None, 10)).items
    assert episode["rewards"] == {"loyalty": 0.1}


async def test_a_run_takes_no_outcome_of_another_time_subject_or_type(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([]), TWO_TYPES) as company:
        segue = company.segue
        await send(segue, "too late", T0 + timedelta(days=31), loyalty=1)
        await send(segue, "just before it", T0 - timedelta(seconds=1), loyalty=1)
        await company.send("c-other", id="another subject", type="customer.stayed", loyalty=1)
        await joined(segue)
        await run_at(company, "e-1", T0)
        await send(segue, "of no such type", T0 + timedelta(days=90), loyalty=1)
        await joined(segue)
        other = await send(segue, "e-2", T0 + timedelta(days=90), "other.event")
        await company.ended(other)
        # One that does fit comes through: whatever would be woken has been by then.
        await send(segue, "fits", T0 + timedelta(days=201), loyalty=1)
        await joined(segue)
        last = await run_at(company, "e-3", T0 + timedelta(days=200))
        assert (await matched(segue, "fits"))["run"] == last
        states = {id: one["state"] for id, one in (await joined(segue)).items()}
    assert states == {
        "too late": "unmatched",
        "just before it": "unmatched",
        "another subject": "unmatched",
        "of no such type": "unmatched",
        "fits": "joined",
    }


async def test_of_runs_that_come_after_their_outcome_the_one_nearest_before_it_has_it(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        go_on = asyncio.Event()
        company.ledger.faults["pause_mail"] = [go_on.wait]
        await send(company.segue, "o-1", T0 + timedelta(days=2), loyalty=0.8)
        await joined(company.segue)
        # The second waits behind the first, of the same subject.
        await send(company.segue, "e-1", T0, "customer.upset")
        second = await send(company.segue, "e-2", T0 + timedelta(days=1), "customer.upset")
        go_on.set()
        await company.ended(second)
        assert (await matched(company.segue, "o-1"))["run"] == second


async def test_an_early_outcome_is_joined_though_segue_stopped_in_between(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        await send(company.segue, "o-1", T0 + timedelta(hours=1), loyalty=0.8)
        await joined(company.segue)
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        company.segue._dispatcher._tasks[0].cancel()
        run = await run_at(company, "e-1", T0)
    async with open_company(tmp_path, Script([])) as company:
        assert (await matched(company.segue, "o-1"))["run"] == run


async def test_a_run_without_an_outcome_is_no_failure_and_speaks_once_it_comes(tmp_path: Path) -> None:
    script = Script([[call("pause_mail")]])
    async with open_company(tmp_path, script) as company:
        await company.handle("c-0", id="e-0", message="my parcel never came")
        await company.handle("c-2", id="e-2", message="my parcel never came")
        assert script.seen[-1].evidence == {}
        await company.send("c-0", id="o-0", type="customer.stayed", loyalty=1)
        await joined(company.segue)
        await company.handle("c-3", id="e-3", message="my parcel never came")
        evidence = script.seen[-1].evidence["pause_mail"]
    assert evidence.success > 0
    assert evidence.failure == pytest.approx(0)
    assert len(evidence.episodes) == 1
