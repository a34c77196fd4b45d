"""Outcomes: early, late, odd, several, and how they find the run that caused them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from agent import situation
from agent.accepting import BatchError
from agent.events import RawEvent
from agent.service import Segue
from agent.store.queries import Shown
from memory.recall import Memory
from tests.agent.company import PORTFOLIO, Company, Script, call, open_company

T0 = datetime(2026, 6, 1, tzinfo=UTC)


async def send(segue: Segue, id: str, time: datetime | None, type: str = "customer.stayed", **data: Any) -> str:
    """One event about c-1 at a time of its own; the id of its run or outcome."""
    event = RawEvent(source="/tests", id=id, type=type, subject="c-1", time=time, data=data)
    (accepted,) = await segue.accept("default", [event])
    return accepted.run or accepted.outcome or ""


async def run_at(company: Company, id: str, time: datetime) -> str:
    """A finished run whose event has that time."""
    run = await send(company.segue, id, time, "customer.upset", message=f"message {id}")
    await company.ended(run)
    return run


async def joined(segue: Segue) -> dict[str, Shown]:
    """Every outcome by its event's id, once none waits any more."""
    while True:
        found = (await segue.memories.outcomes("default", None, None, 50)).items
        if all(one["state"] != "new" for one in found):
            return {one["event_id"]: one for one in found}
        await asyncio.sleep(0.02)


async def test_times_at_the_ends_of_the_calendar_stop_nothing(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([])) as company:
        first = await run_at(company, "e-1", datetime(1, 1, 1, tzinfo=UTC))
        await send(company.segue, "o-1", datetime(1, 1, 1, 0, 0, 1, tzinfo=UTC), loyalty=1)
        last = await run_at(company, "e-2", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
        await send(company.segue, "o-2", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), loyalty=0)
        found = await joined(company.segue)
        assert (found["o-1"]["run"], found["o-2"]["run"]) == (first, last)
        assert await company.segue.health() == {}
        shown = await company.segue.run("default", last)
    assert shown["event"]["time"] == "9999-12-31T23:59:59Z"


@pytest.mark.parametrize(
    "time",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))),
    ],
)
async def test_a_time_no_calendar_holds_in_utc_is_refused(tmp_path: Path, time: datetime) -> None:
    async with open_company(tmp_path, Script([])) as company:
        with pytest.raises(BatchError, match="years 1 to 9999"):
            await send(company.segue, "e-1", time, "customer.upset")


async def test_an_outcome_finds_the_run_before_it_and_not_one_after_it(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([])) as company:
        first = await run_at(company, "e-1", T0)
        second = await run_at(company, "e-2", T0 + timedelta(days=10))
        await send(company.segue, "of the first", T0 + timedelta(days=5), loyalty=1)
        await send(company.segue, "of the second", T0 + timedelta(days=12), loyalty=1)
        await send(company.segue, "a slow clock", T0 + timedelta(days=10) - timedelta(seconds=20), loyalty=1)
        await send(company.segue, "before all", T0 - timedelta(days=1), loyalty=1)
        await send(company.segue, "after the window", T0 + timedelta(days=41), loyalty=1)
        found = await joined(company.segue)
    assert {name: one["run"] for name, one in found.items()} == {
        "of the first": first,
        "of the second": second,
        "a slow clock": second,
        "before all": None,
        "after the window": None,
    }
    assert found["before all"]["state"] == "unmatched"


async def test_a_later_outcome_supersedes_an_earlier_one_and_overwrites_nothing(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        run = await run_at(company, "e-1", T0)
        for id, loyalty in (("o-1", 0.2), ("o-2", 0.9)):
            await send(company.segue, id, T0 + timedelta(days=1), loyalty=loyalty)
        again = await send(company.segue, "o-1", T0 + timedelta(days=1), loyalty=0.2)
        found = await joined(company.segue)
        assert found["o-1"]["id"] == again
        page = await company.segue.memories.episodes("default", None, 10)
        shown = await company.segue.run("default", run)
    assert page.items[0]["rewards"] == {"loyalty": 0.9}
    assert sorted(one["rewards"]["loyalty"] for one in shown["outcomes"]) == [0.2, 0.9]


async def test_an_outcome_of_a_run_still_going_counts_once_the_run_is_closed(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        go_on = asyncio.Event()
        company.ledger.faults["pause_mail"] = [go_on.wait]
        run = await send(company.segue, "e-1", T0, "customer.upset")
        await send(company.segue, "o-1", T0 + timedelta(seconds=1), loyalty=0.7)
        assert (await joined(company.segue))["o-1"]["run"] == run
        go_on.set()
        await company.ended(run)
        page = await company.segue.memories.episodes("default", None, 10)
    assert page.items[0]["rewards"] == {"loyalty": 0.7}


async def test_an_outcome_that_cannot_be_graded_keeps_its_reason_and_stops_no_other(tmp_path: Path) -> None:
    strange = PORTFOLIO.replace('"double(data.loyalty)"', '"data.loyalty > 1.0 ? data.lacking : data.loyalty"').replace(
        "properties: {loyalty: {type: number}}, required: [loyalty]",
        "properties: {loyalty: {type: number}, lacking: {type: number}}, required: [loyalty]",
    )
    async with open_company(tmp_path, Script([[call("pause_mail")]]), strange) as company:
        run = await run_at(company, "e-1", T0)
        for id, loyalty in (("o-lacking", 2.0), ("o-beyond", -0.5), ("o-right", 0.5)):
            await send(company.segue, id, T0 + timedelta(days=1), loyalty=loyalty)
        found = await joined(company.segue)
    assert {name: (one["state"], one["run"]) for name, one in found.items()} == {
        "o-lacking": ("ungraded", run),
        "o-beyond": ("ungraded", run),
        "o-right": ("joined", run),
    }
    assert "lies from 0 to 1" in found["o-beyond"]["detail"]
    assert found["o-right"]["rewards"] == {"loyalty": 0.5}


@pytest.mark.parametrize(("again", "looks"), [(timedelta(minutes=1), 1), (timedelta(0), 2)])
async def test_decisions_of_a_run_look_for_like_episodes_once_in_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: timedelta, looks: int
) -> None:
    monkeypatch.setattr(situation, "LOOK_AGAIN", again)
    script = Script([[call("look_up")], [call("pause_mail")]])
    searched: list[str] = []
    search = Memory.search

    async def watched(self: Memory, *, text: str, **rest: Any) -> tuple[tuple[str, float], ...]:
        searched.append(text)
        return await search(self, text=text, **rest)

    async with open_company(tmp_path, script) as company:
        await company.handle("c-1", message="my parcel never came")
        await company.send("c-1", id="o-1", type="customer.stayed", loyalty=1)
        while (await company.segue.memories.outcomes("default", "new", None, 9)).items:
            await asyncio.sleep(0.02)
        monkeypatch.setattr(Memory, "search", watched)
        script.seen.clear()
        await company.handle("c-2", id="e-2", message="my parcel never came")
    first, second, last = script.seen
    assert searched == ["my parcel never came"] * looks
    # What the run found out meanwhile is compared all the same.
    assert (first.features, second.features, last.features) == ({}, {"tier": "gold"}, {"tier": "gold"})
    assert set(first.evidence) == set(second.evidence) == {"look_up", "pause_mail"}
    assert first.evidence["pause_mail"] != second.evidence["pause_mail"]
