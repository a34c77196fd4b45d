"""The figures of a reflex, and the scripted model they are measured with."""

from __future__ import annotations

import json
from collections.abc import Sequence

import httpx
import pytest

from agent.deciders.chat import ChatDecider
from evals.learning.reflex import Half, Stream, play, play_reflex, summed_up
from evals.learning.reflex_stages import STAGES
from evals.learning.scripted import ScriptedModel
from evals.worlds.kit.loopback import on_loopback
from tests.agent.deciders.chat_situations import situation


def stream(seed: int, *, reflex: bool, calls: tuple[int, int], rewards: tuple[float, float]) -> Stream:
    halves = [Half(model_calls=n, tokens=100 * n, reward=earned) for n, earned in zip(calls, rewards, strict=True)]
    return Stream(
        seed=seed,
        arm="reflex" if reflex else "asked",
        halves=(halves[0], halves[1]),
        checks=4 * reflex,
        agreed=3 * reflex,
    )


def played(second_calls: int, losses: Sequence[float]) -> list[Stream]:
    found: list[Stream] = []
    for seed, loss in enumerate(losses):
        found.append(stream(seed, reflex=False, calls=(60, 60), rewards=(0.8, 0.8)))
        found.append(stream(seed, reflex=True, calls=(50, second_calls), rewards=(0.8, 0.8 - loss)))
    return found


def test_what_is_saved_is_counted_per_half_over_all_seeds() -> None:
    figures = summed_up(STAGES["retail_care"], [0, 1], 20, played(6, [0.0, 0.0]))
    assert (figures.first.saved_percent, figures.second.saved_percent) == pytest.approx((100 / 6, 90.0))
    assert figures.second.tokens_saved_percent == pytest.approx(90.0)
    assert (figures.checks, figures.agreed, figures.held) == (8, 6, True)
    assert json.loads(json.dumps(figures.as_json()))["second_half"]["reward_difference"]["mean"] == 0.0


@pytest.mark.parametrize(
    ("calls", "losses", "states"),
    [
        (6, [0.02, -0.02, 0.0], ["passed", "passed"]),
        (13, [0.0, 0.0, 0.0], ["failed", "passed"]),
        (6, [0.10, 0.11, 0.12], ["passed", "failed"]),
        (6, [0.5], ["passed", "skipped"]),
    ],
)
def test_the_marks_are_missed_by_too_few_calls_saved_or_by_a_clear_loss(
    calls: int, losses: list[float], states: list[str]
) -> None:
    figures = summed_up(STAGES["retail_care"], range(len(losses)), 20, played(calls, losses))
    assert [mark.state for mark in figures.marks] == states
    assert figures.held == ("failed" not in states)


@pytest.mark.parametrize(("seeds", "events"), [([], 20), ([1, 1], 20), ([1], 30), ([1], 0)])
def test_what_cannot_be_played_is_refused(seeds: list[int], events: int) -> None:
    with pytest.raises(ValueError, match="Give"):
        play_reflex("retail_care", seeds, events)


async def test_the_scripted_model_answers_the_real_chat_decider_and_counts() -> None:
    model = ScriptedModel(
        lambda asked: [] if asked.called else [("look_up_order", {"order_id": asked.event["subject"]})]
    )
    async with on_loopback(model.app) as url:
        decider = ChatDecider(model="scripted", base_url=f"{url}/v1", api_key="k")
        decision = await decider.decide(situation())
        await decider.aclose()
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"{url}/v1/models")).status_code == 404
    assert [call.arguments for call in decision.calls] == [{"order_id": "o-7"}]
    assert (model.calls, model.tokens) == (1, decision.tokens)


def test_a_stream_is_played_with_the_model_asked_at_every_decision() -> None:
    half = play("retail_care", 1_000, "asked", 20).halves[0]
    # Ten conversations of three decisions each, and as many solved cases of two.
    assert half.model_calls == 50
    assert 0.0 < half.reward <= 1.0
