"""Every fault of a chat endpoint leads to a retry within bounds or to a named end; nothing else is ever reached."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Sequence

import pytest
from langchain_core.tracers.langchain import wait_for_all_tracers
from langsmith import utils as langsmith_utils

from agent.deciders.chat import ChatDecider
from agent.deciders.chat_endpoint import backoff_s, retry_after_s
from agent.deciders.chat_wire import MAX_BYTES, MAX_CALLS
from agent.types import DeciderError, Decision, Situation
from tests.agent.deciders.chat_situations import situation
from tests.scripted_model import (
    Reply,
    ScriptedModel,
    Step,
    calls,
    cut,
    error,
    forever,
    garbage,
    message,
    rate_limited,
    slow,
    text,
)

DONE = text("Nothing to do.")


class Waits:
    """Records the waits instead of waiting."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


async def decide(
    steps: Sequence[Step], waits: Waits, *, retries: int = 3, given: Situation | None = None, key: str | None = None
) -> Decision:
    """One decision by a model that answers by script."""
    with ScriptedModel(steps) as model:
        decider = ChatDecider(
            model="scripted-1", base_url=model.base_url, api_key=key, max_retries=retries, sleep=waits
        )
        try:
            return await decider.decide(given or situation())
        finally:
            await decider.aclose()
            assert model.left == 0


async def failed(steps: Sequence[Step], waits: Waits, *, retries: int = 3, key: str | None = None) -> DeciderError:
    """The error the decision ended with."""
    with pytest.raises(DeciderError) as raised:
        await decide(steps, waits, retries=retries, key=key)
    return raised.value


async def test_a_retry_after_is_honoured() -> None:
    waits = Waits()
    decision = await decide([rate_limited("2"), rate_limited("0.01"), DONE], waits)
    assert decision.kind == "finish"
    assert waits.seconds == [2.0, 0.01]


async def test_a_real_wait_of_nothing_needs_no_other_clock() -> None:
    with ScriptedModel([rate_limited("0"), DONE]) as model:
        decider = ChatDecider(model="scripted-1", base_url=model.base_url)
        assert (await decider.decide(situation())).kind == "finish"
        await decider.aclose()


async def test_a_retry_after_that_is_too_long_ends_the_run_at_once() -> None:
    waits = Waits()
    assert (await failed([rate_limited("3600")], waits)).code == "model_unavailable"
    assert waits.seconds == []


async def test_waits_are_bounded_in_sum() -> None:
    waits = Waits()
    assert (await failed([rate_limited("20"), rate_limited("20")], waits)).code == "model_unavailable"
    assert waits.seconds == [20.0]


async def test_no_wait_goes_beyond_the_seconds_the_run_has_left() -> None:
    waits = Waits()
    with pytest.raises(DeciderError) as raised:
        await decide([rate_limited("9")], waits, given=situation(seconds=5.0))
    assert (raised.value.code, waits.seconds) == ("model_unavailable", [])


@pytest.mark.parametrize("fault", [error(500), error(502), error(503), cut(), rate_limited(None)])
async def test_a_passing_fault_is_survived(fault: Reply) -> None:
    waits = Waits()
    assert (await decide([fault, fault, DONE], waits)).kind == "finish"
    assert len(waits.seconds) == 2
    assert waits.seconds[0] < waits.seconds[1]


@pytest.mark.parametrize("fault", [error(500), error(503), cut(), rate_limited("0")])
async def test_a_fault_that_stays_ends_as_unavailable_after_the_attempts_allowed(fault: Reply) -> None:
    raised = await failed([fault, fault, fault], Waits(), retries=2)
    assert raised.code == "model_unavailable"
    assert "3 attempts" in raised.detail


async def test_a_used_up_quota_is_not_tried_again() -> None:
    assert (await failed([rate_limited("0", code="insufficient_quota")], Waits())).code == "model_unavailable"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "model_unauthorized"),
        (403, "model_unauthorized"),
        (400, "model_bad_request"),
        (404, "model_bad_request"),
        (422, "model_bad_request"),
    ],
)
async def test_a_refusal_by_status_is_not_tried_again(status: int, code: str) -> None:
    raised = await failed([error(status, "no such thing")], Waits())
    assert raised.code == code
    assert f"HTTP {status}" in raised.detail


