"""What operators say of a run: exactly of that run, once, superseded by what is said later, and by the business."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agent.accepting import BatchError
from agent.errors import Conflict, NotFound
from agent.events import RawEvent
from agent.judging import GivenOutcome, thumb
from agent.service import Segue
from tests.agent.company import PORTFOLIO, Script, call, open_company
from tests.agent.test_outcomes import T0, joined, run_at, send

SAVED = GivenOutcome(type="customer.stayed", data={"loyalty": 0.9}, id=None, by="ann")
TWO_GOALS = PORTFOLIO.replace("goals: {", "goals: {peace: {weight: 1.0, description: few complaints}, ")


async def rewards(segue: Segue) -> dict[str, float]:
    """Of the one episode there is, once nothing waits to be joined."""
    await joined(segue)
    (episode,) = (await segue.memories.episodes("default", None, 10)).items
    return dict(episode["rewards"])


async def test_an_outcome_of_a_named_run_is_joined_to_it_whatever_its_window(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        first = await run_at(company, "e-1", T0 - timedelta(days=400))
        await run_at(company, "e-2", T0)
        given = await company.segue.judging.outcome("default", first, SAVED)
        assert {one["id"]: one["run"] for one in (await joined(company.segue)).values()} == {given["outcome"]: first}
        shown = await company.segue.run("default", first)
    assert shown["outcomes"][0]["rewards"] == {"loyalty": 0.9}
    assert shown["outcomes"][0]["source"] == "urn:segue:operator:ann"


async def test_a_thumb_gives_way_to_outcomes_for_the_goals_they_grade_and_to_a_later_thumb(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail")]]), TWO_GOALS) as company:
        segue, run = company.segue, await run_at(company, "e-1", T0)
        await segue.judging.outcome("default", run, thumb("up", "well done", id=None, by="ann"))
        assert await rewards(segue) == {"*": 1.0}
        await segue.judging.outcome("default", run, thumb("down", None, id=None, by="bob"))
        assert await rewards(segue) == {"*": 0.0}
        await send(segue, "o-1", T0 + timedelta(days=1), loyalty=0.4)
        assert await rewards(segue) == {"*": 0.0, "loyalty": 0.4}
        assert len((await segue.run("default", run))["outcomes"]) == 3


async def test_a_thumb_alone_is_evidence_for_less_than_an_outcome(tmp_path: Path) -> None:
    told: dict[str, float] = {}
    for way in ("thumb", "outcome"):
        script = Script([[call("pause_mail")]])
        async with open_company(tmp_path / way, script) as company:
            run = await run_at(company, "e-1", T0)
            given = thumb("up", None, id=None, by="ann") if way == "thumb" else replace(SAVED, data={"loyalty": 1})
            await company.segue.judging.outcome("default", run, given)
            await joined(company.segue)
            await run_at(company, "e-1b", T0)
            told[way] = script.seen[-1].evidence["pause_mail"].success
    assert told["thumb"] == pytest.approx(told["outcome"] / 2, rel=1e-4)


async def test_the_same_is_said_once_and_another_thing_again(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        judging, run = company.segue.judging, await run_at(company, "e-1", T0)
        up, down = (thumb(which, None, id=None, by="ann") for which in ("up", "down"))
        told = await asyncio.gather(*(judging.outcome("default", run, up) for _ in range(4)))
        assert sorted(one["duplicate"] for one in told) == [False, True, True, True]
        assert len({one["outcome"] for one in told}) == 1
        assert not (await judging.outcome("default", run, down))["duplicate"]
        assert not (await judging.outcome("default", run, up))["duplicate"]
        assert await rewards(company.segue) == {"*": 1.0}


async def test_a_known_id_is_the_same_outcome_and_with_other_content_a_conflict(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        segue, run = company.segue, await run_at(company, "e-1", T0)
        other = await run_at(company, "e-2", T0)
        named = replace(SAVED, id="n-1")
        first = await segue.judging.outcome("default", run, named)
        await segue.judging.outcome("default", run, replace(named, id="n-2", data={"loyalty": 0.1}))
        again = await segue.judging.outcome("default", run, named)
        assert again == {**first, "duplicate": True}
        for target, given in ((run, replace(named, data={"loyalty": 0.3})), (other, named)):
            with pytest.raises(BatchError, match="already accepted") as told:
                await segue.judging.outcome("default", target, given)
            assert told.value.kind == "conflict"
        assert await segue.judging.outcome("default", run, replace(named, by="bob")) != first


async def test_what_cannot_be_an_outcome_of_the_run_is_refused_with_the_reason(tmp_path: Path) -> None:
    narrow = PORTFOLIO.replace(
        "outcomes:\n", "outcomes:\n  of.others: {join: {events: [other.event]}, grade: {loyalty: '1.0'}}\n"
    ).replace("events:\n  customer", "events:\n  other.event: {text: x, allow: [know]}\n  customer", 1)
    async with open_company(tmp_path, Script([[call("pause_mail")]]), narrow) as company:
        judging, run = company.segue.judging, await run_at(company, "e-1", T0)
        with pytest.raises(NotFound):
            await judging.outcome("default", "01NONE", SAVED)
        with pytest.raises(NotFound):
            await judging.outcome("another", run, SAVED)
        for given, why in (
            (replace(SAVED, type="customer.stayd"), "Did you mean 'customer.stayed'"),
            (replace(SAVED, data={}), "'loyalty' is a required property"),
            (replace(SAVED, type="of.others"), "are of 'other.event'"),
            (replace(SAVED, type="segue.thumb"), "does not fit"),
        ):
            with pytest.raises(BatchError, match=why):
                await judging.outcome("default", run, given)
        assert await joined(company.segue) == {}


async def test_a_run_that_decided_nothing_has_no_outcome(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        await company.segue.pauses.pause("default", "all", "", by="ann", reason=None)
        run = await company.send()
        await company.segue.cancel("default", run, by="ann")
        assert (await company.ended(run))["decisions"] == []
        with pytest.raises(Conflict, match="decided nothing"):
            await company.segue.judging.outcome("default", run, SAVED)


async def test_nobody_sends_events_in_the_name_of_an_operator(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([])) as company:
        forged = RawEvent(
            source="urn:segue:operator:ann", id="n", type="customer.stayed", subject="c", time=None, data={"loyalty": 1}
        )
        with pytest.raises(BatchError, match="Segue's own"):
            await company.segue.accept("default", [forged])


async def test_an_outcome_that_was_stored_before_a_stop_is_joined_after_it(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        run = await run_at(company, "e-1", T0)
        company.segue._dispatcher._tasks[0].cancel()
        await company.segue.judging.outcome("default", run, thumb("down", None, id="t", by="ann"))
        (waiting,) = (await company.segue.memories.outcomes("default", "new", None, 9)).items
        assert waiting["run"] == run
    async with open_company(tmp_path, Script([])) as company:
        assert await rewards(company.segue) == {"*": 0.0}
