"""A replay answers the recorded request only, and nothing of it reaches a socket."""

from __future__ import annotations

import socket
from dataclasses import replace

import httpx2
import pytest
from vcr.errors import CannotOverwriteExistingCassetteException as NotRecorded
from vcr.request import Request

from agent.deciders.chat import ChatDecider
from agent.types import DeciderError, Decision, Situation
from evals.wire.cassettes import replaying, same_json
from evals.wire.scenes import BASE_URL, SCENES, Wire, situation
from tests.wire.conftest import NetworkUsed
from tests.wire.recorded import FILES, interactions


async def decide(given: Situation, *, base_url: str = BASE_URL, model: str = "tiny") -> Decision:
    """One decision by the product's decider."""
    decider = ChatDecider(model=model, base_url=base_url, api_key="k", max_retries=0)
    try:
        return await decider.decide(given)
    finally:
        await decider.aclose()


@pytest.mark.parametrize(
    ("given", "where"),
    [
        (situation({"order_id": "o-8", "days": 3}), {}),
        (replace(situation(), goals={"satisfaction": 0.8}), {}),
        (replace(situation(), tools=situation().tools[:2]), {}),
        (situation(), {"model": "tinier"}),
        (situation(), {"base_url": "http://127.0.0.1:18766/v1"}),
        (situation(), {"base_url": "http://localhost:18765/v1"}),
        (situation(), {"base_url": "https://127.0.0.1:18765/v1"}),
        (situation(), {"base_url": "http://127.0.0.1:18765/v2"}),
    ],
    ids=["event", "goals", "tools", "model", "port", "host", "scheme", "path"],
)
async def test_a_request_that_was_not_recorded_fails_and_opens_no_socket(
    no_network: list[str], given: Situation, where: dict[str, str]
) -> None:
    with replaying(FILES["calls"]) as cassette, pytest.raises(NotRecorded):
        await decide(given, **where)
    assert cassette.play_count == 0
    assert no_network == []


async def test_a_recorded_body_under_another_query_is_not_answered(no_network: list[str]) -> None:
    (one,) = interactions("calls")
    with replaying(FILES["calls"]) as cassette:
        async with httpx2.AsyncClient(trust_env=False) as http:
            with pytest.raises(NotRecorded):
                await http.post(f"{BASE_URL}/chat/completions?a=b", json=one["request"]["body"])
            assert cassette.play_count == 0
            answer = await http.post(f"{BASE_URL}/chat/completions", json=one["request"]["body"])
    assert answer.text == one["response"]["body"]["string"]


async def test_a_recorded_answer_is_given_once(wire: Wire) -> None:
    with replaying(FILES["calls"]) as cassette:
        await SCENES["calls"].play(wire)
        with pytest.raises(NotRecorded):
            await decide(situation())
    assert cassette.play_count == 1


async def test_without_a_cassette_the_guard_refuses_the_connection(no_network: list[str]) -> None:
    with pytest.raises(DeciderError) as raised:
        await decide(situation())
    assert raised.value.code == "model_unavailable"
    assert len(no_network) == 1
    no_network.clear()


async def test_the_guard_refuses_what_vcrpy_does_not_see(no_network: list[str]) -> None:
    with replaying(FILES["calls"]), socket.socket() as plain, pytest.raises(NetworkUsed, match="18765"):
        plain.connect(("127.0.0.1", 18_765))
    assert len(no_network) == 1
    no_network.clear()


async def test_a_cassette_is_never_written_by_a_replay(no_network: list[str]) -> None:
    before = FILES["calls"].read_bytes()
    with replaying(FILES["calls"]):
        async with httpx2.AsyncClient(trust_env=False) as http:
            with pytest.raises(NotRecorded):
                await http.post(f"{BASE_URL}/chat/completions", json={})
    assert FILES["calls"].read_bytes() == before


def test_bodies_match_as_json_whatever_the_order_of_keys_and_the_spaces() -> None:
    def sent(body: str) -> Request:
        return Request("POST", BASE_URL, body, {})

    same_json(sent('{"a": 1, "b": [2]}'), sent('{"b":[2],"a":1}'))
    with pytest.raises(AssertionError, match="differ"):
        same_json(sent('{"a": [1, 2]}'), sent('{"a": [2, 1]}'))
    with pytest.raises(AssertionError, match="differ"):
        same_json(sent('{"a": 1}'), sent('{"a": "1"}'))
