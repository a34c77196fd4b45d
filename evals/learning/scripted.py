"""A chat model that follows rules, behind an OpenAI-compatible endpoint. Start with `ScriptedModel`.

It stands for the cost of a model: what it is asked, and the tokens that takes. Its rules are a sensible person's; they
show nothing of how well a model decides.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

CHARACTERS_PER_TOKEN = 4
_EVENT = re.compile(r"<event>\n(.*?)\n</event>", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the model reads of a request."""

    event: Mapping[str, Any]
    functions: frozenset[str]
    answers: Mapping[str, Any]
    """Result of the last call of each function that was done."""
    called: frozenset[str]
    """Functions that were called, with whatever end."""

    def slips(self, share: float) -> bool:
        """Whether this is one of the events in which the model is wrong, the same for every arm."""
        hashed = hashlib.sha256(f"slip\n{self.event['id']}".encode()).digest()
        return int.from_bytes(hashed[:8]) < share * 2**64


Called: TypeAlias = tuple[str, Mapping[str, Any]]
Rules: TypeAlias = Callable[[Asked], Sequence[Called]]
"""What to call now; nothing: the model says that all is done."""


@dataclass
class ScriptedModel:
    """Counts what it is asked. `app` serves `POST /v1/chat/completions`."""

    rules: Rules
    calls: int = 0
    tokens: int = 0
    app: Starlette = field(init=False)

    def __post_init__(self) -> None:
        self.app = Starlette(routes=[Route("/v1/chat/completions", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> JSONResponse:
        body = await request.body()
        made = self.rules(read(json.loads(body)))
        message = _message(made)
        spent = (len(body) + len(json.dumps(message))) // CHARACTERS_PER_TOKEN
        self.calls += 1
        self.tokens += spent
        ending = "tool_calls" if made else "stop"
        return JSONResponse(
            {
                "id": f"scripted-{self.calls}",
                "object": "chat.completion",
                "created": 1,
                "model": "scripted",
                "choices": [{"index": 0, "message": message, "finish_reason": ending}],
                "usage": {"prompt_tokens": spent, "completion_tokens": 0, "total_tokens": spent},
            }
        )


def read(body: Mapping[str, Any]) -> Asked:
    """A chat completion request as the rules see it."""
    told = body["messages"]
    (event, *_) = (found[1] for one in told if one["role"] == "user" if (found := _EVENT.search(one["content"])))
    names = {
        made["id"]: made["function"]["name"]
        for one in told
        if one["role"] == "assistant"
        for made in one.get("tool_calls") or ()
    }
    endings = {names[one["tool_call_id"]]: json.loads(one["content"]) for one in told if one["role"] == "tool"}
    return Asked(
        event=json.loads(event),
        functions=frozenset(one["function"]["name"] for one in body.get("tools", ())),
        answers={name: ending["result"] for name, ending in endings.items() if ending["state"] == "done"},
        called=frozenset(endings),
    )


def _message(made: Sequence[Called]) -> dict[str, Any]:
    if not made:
        return {"role": "assistant", "content": "Nothing more is to be done."}
    calls = [
        {"id": f"call-{number}", "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
        for number, (name, given) in enumerate(made)
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}