async def test_the_key_is_sent_but_never_told() -> None:
    raised = await failed(
        [lambda request: error(401, f"bad key {request.headers['authorization']}")], Waits(), key="k-9"
    )
    assert "Bearer ***" in raised.detail
    assert "k-9" not in raised.detail


async def test_nobody_listening_is_unavailable() -> None:
    with ScriptedModel([]) as model:
        gone = model.base_url
    decider = ChatDecider(model="scripted-1", base_url=gone, max_retries=1, sleep=Waits())
    with pytest.raises(DeciderError) as raised:
        await decider.decide(situation())
    await decider.aclose()
    assert raised.value.code == "model_unavailable"


def completion(told: object) -> bytes:
    return json.dumps({"choices": [{"message": told}]}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"<html>bad gateway</html>",
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"choices": []}',
        b'{"choices": null}',
        b'{"choices": [{"message": null}]}',
        b'{"error": {"message": "overloaded"}}',
        b"[" * 100_000,
        b'data: {"choices": []}\n\n',
        completion({"content": 5}),
        completion({"content": None, "tool_calls": "all"}),
        completion({"content": None, "tool_calls": [None]}),
        completion({"content": None, "tool_calls": [{"function": {"name": "x"}}] * (MAX_CALLS + 1)}),
        b" " * (MAX_BYTES + 1),
    ],
)
async def test_an_answer_that_is_no_completion_ends_by_name(body: bytes) -> None:
    assert (await failed([garbage(body)], Waits())).code == "model_answer_unreadable"


async def test_a_compressed_answer_cannot_unfold_without_end() -> None:
    bomb = Reply(body=gzip.compress(b" " * (MAX_BYTES * 4)), headers={"Content-Encoding": "gzip"})
    assert (await failed([bomb], Waits())).code == "model_answer_unreadable"


@pytest.mark.parametrize("call", [{}, {"function": {}}, {"function": {"name": 5, "arguments": 7}}, {"name": ""}])
async def test_a_call_without_a_name_is_refused_not_fatal(call: object) -> None:
    decision = await decide([message({"content": "hm", "tool_calls": [call]})], Waits())
    assert (decision.kind, decision.calls, len(decision.refused)) == ("act", (), 1)


async def test_text_with_half_characters_is_survived() -> None:
    body = b'{"choices": [{"message": {"content": "broken \\ud800 text"}}]}'
    assert (await decide([garbage(body)], Waits())).kind == "finish"


async def test_a_slow_answer_ends_when_the_runs_seconds_are_over() -> None:
    with ScriptedModel([slow(DONE)]) as model:
        decider = ChatDecider(model="scripted-1", base_url=model.base_url, sleep=Waits())
        with pytest.raises(DeciderError) as raised:
            await decider.decide(situation(seconds=0.2))
        await decider.aclose()
    assert raised.value.code == "model_timeout"


async def test_a_run_without_seconds_left_asks_nothing() -> None:
    with pytest.raises(DeciderError) as raised:
        await decide([], Waits(), given=situation(seconds=-1.0))
    assert raised.value.code == "model_timeout"


async def test_one_slow_attempt_is_given_up_and_repeated() -> None:
    with ScriptedModel([slow(DONE), DONE]) as model:
        decider = ChatDecider(model="scripted-1", base_url=model.base_url, timeout_s=0.3, sleep=Waits())
        assert (await decider.decide(situation())).kind == "finish"
        await decider.aclose()
    assert len(model.requests) == 2


