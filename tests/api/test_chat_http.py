"""The operators' chat over HTTP: bad questions are problems, good ones streams, and nothing is done unasked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import uvicorn

from agent.operators import OperatorsChat
from agent.types import Decider, Decision, Situation
from api.address import listen
from api.app import build_app
from api.keyfile import Key, key_hash
from api.routes import chat as route
from tests.api.served import is_problem
from tests.operating.toys import NO_SEGUE, Toys, Wants

URL = "http://127.0.0.1:8800"
QUESTION = {"messages": [{"id": "1", "role": "user", "content": "what?"}]}
LOOK = [[("look", {"what": "x"})]]
ACT = [[("act", {"what": "x"})]]


def client(wanted: Any, toys: Toys | None = None, **more: Any) -> httpx.AsyncClient:
    """A client of a server whose chat wants this."""
    return over(lambda _: Wants(wanted), toys, **more)


def over(decider: Any, toys: Toys | None = None, **more: Any) -> httpx.AsyncClient:
    """The same for any decider."""
    chat = OperatorsChat(NO_SEGUE, decider, (toys or Toys()).box(), lambda: datetime.now(UTC))
    app = build_app(NO_SEGUE, chat=chat, **more)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL)


async def ask(http: httpx.AsyncClient, body: Mapping[str, Any], **more: Any) -> list[dict[str, Any]]:
    """The events that answer it."""
    response = await http.post("/v1/chat", json=body, **more)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return [json.loads(part.removeprefix("data: ")) for part in response.text.split("\n\n") if part]


def interrupt(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The one that the answer ends with."""
    (only,) = events[-1]["outcome"]["interrupts"]
    found: dict[str, Any] = only
    return found


def resumed(name: str, *, approved: bool = True, **more: Any) -> dict[str, Any]:
    """The body that answers it."""
    return {
        "threadId": "t",
        "resume": [{"interruptId": name, "status": "resolved", "payload": {"approved": approved}}],
    } | more


async def test_a_question_of_a_whole_ag_ui_client_is_answered_under_its_own_ids() -> None:
    body = {
        "threadId": "thread-1",
        "runId": "run-1",
        "state": {"any": 1},
        "messages": [
            {"id": "0", "role": "assistant", "content": "hello", "toolCalls": []},
            {"id": "1", "role": "user", "content": [{"type": "text", "text": "what?"}]},
        ],
        "tools": [{"name": "mine", "description": "of the client", "parameters": {}}],
        "context": [{"description": "page", "value": "runs"}],
        "forwardedProps": {"x": 1},
        "parentRunId": None,
    }
    async with client(LOOK) as http:
        events = await ask(http, body)
    assert (events[0]["threadId"], events[0]["runId"]) == ("thread-1", "run-1")
    assert [one["delta"] for one in events if one["type"] == "TEXT_MESSAGE_CONTENT"] == ["That is all."]
    (cards,) = [one["value"] for one in events if one.get("name") == "segue.cards"]
    assert cards[0]["id"] == "R1"


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"{", 400, "JSON"),
        (b"[]", 422, "body"),
        (b"{}", 422, "last of 'messages'"),
        (b'{"messages": [{"role": "assistant", "content": "hi"}]}', 422, "role 'user'"),
        (b'{"messages": [{"role": "user", "content": "  "}]}', 422, "no text"),
        (b'{"messages": [{"role": "user", "content": [{"type": "image", "url": "x"}]}]}', 422, "only text"),
        (b'{"messages": [{"role": "user", "content": "' + b"x" * 5_000 + b'"}]}', 422, "at most 4000"),
        (b'{"messages": [{"role": "boss", "content": "x"}]}', 422, "role"),
        (b'{"threadId": "a b", "messages": [{"role": "user", "content": "x"}]}', 422, "threadId"),
        (b'{"resume": [{"interruptId": "i", "status": "resolved"}]}', 422, "payload"),
        (b'{"resume": [{"interruptId": "i", "status": "resolved", "payload": {"editedArgs": {}}}]}', 422, "editedArgs"),
        (
            b'{"resume": [{"interruptId": "i", "status": "cancelled"}, {"interruptId": "i", "status": "cancelled"}]}',
            422,
            "twice",
        ),
        (b'{"resume": [{"interruptId": "i", "status": "cancelled"}]}', 404, "nothing waits"),
    ],
)
async def test_what_cannot_be_answered_is_a_problem_that_says_what_is_wrong(
    body: bytes, status: int, says: str
) -> None:
    async with client(LOOK) as http:
        response = await http.post("/v1/chat", content=body, headers={"content-type": "application/json"})
    assert (response.status_code, is_problem(response)) == (status, True)
    assert says in response.text


async def test_a_server_without_a_chat_says_so() -> None:
    app = build_app(NO_SEGUE)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as http:
        response = await http.post("/v1/chat", json=QUESTION)
    assert (response.status_code, response.json()["type"]) == (503, "urn:segue:problem:unavailable")


async def test_an_act_is_done_only_after_a_yes_and_only_once() -> None:
    toys = Toys()
    async with client(ACT, toys) as http:
        asked = interrupt(await ask(http, {"threadId": "t", **QUESTION}))
        assert (asked["reason"], asked["message"]) == ("confirmation", "Act. It is done.")
        assert toys.done == []
        await ask(http, resumed(asked["id"]))
        assert toys.done == [asked["metadata"]["arguments"]]
        again = await http.post("/v1/chat", json=resumed(asked["id"]))
    assert (again.status_code, len(toys.done)) == (404, 1)


