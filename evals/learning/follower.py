"""A scripted model that follows what it is shown at a stated rate, over OpenAI's wire. Start with `Follower`.

It stands for no real model: what it shows is whether what reaches a model would help one that goes by it. Where it does
not follow, and where nothing is shown, it calls one of the offered functions by chance, the same for the same event.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

MODEL = "follower"
UNTRIED = 0.5
"""What is expected of a function of which nothing is shown."""
_BLOCK = re.compile(r"<evidence>\n(.*?)\n</evidence>", re.DOTALL)
_LESSON = re.compile(r"(?:^|: |\()(?P<action>\S+) kept \d+ of \d+|when not to (?P<never>[^,:\s]+)")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What one first request of a run showed."""

    characters: int
    """Of the system message."""
    lessons: int
    cases: int
    actions: int
    """Actions with evidence."""


@dataclass(kw_only=True)
class Follower:
    """The model's server; `asked` grows with each first request of a run."""

    rate: float
    seed: int
    asked: list[Asked] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        """`POST /v1/chat/completions`."""
        return Starlette(routes=[Route("/v1/chat/completions", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> JSONResponse:
        body = await request.json()
        messages = body["messages"]
        if any(one["role"] == "tool" for one in messages):
            return _said({"role": "assistant", "content": "Nothing more is to be done."}, "stop")
        system, event = messages[0]["content"], messages[1]["content"]
        shown = evidence(system)
        self.asked.append(_counted(system, shown))
        offered = [one["function"]["name"] for one in body["tools"] if one["function"]["name"] != "ask_operator"]
        call = {"name": self.choose(shown, offered, event), "arguments": "{}"}
        made = {"id": "made-1", "type": "function", "function": call}
        return _said({"role": "assistant", "content": None, "tool_calls": [made]}, "tool_calls")

    def choose(self, shown: Sequence[Mapping[str, Any]], offered: Sequence[str], event: str) -> str:
        """The function it calls."""
        chance = random.Random(f"{self.seed}:{event}")
        follows = chance.random() < self.rate
        ranked = sorted(offered)
        chance.shuffle(ranked)
        if not follows or not shown:
            return ranked[0]
        expected = expectations(shown)
        return max(ranked, key=lambda name: expected.get(name, UNTRIED))


def evidence(system: str) -> list[dict[str, Any]]:
    """What stands between the tags of evidence, a JSON object a line."""
    lines = [line for block in _BLOCK.findall(system) for line in block.splitlines()]
    return [json.loads(line) for line in lines]


def expectations(shown: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
    """What the lines say of each action: its share of success; a lesson outweighs it in either direction."""
    expected = {
        one["action"]: (one["success"] + UNTRIED) / (one["success"] + one["failure"] + 1.0)
        for one in shown
        if "action" in one
    }
    for one in shown:
        found = _LESSON.search(one.get("lesson", ""))
        if found is not None and found["never"]:
            expected[found["never"]] = 0.0
        elif found is not None:
            expected[found["action"]] = 1.0
    return expected


def _counted(system: str, shown: Sequence[Mapping[str, Any]]) -> Asked:
    return Asked(
        characters=len(system),
        lessons=sum("lesson" in one for one in shown),
        cases=sum("episode" in one for one in shown),
        actions=sum("action" in one for one in shown),
    )


def _said(message: Mapping[str, Any], finish: str) -> JSONResponse:
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return JSONResponse(
        {"id": "follower", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice]}
    )
