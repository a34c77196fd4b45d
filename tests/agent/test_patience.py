"""How a call is tried again: how often, when, and when not."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.ledger import Held, Patience
from tests.agent.bench import BUSY, open_bench
from tools.types import Answer, Answered, Declined, Governance, InDoubt

ONCE_ONLY = Governance()
DONE = Answered(result=1)
REFUSED = Declined(error="HTTP 422")
UNREACHED = Declined(error="act could not be reached", tells="unwell")


async def test_the_waits_grow_with_jitter_up_to_a_bound(tmp_path: Path) -> None:
    patience = Patience(attempts=7, backoff_s=1.0, longest_backoff_s=5.0)
    async with open_bench(tmp_path, [BUSY] * 6 + [DONE], patience=patience) as bench:
        assert await bench.perform() == "done"
        assert (await bench.effect()).attempts == 7
    for wait, least in zip(bench.clock.waits, (0.5, 1.0, 2.0, 2.5, 2.5, 2.5), strict=True):
        assert least <= wait <= 3 * least
    assert len(set(bench.clock.waits)) == 6


@pytest.mark.parametrize("governance", [Governance(idempotent=True), Governance(effect="read")])
@pytest.mark.parametrize(
    "answer", [Declined(error="HTTP 429", retry_after_s=4.0), InDoubt(error="HTTP 503", retry_after_s=4.0)]
)
async def test_a_busy_tool_is_called_again_no_sooner_than_it_asked_for(
    tmp_path: Path, governance: Governance, answer: Answer
) -> None:
    async with open_bench(tmp_path, [answer, answer, DONE], governance=governance) as bench:
        assert await bench.perform() == "done"
    assert all(4.0 < wait < 5.0 for wait in bench.clock.waits)
    assert len(set(bench.tool.keys)) == 1


async def test_a_429_did_nothing_so_even_a_tool_that_is_not_idempotent_is_called_again(tmp_path: Path) -> None:
    busy = Declined(error="HTTP 429", retry_after_s=1.0)
    async with open_bench(tmp_path, [busy, DONE], governance=ONCE_ONLY) as bench:
        assert await bench.perform() == "done"


async def test_a_503_of_a_tool_that_is_not_idempotent_is_never_repeated(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [InDoubt(error="HTTP 503", retry_after_s=1.0)], governance=ONCE_ONLY) as bench:
        assert await bench.perform() == "unknown"
    assert bench.clock.waits == []


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ([Declined(error="HTTP 429", retry_after_s=3_600.0)], "failed"),
        ([InDoubt(error="HTTP 503", retry_after_s=3_600.0)], "unknown"),
        ([BUSY, Declined(error="HTTP 429", retry_after_s=3_600.0)], "unknown"),
    ],
)
async def test_a_tool_that_asks_for_too_long_a_wait_is_not_waited_for(
    tmp_path: Path, answers: list[Answer], state: str
) -> None:
    async with open_bench(tmp_path, answers) as bench:
        assert await bench.perform() == state
        assert (await bench.effect()).attempts == len(answers)
    assert sum(bench.clock.waits) < 1.0


async def test_what_was_not_reached_is_tried_again_whatever_the_tool(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [UNREACHED, UNREACHED, DONE], governance=ONCE_ONLY) as bench:
        assert await bench.perform() == "done"


async def test_a_tool_that_is_never_reached_fails_after_all_attempts(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [UNREACHED] * 3, governance=ONCE_ONLY) as bench:
        assert await bench.perform() == "failed"
        assert (await bench.effect()).attempts == 3


async def test_a_refusal_is_not_argued_with(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [REFUSED]) as bench:
        assert await bench.perform() == "failed"
    assert bench.clock.waits == []


# --- paused tools


async def test_a_paused_tool_is_not_claimed_and_goes_on_when_it_is_resumed(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [DONE]) as bench:
        await bench.pause("tool", "act")
        with pytest.raises(Held) as caught:
            await bench.perform()
        assert caught.value.reason == "tool:act"
        assert await bench.effect() is None
        await bench.resume()
        assert await bench.perform() == "done"


async def test_a_call_that_has_ended_is_known_though_the_tool_is_paused(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [DONE]) as bench:
        await bench.perform()
        await bench.pause("all")
        assert await bench.perform() == "done"


async def test_a_call_in_doubt_is_not_repeated_while_the_tool_is_paused(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [DONE]) as bench:
        await bench.set_back()
        await bench.pause("event", "t")
        with pytest.raises(Held):
            await bench.perform()
        await bench.resume()
        assert await bench.perform() == "done"


async def test_a_call_in_doubt_that_is_never_repeated_is_unknown_though_the_tool_is_paused(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [], governance=ONCE_ONLY) as bench:
        await bench.set_back()
        await bench.pause("all")
        assert await bench.perform() == "unknown"


@pytest.mark.parametrize(("first", "state"), [(BUSY, "unknown"), (UNREACHED, "failed")])
async def test_a_tool_that_is_paused_between_two_attempts_gets_no_second_one(
    tmp_path: Path, first: Answer, state: str
) -> None:
    async def answer() -> Answer:
        await bench.pause("tool", "act")
        return first

    async with open_bench(tmp_path, [answer]) as bench:
        assert await bench.perform() == state
        effect = await bench.effect()
    assert effect.attempts == 1
    assert "not sent again: act is paused: tool:act" in effect.error
