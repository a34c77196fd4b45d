"""What is asked of the tiny model, once when it is recorded and again at each replay. Start with `SCENES`.

Requests are the same bytes each time: a fixed situation, a fixed event, no ids and no clock in what the model is told.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from langchain_core.messages import AIMessageChunk, HumanMessage
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from agent.deciders.chat import ChatDecider
from agent.deciders.chat_endpoint import ChatEndpoint
from agent.deciders.chat_functions import functions
from agent.deciders.chat_messages import messages
from agent.deciders.chat_reading import read_decision
from agent.store.queries import Shown
from agent.types import Budget, DeciderError, Decision, Event, Purpose, Situation
from agent.wiring import Settings, open_segue
from evals.wire.company import PORTFOLIO, handle
from evals.wire.tiny import Tiny
from memory.embedding import Embedder
from memory.settings import Settings as Scoring
from tools.types import Governance, JsonObject, Tool

PORT = 18_765
"""Scenes are recorded and replayed on this port of loopback, so that what is matched is what was sent."""
BASE_URL = f"http://127.0.0.1:{PORT}/v1"
KEY = "sk-wire-never-in-a-cassette"
MODEL = "tiny"
ATTEMPT_TIMEOUT_S = 300.0
"""Recording machines may be slow and busy."""


@dataclass(frozen=True, kw_only=True)
class Wire:
    """Where a scene is played."""

    data: Path
    """An empty folder."""
    embedder: Embedder | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One exchange with the model, and what makes it worth keeping."""

    shows: str
    play: Callable[[Wire], Awaitable[Any]]
    wanted: Callable[[Any], bool]
    """Whether what came of it shows what the scene is for; recording tries one seed after the other until it does."""
    tiny: Tiny = field(default_factory=Tiny)


@dataclass(frozen=True, kw_only=True)
class Streamed:
    """An answer that came in pieces."""

    pieces: int
    whole: AIMessageChunk


def situation(data: JsonObject | None = None) -> Situation:
    """An order is late; three tools are permitted."""
    order_id = {"order_id": {"type": "string"}}
    parts = {**order_id, "supplier": {"type": "string"}, "amount": {"type": "integer"}}
    return Situation(
        run="r-1",
        decision=1,
        event=Event(
            source="/shop",
            id="e-1",
            type="order.delayed",
            subject="o-7",
            time=datetime(2026, 11, 1, 12, tzinfo=UTC),
            data={"order_id": "o-7", "days": 3} if data is None else data,
        ),
        event_description="An order is late.",
        text="order o-7 is 3 days late",
        features={"days": 3},
        goals={"satisfaction": 0.7, "margin": 0.3},
        tools=(
            _tool("look_up_order", "Looks up an order.", order_id, effect="read", step="know"),
            _tool("order_parts", "Orders parts for an order.", parts, step="supply", choice=("supplier",)),
            _tool("tell_customer", "Tells the customer.", {"note": {"type": "string"}}, step="tell", risk="high"),
        ),
        bound={},
        playbook=(Purpose(text="order what lacks", step="supply"),),
        evidence={},
        results=(),
        budget=Budget(decisions=5, calls=9, seconds=ATTEMPT_TIMEOUT_S, tokens=50_000),
    )


def decided(given: Situation | None = None, *, key: str = KEY, model: str = MODEL) -> Callable[[Wire], Awaitable[Any]]:
    """One decision of the product's own decider: the `Decision`, or the `DeciderError` it ended with."""

    async def play(_wire: Wire) -> Decision | DeciderError:
        decider = ChatDecider(model=model, base_url=BASE_URL, api_key=key, timeout_s=ATTEMPT_TIMEOUT_S, max_retries=0)
        try:
            return await decider.decide(given or situation())
        except DeciderError as error:
            return error
        finally:
            await decider.aclose()

    return play


async def asked_shortly(_wire: Wire) -> Decision | None:
    """What the product's client and reader make of the answer to a question of one line.

    Under the decider's own, long prompt the tiny model repeats the event or rambles; it declines only short questions.
    """
    endpoint = ChatEndpoint(
        model=MODEL, base_url=BASE_URL, api_key=KEY, timeout_s=ATTEMPT_TIMEOUT_S, max_retries=0, sleep=asyncio.sleep
    )
    given = situation()
    deadline = asyncio.get_running_loop().time() + ATTEMPT_TIMEOUT_S
    try:
        answer = await endpoint.ask([HumanMessage(_SHORT)], functions(given), deadline=deadline, salt="")
        return read_decision(answer, given, decided_by=MODEL, settings=Scoring())
    finally:
        await endpoint.aclose()