async def test_a_cancelled_decision_is_cancelled() -> None:
    with ScriptedModel([slow(DONE)]) as model:
        decider = ChatDecider(model="scripted-1", base_url=model.base_url, sleep=Waits())
        task = asyncio.create_task(decider.decide(situation()))
        await asyncio.to_thread(model.wait_for, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await decider.aclose()


async def test_decisions_of_many_runs_are_made_at_once() -> None:
    with ScriptedModel([slow(DONE)] * 8) as model:
        decider = ChatDecider(model="scripted-1", base_url=model.base_url, sleep=Waits())
        tasks = [asyncio.create_task(decider.decide(situation())) for _ in range(8)]
        await asyncio.to_thread(model.wait_for, 8)
        model.release()
        assert [decision.kind for decision in await asyncio.gather(*tasks)] == ["finish"] * 8
        await decider.aclose()


async def test_the_environment_leads_no_request_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedModel([forever(DONE)]) as other, ScriptedModel([DONE]) as model:
        elsewhere = other.base_url.removesuffix("/v1")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy", "OPENAI_PROXY"):
            monkeypatch.setenv(name, elsewhere)
        for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "LANGSMITH_ENDPOINT", "LANGSMITH_GATEWAY"):
            monkeypatch.setenv(name, other.base_url)
        for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"):
            monkeypatch.setenv(name, "true")
        monkeypatch.setenv("LANGSMITH_API_KEY", "lsv2_test")
        monkeypatch.setenv("OPENAI_API_KEY", "not-for-this-server")
        monkeypatch.setenv("LC_OUTPUT_VERSION", "v1")
        langsmith_utils.get_env_var.cache_clear()  # type: ignore[attr-defined]
        decider = ChatDecider(model="scripted-1", base_url=model.base_url)
        assert (await decider.decide(situation())).kind == "finish"
        await decider.aclose()
        await asyncio.to_thread(wait_for_all_tracers)
    langsmith_utils.get_env_var.cache_clear()  # type: ignore[attr-defined]
    assert (other.requests, other.strays) == ([], [])
    assert model.requests[0].headers["authorization"] == "Bearer none"


async def test_a_redirect_is_not_followed() -> None:
    with ScriptedModel([forever(DONE)]) as other:
        moved = Reply(status=307, headers={"Location": f"{other.base_url}/chat/completions"})
        assert (await failed([moved], Waits())).code == "model_bad_request"
    assert other.requests == []


async def test_the_scripted_model_fails_loudly_when_asked_once_too_often() -> None:
    async def ask_twice() -> None:
        with ScriptedModel([DONE]) as model:
            decider = ChatDecider(model="scripted-1", base_url=model.base_url)
            await decider.decide(situation())
            with pytest.raises(DeciderError, match="no step for request 2"):
                await decider.decide(situation())
            await decider.aclose()

    with pytest.raises(AssertionError, match="more often than scripted"):
        await ask_twice()


async def test_the_scripted_model_repeats_an_endless_step() -> None:
    with ScriptedModel([forever(calls(("look_up_order", {"order_id": "o-7"})))]) as model:
        decider = ChatDecider(model="scripted-1", base_url=model.base_url)
        for _ in range(3):
            assert (await decider.decide(situation())).calls[0].tool == "look_up_order"
        await decider.aclose()
        assert (len(model.requests), model.left) == (3, 1)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "Sun, 01 Nov 2026 12:00:09 GMT", "date": "Sun, 01 Nov 2026 12:00:00 GMT"}, 9.0),
        ({"retry-after": "Sun, 01 Nov 2026 12:00:09 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(headers) == expected


def test_backoff_grows_to_a_bound_and_differs_between_runs() -> None:
    assert all(0.25 <= backoff_s(0, f"run-{number}") <= 0.5 for number in range(50))
    assert all(4.0 <= backoff_s(attempt, "run") <= 8.0 for attempt in (4, 10, 60))
    assert len({backoff_s(2, f"run-{number}") for number in range(20)}) == 20


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("model", " "),
        ("base_url", None),
        ("base_url", "localhost:8000"),
        ("base_url", "ftp://host/v1"),
        ("base_url", "http://"),
        ("api_key", "schlüssel"),
        ("api_key", "a\nb"),
        ("timeout_s", 0.0),
        ("timeout_s", float("nan")),
        ("max_retries", -1),
    ],
)
def test_a_setting_that_cannot_work_is_refused_at_once(setting: str, value: object) -> None:
    given: dict[str, object] = {"model": "m", "base_url": "http://127.0.0.1:1/v1"} | {setting: value}
    with pytest.raises(ValueError):
        ChatDecider(**given)  # type: ignore[arg-type]
