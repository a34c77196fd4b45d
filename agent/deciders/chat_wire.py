"""What a chat endpoint sends back, read once at the edge: bounded and put into OpenAI's own form. See `ModelTransport`.

Compatible servers differ in small things (arguments as an object instead of text, content in parts, strange usage).
Here they become alike, so that whatever reads the answer later meets one form only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx2

from tools.errors import shorten

MAX_BYTES = 4 * 1024 * 1024
MAX_CALLS = 64
NO_OBJECT = "no JSON object: "
"""Put before arguments that are JSON but no object, which makes them readable as text only."""
_REBUILT = frozenset({"content-encoding", "content-length", "transfer-encoding", "content-type"})


class AnswerUnreadable(Exception):
    """The endpoint answered with something that is no chat completion."""


class ModelTransport(httpx2.AsyncBaseTransport):
    """Sends through another transport and hands on answers of at most `MAX_BYTES`, in one form.

    Raises `AnswerUnreadable` for a successful answer that is no chat completion, or is too long.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._inner.handle_async_request(request)
        try:
            body = await _read(answer)
        finally:
            await answer.aclose()
        headers = [(name, value) for name, value in answer.headers.multi_items() if name.lower() not in _REBUILT]
        if answer.status_code == httpx2.codes.OK:
            body = json.dumps(completion(body)).encode()
        return httpx2.Response(
            answer.status_code, headers=[*headers, ("content-type", "application/json")], content=body
        )

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _read(answer: httpx2.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in answer.aiter_bytes(64 * 1024):
        size += len(part)
        if size > MAX_BYTES:
            raise AnswerUnreadable(f"the answer is longer than {MAX_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)


def completion(body: bytes) -> dict[str, Any]:
    """The body as a chat completion with one choice. Raises `AnswerUnreadable`."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        shown = shorten(body[:200].decode("utf-8", "replace"), 120)
        raise AnswerUnreadable(f"the answer is no JSON: {shown!r}") from error
    if not isinstance(answer, dict):
        raise AnswerUnreadable(f"the answer is a {type(answer).__name__}, not a JSON object")
    if answer.get("error"):
        raise AnswerUnreadable(f"the endpoint reports an error: {shorten(str(answer['error']), 200)}")
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise AnswerUnreadable("the answer has no choices[0].message")
    finish = choice.get("finish_reason")
    refusal = message.get("refusal")
    return {
        "id": "chat",
        "object": "chat.completion",
        "created": 0,
        "model": "",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish if isinstance(finish, str) else None,
                "message": {
                    "role": "assistant",
                    "content": _content(message.get("content")),
                    "refusal": refusal if isinstance(refusal, str) else None,
                    "tool_calls": _calls(message.get("tool_calls")) or None,
                },
            }
        ],
        "usage": _usage(answer.get("usage")),
    }


def _content(content: object) -> str | None:
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(text for text in texts if isinstance(text, str))
    raise AnswerUnreadable(f"the message's content is a {type(content).__name__}, not a text")


def _calls(calls: object) -> list[dict[str, Any]]:
    if calls is None:
        return []
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        raise AnswerUnreadable("the message's tool_calls are no list of objects")
    if len(calls) > MAX_CALLS:
        raise AnswerUnreadable(f"the answer asks for {len(calls)} calls at once; {MAX_CALLS} are taken")
    return [_call(call, number) for number, call in enumerate(calls)]


def _call(call: Mapping[str, Any], number: int) -> dict[str, Any]:
    function = call.get("function")
    named = function if isinstance(function, dict) else call
    name = named.get("name")
    return {
        "id": f"call-{number}",
        "type": "function",
        "function": {"name": name if isinstance(name, str) else "", "arguments": _arguments(named.get("arguments"))},
    }


def _arguments(arguments: object) -> str:
    """Text that parses to an object, or does not parse at all."""
    if not isinstance(arguments, str):
        value, text = arguments, json.dumps(arguments)
    else:
        text = arguments.strip() or "{}"
        try:
            value = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            return text
    if value is None:
        return "{}"
    return text if isinstance(value, dict) else NO_OBJECT + text


def _usage(usage: object) -> dict[str, int] | None:
    """Token counts where all are whole numbers of a believable size; otherwise none."""
    if not isinstance(usage, dict):
        return None
    counts = {name: usage.get(name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
    found = {
        name: count
        for name, count in counts.items()
        if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= 10**8
    }
    if "total_tokens" not in found:
        found["total_tokens"] = sum(found.values())
    return found if found["total_tokens"] else None