async def streamed(_wire: Wire) -> Streamed:
    """The same request as a stream. Segue itself does not stream yet, so the client it uses is asked directly."""
    async with httpx2.AsyncClient(trust_env=False, timeout=ATTEMPT_TIMEOUT_S) as http:
        model = ChatOpenAI(
            model=MODEL,
            base_url=BASE_URL,
            api_key=SecretStr(KEY),
            http_async_client=http,
            max_retries=0,
            stream_usage=True,
        )
        given = situation()
        pieces = [piece async for piece in model.bind_tools(functions(given)).astream(messages(given))]
    whole = AIMessageChunk(content="")
    for piece in pieces:
        if isinstance(piece, AIMessageChunk):
            whole += piece
    return Streamed(pieces=len(pieces), whole=whole)


def ran(tokens: int) -> Callable[[Wire], Awaitable[Shown]]:
    """A whole run of the company's event under a limit of tokens: its report."""

    async def play(wire: Wire) -> Shown:
        decider = ChatDecider(model=MODEL, base_url=BASE_URL, api_key=KEY, timeout_s=ATTEMPT_TIMEOUT_S, max_retries=0)
        environment = {**wire.environment, "TOKENS": str(tokens)}
        settings = Settings(portfolio=(PORTFOLIO,), data=wire.data / "segue", environment=environment)
        try:
            async with open_segue(settings, decider, wire.embedder) as segue:
                return await handle(segue)
        finally:
            await decider.aclose()

    return play


def _tool(name: str, description: str, properties: Mapping[str, Any], **governance: Any) -> Tool:
    return Tool(
        name=name,
        description=description,
        parameters={"type": "object", "properties": dict(properties), "required": list(properties)},
        returns=None,
        source="shop",
        governance=Governance(**governance),
    )


def _ended(code: str) -> Callable[[Any], bool]:
    return lambda made: isinstance(made, DeciderError) and made.code == code


def _calls(made: Any) -> int:
    return len(made.calls) if isinstance(made, Decision) and made.kind == "act" else 0


def _declines(made: Any) -> bool:
    said = made.reason if isinstance(made, Decision) and made.kind == "finish" else ""
    return re.search(r"\b(sorry|cannot|can't|can not|unable|not able)\b", said) is not None


def _limited(made: Shown) -> bool:
    return bool(made["status"] == "stopped" and made["end"]["code"] == "limit_tokens" and made["effects"])


_PLAIN = Tiny(own_template=True, max_tokens=96)
_SHORT = "My parcel is late. Look up customer c-1."

SCENES: Mapping[str, Scene] = {
    "calls": Scene(
        shows="a completion with function tools that is answered with a call",
        play=decided(),
        wanted=lambda made: _calls(made) == 1,
    ),
    "parallel_calls": Scene(
        shows="several calls in one answer",
        play=decided(),
        wanted=lambda made: _calls(made) > 1,
    ),
    "streamed_calls": Scene(
        shows="calls that come in pieces, usage at the end",
        play=streamed,
        wanted=lambda made: len(made.whole.tool_calls) > 1 and not made.whole.invalid_tool_calls,
    ),
    "streamed_text": Scene(
        shows="text that comes in pieces, usage at the end",
        play=streamed,
        wanted=lambda made: bool(made.whole.text) and made.whole.response_metadata["finish_reason"] == "stop",
        tiny=_PLAIN,
    ),
    "words_only": Scene(
        shows="words and no call",
        play=decided(),
        wanted=lambda made: isinstance(made, Decision) and made.kind == "finish",
        tiny=_PLAIN,
    ),
    "refusal": Scene(
        shows="a model that declines in words and calls nothing",
        play=asked_shortly,
        wanted=_declines,
        tiny=_PLAIN,
    ),
    "run": Scene(
        shows="a whole run of two decisions or more, and the tokens it used",
        play=ran(50_000),
        wanted=lambda made: len(made["decisions"]) > 1 and bool(made["effects"]) and made["status"] != "failed",
    ),
    "token_limit": Scene(
        shows="a run that ends because the tokens the server counts go over its limit",
        play=ran(1000),
        wanted=_limited,
    ),
    "cut_off": Scene(
        shows="an answer cut off by the server's limit of tokens",
        play=decided(),
        wanted=_ended("model_cut_off"),
        tiny=Tiny(max_tokens=16),
    ),
    "context_too_long": Scene(
        shows="a request longer than the server's context",
        play=decided(),
        wanted=_ended("model_bad_request"),
        tiny=Tiny(context=512),
    ),
    "wrong_key": Scene(
        shows="a key the server does not take",
        play=decided(key=f"{KEY}-other"),
        wanted=_ended("model_unauthorized"),
        tiny=Tiny(api_key=KEY),
    ),
    "another_name": Scene(
        shows="a model name the server does not know, which llama.cpp answers all the same",
        play=decided(model="no-such-model"),
        wanted=lambda made: isinstance(made, Decision),
    ),
}
"""By the name of its cassette."""


def seeded(scene: Scene, seed: int) -> Tiny:
    """The scene's server with another seed."""
    return replace(scene.tiny, seed=seed)
