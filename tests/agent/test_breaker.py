"""A tool that keeps failing is left alone for a while, then tried by one call."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from agent.breaker import BreakerSettings
from api.shapes import BreakerShown
from tests.agent.bench import BUSY, NO_PATIENCE, Bench, open_bench
from tests.agent.company import Script, call, dies, open_company
from tools.types import Answer, Answered, Declined, Governance, InDoubt, Nonsense

SETTINGS = BreakerSettings(failures=2, first_s=10.0, longest_s=35.0)
DONE = Answered(result=1)
READ = Governance(effect="read")
UNREACHED = Declined(error="act could not be reached", tells="unwell")
REFUSED = Declined(error="HTTP 422: no")


def state(bench: Bench) -> str:
    """`closed`, `open` or `half_open`."""
    return bench.guarded.resting["act"].state if bench.guarded.resting else "closed"


@pytest.mark.parametrize("failure", [BUSY, InDoubt(error="no answer in time"), UNREACHED])
async def test_after_enough_failures_in_a_row_a_call_is_not_sent_and_fails(tmp_path: Path, failure: Answer) -> None:
    async with open_bench(tmp_path, [failure] * 2, patience=NO_PATIENCE, breaker=SETTINGS) as bench:
        await bench.perform(0)
        assert state(bench) == "closed"
        await bench.perform(1)
        assert await bench.perform(2) == "failed"
        effect = await bench.effect(2)
    assert effect.attempts == 0
    assert effect.error.startswith("act is not called at present: the last 2 calls failed (at last: ")
    assert effect.error.endswith("it is tried again at 2026-11-03T12:00:10Z")
    assert len(bench.tool.keys) == 2


async def test_reads_count_and_are_kept_back_too(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [BUSY] * 2, governance=READ, patience=NO_PATIENCE, breaker=SETTINGS) as bench:
        assert [await bench.perform(index) for index in range(3)] == ["failed"] * 3
        assert (await bench.effect(2)).attempts == 0


@pytest.mark.parametrize(
    "well",
    [DONE, REFUSED, Declined(error="HTTP 429", retry_after_s=60.0), Nonsense(error="HTTP 200, but empty")],
)
async def test_an_answer_that_shows_the_tool_well_starts_the_count_again(tmp_path: Path, well: Answer) -> None:
    answers: list[Answer] = [BUSY, well, BUSY, DONE]
    async with open_bench(tmp_path, answers, patience=NO_PATIENCE, breaker=SETTINGS) as bench:
        for index in range(4):
            await bench.perform(index)
    assert len(bench.tool.keys) == 4


async def test_any_number_of_refusals_keeps_it_closed(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [REFUSED] * 10, breaker=SETTINGS) as bench:
        for index in range(10):
            await bench.perform(index)
        assert state(bench) == "closed"


async def test_a_call_that_never_reached_the_wire_tells_nothing(tmp_path: Path) -> None:
    nothing = Declined(error="an argument cannot be sent", tells="nothing")
    answers: list[Answer] = [BUSY, nothing, BUSY]
    async with open_bench(tmp_path, answers, patience=NO_PATIENCE, breaker=SETTINGS) as bench:
        for index in range(3):
            await bench.perform(index)
        assert state(bench) == "open"


async def test_when_its_time_is_over_one_call_tries_and_a_good_answer_closes_it(tmp_path: Path) -> None:
    gate = asyncio.Event()
    started = asyncio.Event()

    async def slow() -> Answer:
        started.set()
        await gate.wait()
        return DONE

    async with open_bench(tmp_path, [BUSY, BUSY, slow, DONE], patience=NO_PATIENCE, breaker=SETTINGS) as bench:
        await bench.perform(0)
        await bench.perform(1)
        await bench.clock.sleep(10)
        trying = asyncio.create_task(bench.perform(2))
        await started.wait()
        assert state(bench) == "half_open"
        assert await bench.perform(3) == "failed"
        assert (await bench.effect(3)).error.endswith("it is being tried again")
        gate.set()
        assert await trying == "done"
        assert state(bench) == "closed"
        assert await bench.perform(4) == "done"


async def test_each_vain_try_doubles_the_wait_up_to_the_longest(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [BUSY] * 6, patience=NO_PATIENCE, breaker=SETTINGS) as bench:
        await bench.perform(0)
        await bench.perform(1)
        for index, wait in enumerate((10, 20, 35, 35), start=2):
            resting = bench.guarded.resting["act"]
            assert resting.tried_again_at - bench.clock() == timedelta(seconds=wait)
            await bench.clock.sleep(wait)
            await bench.perform(index)


async def test_a_try_that_is_cancelled_lets_the_next_call_try(tmp_path: Path) -> None:
    started = asyncio.Event()

    async def hang() -> Answer:
        started.set()
        await asyncio.Event().wait()
        return DONE

    async with open_bench(tmp_path, [BUSY, BUSY, hang, DONE], patience=NO_PATIENCE, breaker=SETTINGS) as bench:
        await bench.perform(0)
        await bench.perform(1)
        await bench.clock.sleep(10)
        trying = asyncio.create_task(bench.perform(2))
        await started.wait()
        trying.cancel()
        await asyncio.gather(trying, return_exceptions=True)
        assert await bench.perform(3) == "done"


async def test_a_breaker_that_opens_between_two_attempts_ends_the_call_with_what_is_known(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [BUSY] * 2, breaker=SETTINGS) as bench:
        assert await bench.perform() == "unknown"
        effect = await bench.effect()
    assert effect.attempts == 2
    assert effect.error.startswith("HTTP 503: busy; not sent again: act is not called at present")


async def test_a_call_in_doubt_that_cannot_be_repeated_now_stays_in_doubt(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [BUSY] * 2, patience=NO_PATIENCE, breaker=SETTINGS) as bench:
        await bench.perform(0)
        await bench.perform(1)
        await bench.set_back(2)
        assert await bench.perform(2) == "unknown"
        effect = await bench.effect(2)
    assert effect.attempts == 1
    assert effect.error.startswith("the call was cut off in the middle; not sent again")


async def test_operators_see_which_tool_is_left_alone(tmp_path: Path) -> None:
    script = Script([[call("look_up", customer="c-1")]] * 2)
    settings = BreakerSettings(failures=3, first_s=3_600.0)
    async with open_company(tmp_path, script, breaker=settings) as company:
        company.ledger.faults["look_up"] = [dies] * 3
        shown = await company.handle()
        assert [effect["attempts"] for effect in shown["effects"]] == [3, 0]
        problems = await company.segue.health()
        listed = {tool["name"]: tool["breaker"] for tool in company.segue.tools()}
    assert list(problems) == ["tools.look_up"]
    assert "the line went dead" in problems["tools.look_up"]
    assert listed["pause_mail"] is None
    assert listed["look_up"]["state"] == "open"
    BreakerShown.model_validate(listed["look_up"])


async def test_a_clock_that_is_set_back_does_not_keep_the_tool_away(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [BUSY, BUSY, DONE], patience=NO_PATIENCE, breaker=SETTINGS) as bench:
        await bench.perform(0)
        await bench.perform(1)
        bench.clock.now -= timedelta(hours=5)
        assert await bench.perform(2) == "done"
