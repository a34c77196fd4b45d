"""What a tool's HTTP answer means. Start with `judge`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from tools.errors import shorten
from tools.jsontext import JsonError, json_text, read_json
from tools.operations import Operation
from tools.types import Answer, Answered, Declined, InDoubt, JsonObject, JsonValue, Nonsense
from tools.validation import violations

RESULT_BYTES = 2 * 1024 * 1024
ERROR_BYTES = 64 * 1024
RESULT_DEPTH = 40
MAX_ERROR = 2_000
MAX_RETRY_AFTER_S = 86_400.0
JUDGED = frozenset({404, 409, 410, 412, 422})
"""What a service answers that looked at the case; other refusals are of who asks, of how, or of when."""
BUSY_BYTES = 32 * 1024
"""Longer results are read and checked in a thread, so that other calls go on meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Received:
    """An HTTP answer as it came."""

    status: int
    headers: httpx.Headers
    body: bytes
    whole: bool
    """False: the body was longer than we read."""


async def judge(operation: Operation, received: Received) -> Answer:
    """Which of the four ends this answer is."""
    status = received.status
    if 200 <= status < 300:
        if len(received.body) > BUSY_BYTES:
            return await asyncio.to_thread(_success, operation, received)
        return _success(operation, received)
    retry_after_s = _retry_after_s(received.headers) if status in {429, 503} else None
    if certainly_refused(status, operation.method):
        return Declined(error=_refusal(received), retry_after_s=retry_after_s, judged=status in JUDGED)
    return InDoubt(error=_refusal(received), retry_after_s=retry_after_s)


def certainly_refused(status: int, method: str) -> bool:
    """A 3xx or 4xx did nothing; but 303 is what a service may say after it carried out a request."""
    return 300 <= status < 500 and (status != 303 or method == "GET")


def _success(operation: Operation, received: Received) -> Answer:
    schema = operation.signature.answer_schema(received.status)
    encoding = received.headers.get("content-encoding", "identity")
    if encoding.strip().lower() not in {"", "identity"}:
        return Nonsense(
            error=f"HTTP {received.status}, but encoded as {shorten(encoding, 40)!r}, which was not asked for"
        )
    if not received.whole:
        return Nonsense(error=f"HTTP {received.status}, but the answer is larger than {RESULT_BYTES} bytes")
    if not received.body.strip():
        if schema is None:
            return Answered(result=None)
        return Nonsense(error=f"HTTP {received.status}, but the answer is empty; a JSON result is declared")
    try:
        result = read_json(received.body, max_depth=RESULT_DEPTH)
    except JsonError as error:
        return Nonsense(error=f"HTTP {received.status}, but the answer cannot be used: {shorten(str(error), 300)}")
    mistake = result_mistake(schema, result)
    return Nonsense(error=f"HTTP {received.status}, but {mistake}") if mistake else Answered(result=result)


def result_mistake(schema: JsonObject | None, result: JsonValue) -> str | None:
    """Where a result differs from what the tool declares; None where it does not.

    Formats are not checked: services commonly write times without a zone, and the effect has happened all the same.
    """
    if schema is None:
        return None
    for error in violations(schema, result, limit=1, formats=False):
        place = shorten(error.json_path, 120)
        return f"the result is not what it declares: {place}: {shorten(error.message, 300)}"
    return None


def _refusal(received: Received) -> str:
    """Status and the service's own reason in a few words."""
    reason = _reason(received)
    return shorten(f"HTTP {received.status}: {reason}" if reason else f"HTTP {received.status}", MAX_ERROR)


def _reason(received: Received) -> str:
    try:
        body = read_json(received.body, max_depth=RESULT_DEPTH)
    except JsonError:
        kind = received.headers.get("content-type", "")
        return received.body[:500].decode("utf-8", "replace") if kind.startswith("text/plain") else ""
    if isinstance(body, Mapping):
        words = [_words(body[name]) for name in ("title", "detail", "message", "error", "errors") if body.get(name)]
        return ": ".join(dict.fromkeys(word for word in words if word))
    return _words(body)


def _words(value: JsonValue) -> str:
    """A text as it is; FastAPI's list of {loc, msg} as `body.amount: ...`; anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(_words(item) for item in value[:20])
    if isinstance(value, Mapping) and isinstance(value.get("msg"), str):
        place = value.get("loc")
        path = ".".join(str(step) for step in place) if isinstance(place, list) else ""
        return f"{path}: {value['msg']}" if path else str(value["msg"])
    return json_text(value).decode()[:MAX_ERROR]


def _retry_after_s(headers: httpx.Headers) -> float | None:
    """Seconds from a Retry-After of either form, between 0 and a day; None where there is none that can be read."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), MAX_RETRY_AFTER_S)
    until = _http_date(text)
    if until is None:
        return None
    # The service's own clock, where it tells it, spares us the difference to ours.
    now = _http_date(headers.get("date", "")) or datetime.now(UTC)
    return min(max((until - now).total_seconds(), 0.0), MAX_RETRY_AFTER_S)


def _http_date(text: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