@pytest.mark.parametrize("no", [{"status": "cancelled"}, {"status": "resolved", "payload": {"approved": False}}])
async def test_after_a_no_nothing_is_done(no: Mapping[str, Any]) -> None:
    toys = Toys()
    async with client(ACT, toys) as http:
        asked = interrupt(await ask(http, {"threadId": "t", **QUESTION}))
        events = await ask(http, {"threadId": "t", "resume": [{"interruptId": asked["id"], **no}]})
    assert toys.done == []
    (result,) = [json.loads(one["content"]) for one in events if one["type"] == "TOOL_CALL_RESULT"]
    assert result["state"] == "rejected"


async def test_what_was_proposed_is_gone_once_something_else_is_asked() -> None:
    toys = Toys()
    async with client(ACT, toys) as http:
        asked = interrupt(await ask(http, {"threadId": "t", **QUESTION}))
        await ask(http, {"threadId": "t", **QUESTION})
        late = await http.post("/v1/chat", json=resumed(asked["id"]))
    assert (late.status_code, toys.done) == (404, [])


def _key(name: str, *scopes: Any) -> tuple[Key, dict[str, str]]:
    secret = f"secret-of-{name}"
    key = Key(name=name, sha256=key_hash(secret), tenant="default", scopes=frozenset(scopes))
    return key, {"authorization": f"Bearer {secret}"}


async def test_keys_decide_who_may_ask_and_who_may_act() -> None:
    (reader, reads), (ann, anns), (bob, bobs), (sender, sends) = (
        _key("reader", "read"),
        _key("ann", "read", "steer"),
        _key("bob", "read", "steer"),
        _key("sender", "send"),
    )
    toys = Toys()
    async with client(ACT, toys, keys=[reader, ann, bob, sender]) as http:
        assert (await http.post("/v1/chat", json=QUESTION)).status_code == 401
        assert (await http.post("/v1/chat", json=QUESTION, headers=sends)).status_code == 403
        events = await ask(http, {"threadId": "t", **QUESTION}, headers=reads)
        assert events[-1]["outcome"] == {"type": "success"}, "to who only reads it is not even proposed"
        asked = interrupt(await ask(http, {"threadId": "t", **QUESTION}, headers=anns))
        stolen = await http.post("/v1/chat", json=resumed(asked["id"]), headers=bobs)
        assert (stolen.status_code, toys.done) == (404, [])
        await ask(http, resumed(asked["id"]), headers=anns)
    assert [one["by"] for one in toys.done] == ["ann"]


class Waits:
    """A decider that waits until it is let go."""

    name = "waits"

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.go = asyncio.Event()
        self.stopped = asyncio.Event()

    async def decide(self, situation: Situation) -> Decision:
        """Wait."""
        self.asked.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.stopped.set()
            raise
        return Decision(kind="finish", reason="at last", decided_by=self.name)


async def test_two_questions_at_once_in_one_conversation_are_refused_and_in_two_answered() -> None:
    waits = Waits()
    async with over(lambda _: waits) as http:
        first = asyncio.create_task(ask(http, {"threadId": "t", **QUESTION}))
        await waits.asked.wait()
        second = await http.post("/v1/chat", json={"threadId": "t", **QUESTION})
        other = asyncio.create_task(ask(http, {"threadId": "other", **QUESTION}))
        waits.go.set()
        assert (second.status_code, is_problem(second)) == (409, True)
        assert [(await one)[-1]["type"] for one in (first, other)] == ["RUN_FINISHED"] * 2


async def test_beyond_a_number_of_answers_at_once_more_are_put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "MOST_AT_ONCE", 1)
    waits = Waits()
    async with over(lambda _: waits) as http:
        first = asyncio.create_task(ask(http, {"threadId": "t", **QUESTION}))
        await waits.asked.wait()
        second = await http.post("/v1/chat", json={"threadId": "u", **QUESTION})
        waits.go.set()
        assert (second.status_code, second.headers["retry-after"]) == (503, "1")
        await first
        assert (await ask(http, {"threadId": "u", **QUESTION}))[-1]["type"] == "RUN_FINISHED"


@asynccontextmanager
async def listening(decider: Decider) -> AsyncIterator[tuple[str, OperatorsChat]]:
    """A server on a socket of its own."""
    chat = OperatorsChat(NO_SEGUE, lambda _: decider, Toys().box(), lambda: datetime.now(UTC))
    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(build_app(NO_SEGUE, chat=chat), lifespan="off", log_config=None))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", chat
        finally:
            server.should_exit = True
            await serving


async def test_whoever_stops_listening_stops_the_answer_and_may_ask_again() -> None:
    waits = Waits()
    async with listening(waits) as (url, chat), httpx.AsyncClient(base_url=url, trust_env=False) as http:
        async with http.stream("POST", "/v1/chat", json={"threadId": "t", **QUESTION}):
            await waits.asked.wait()
            assert chat.answering == 1
        async with asyncio.timeout(10):
            await waits.stopped.wait()
            while chat.answering:
                await asyncio.sleep(0)
        waits.go.set()
        assert (await ask(http, {"threadId": "t", **QUESTION}))[-1]["type"] == "RUN_FINISHED"


async def test_a_decider_that_fails_is_told_by_its_code_and_the_conversation_goes_on() -> None:
    class Breaks:
        name = "breaks"
        times = 0

        async def decide(self, situation: Situation) -> Decision:
            self.times += 1
            if self.times == 1:
                raise RuntimeError("a mistake of ours")
            return Decision(kind="finish", reason="well again", decided_by=self.name)

    breaks = Breaks()
    async with over(lambda _: breaks) as http:
        events = await ask(http, {"threadId": "t", **QUESTION})
        assert (events[-1]["type"], events[-1]["code"]) == ("RUN_ERROR", "internal")
        assert "a mistake of ours" not in json.dumps(events)
        assert (await ask(http, {"threadId": "t", **QUESTION}))[-1]["type"] == "RUN_FINISHED"
