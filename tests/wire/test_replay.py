"""What the product makes of a real server's answers, replayed. The model is tiny: its choices are not judged.

A request is replayed only where the product sends it as recorded, so what stands in a cassette's requests is the
product's own doing too.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.types import DeciderError, Decision
from evals.wire.cassettes import replaying
from evals.wire.company import ORDER, PERMITTED
from evals.wire.scenes import SCENES, Streamed, Wire
from tests.wire.recorded import FILES, answers, events, interactions, made_calls, totals


async def replay(name: str, wire: Wire) -> Any:
    """What comes of a scene when its cassette answers, each answer used."""
    with replaying(FILES[name]) as cassette:
        made = await SCENES[name].play(wire)
        assert cassette.all_played
    return made


@pytest.mark.parametrize("name", SCENES)
async def test_every_scene_replays_to_what_it_was_recorded_for(name: str, wire: Wire) -> None:
    assert SCENES[name].wanted(await replay(name, wire))


@pytest.mark.parametrize("name", ["calls", "parallel_calls"])
async def test_calls_of_a_real_server_become_the_calls_of_a_decision(name: str, wire: Wire) -> None:
    decision: Decision = await replay(name, wire)
    (answer,) = answers(name)
    assert answer["choices"][0]["finish_reason"] == "tool_calls"
    assert [(call.tool, call.arguments) for call in decision.calls] == made_calls(answer)
    assert (decision.kind, decision.decided_by, decision.refused) == ("act", "tiny", ())
    assert {candidate.tool for candidate in decision.candidates if candidate.chosen} == {
        call.tool for call in decision.calls
    }


async def test_several_calls_in_one_answer_are_kept_in_order_with_the_action_of_each(wire: Wire) -> None:
    decision: Decision = await replay("parallel_calls", wire)
    assert len(decision.calls) >= 2
    for call in decision.calls:
        chosen = f"[supplier={call.arguments['supplier']}]" if call.tool == "order_parts" else ""
        assert call.action == f"{call.tool}{chosen}"


@pytest.mark.parametrize("name", ["calls", "parallel_calls", "words_only", "another_name"])
async def test_the_tokens_of_a_decision_are_those_the_server_counted(name: str, wire: Wire) -> None:
    decision: Decision = await replay(name, wire)
    (answer,) = answers(name)
    assert decision.tokens == answer["usage"]["prompt_tokens"] + answer["usage"]["completion_tokens"]


@pytest.mark.parametrize("name", ["words_only", "refusal"])
async def test_a_model_that_declines_in_words_finishes_with_them_as_reason(name: str, wire: Wire) -> None:
    decision: Decision = await replay(name, wire)
    message = answers(name)[0]["choices"][0]["message"]
    assert "refusal" not in message
    assert (decision.kind, decision.calls, decision.question) == ("finish", (), None)
    assert decision.reason.split()[:8] == message["content"].split()[:8]


async def test_calls_that_come_in_pieces_are_put_together(wire: Wire) -> None:
    made: Streamed = await replay("streamed_calls", wire)
    pieces = [
        call
        for event in events("streamed_calls")
        for choice in event["choices"]
        for call in choice["delta"].get("tool_calls", [])
    ]
    assert len(pieces) > len(made.whole.tool_calls) > 1
    for index, call in enumerate(made.whole.tool_calls):
        said = "".join(piece["function"].get("arguments", "") for piece in pieces if piece["index"] == index)
        assert call["args"] == json.loads(said)
        assert call["name"] == next(piece["function"]["name"] for piece in pieces if piece["index"] == index)
    assert made.whole.response_metadata["finish_reason"] == "tool_calls"


async def test_a_streamed_answer_asks_for_the_same_calls_as_the_whole_one(wire: Wire) -> None:
    """Both were recorded with the same options of the server, so the model said the same."""
    made: Streamed = await replay("streamed_calls", wire)
    assert [(call["name"], call["args"]) for call in made.whole.tool_calls] == made_calls(answers("parallel_calls")[0])


async def test_text_that_comes_in_pieces_is_put_together(wire: Wire) -> None:
    made: Streamed = await replay("streamed_text", wire)
    deltas = [choice["delta"].get("content") for event in events("streamed_text") for choice in event["choices"]]
    said = [delta for delta in deltas if delta]
    assert len(said) > 1
    assert made.pieces >= len(said)
    assert made.whole.text == "".join(said)
    assert made.whole.tool_calls == []


@pytest.mark.parametrize("name", ["streamed_calls", "streamed_text"])
async def test_the_usage_of_a_stream_comes_with_its_last_piece_because_it_was_asked_for(name: str, wire: Wire) -> None:
    made: Streamed = await replay(name, wire)
    last = events(name)[-1]
    assert interactions(name)[0]["request"]["body"]["stream_options"] == {"include_usage": True}
    assert last["choices"] == []
    assert made.whole.usage_metadata is not None
    assert made.whole.usage_metadata["total_tokens"] == last["usage"]["total_tokens"] > 0


@pytest.mark.parametrize("name", ["run", "token_limit"])
async def test_the_report_of_a_run_has_its_tokens_and_nothing_that_is_not_permitted(name: str, wire: Wire) -> None:
    run = await replay(name, wire)
    assert run["decided_by"] == "tiny"
    assert {decision["decided_by"] for decision in run["decisions"]} == {"tiny"}
    assert [decision["tokens"] for decision in run["decisions"]] == totals(name)
    assert {effect["tool"] for effect in run["effects"]} <= PERMITTED - {"tell_customer"}
    assert all(effect["arguments"]["order_id"] == ORDER for effect in run["effects"])


def test_the_tokens_that_stopped_a_run_are_those_the_server_counted() -> None:
    *before, last = totals("token_limit")
    assert sum(before) < 1000 <= sum(before) + last


def test_what_a_run_has_used_is_taken_from_what_the_model_is_told_is_left() -> None:
    told = [one["request"]["body"]["messages"][0]["content"] for one in interactions("run")]
    left = 50_000
    for text, used in zip(told, totals("run"), strict=True):
        assert f"{left} tokens." in text
        left -= used


def test_the_results_of_calls_go_back_to_the_model_under_the_ids_of_the_calls() -> None:
    second = interactions("run")[1]["request"]["body"]["messages"]
    asked = [call["id"] for message in second for call in message.get("tool_calls", [])]
    assert asked
    assert [message["tool_call_id"] for message in second if message["role"] == "tool"] == asked


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("context_too_long", 400, "model_bad_request"),
        ("wrong_key", 401, "model_unauthorized"),
        ("cut_off", 200, "model_cut_off"),
    ],
)
async def test_an_error_of_a_real_server_has_its_name_and_the_servers_words(
    name: str, status: int, code: str, wire: Wire
) -> None:
    error: DeciderError = await replay(name, wire)
    (one,) = interactions(name)
    assert (error.code, one["response"]["status"]["code"]) == (code, status)
    if status != 200:
        assert f"HTTP {status}" in error.detail
        assert answers(name)[0]["error"]["message"] in error.detail


async def test_a_name_the_server_does_not_know_is_answered_all_the_same(wire: Wire) -> None:
    decision: Decision = await replay("another_name", wire)
    assert decision.decided_by == "no-such-model"
