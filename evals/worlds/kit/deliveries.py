"""What happens to each request that reaches a tool: fault, key, effect, ledger. Start with `Deliveries.deliver`.

The effect, the answer stored under its key and the ledger's row are one transaction.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from evals.worlds.kit.faults import Fault, Faults
from evals.worlds.kit.problems import ProblemError, answer_to, problem
from evals.worlds.kit.store import Store, as_json, savepoint

MAX_BODY_BYTES = 64_000
GARBAGE = '{"status": "ok", "result": \x01<<#!~ 0xDEAD oops'

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """One request to a tool as it came in."""

    tool: str
    key: str | None
    arguments: dict[str, Any]
    writes: bool
    honours_key: bool


@dataclass(frozen=True, kw_only=True)
class Deliveries:
    """The door of all tools of a world."""

    store: Store
    faults: Faults
    turn: asyncio.Lock
    """Held by whoever uses the store."""
    reads: frozenset[str]
    """Tools that change nothing."""
    ignore_key: frozenset[str]
    """Write tools that act on every delivery, whatever its key."""

    async def deliver(self, request: Request, *, tool: str, inner: Handler) -> Response:
        """Serve one request to a tool."""
        body = await _bounded_body(request)
        if body is None:
            return problem(413, f"The body is larger than {MAX_BODY_BYTES} bytes.")
        arrival = self._arrival(request, tool, body)
        fault = self.faults.hit(tool)
        if fault is not None and fault.mode == "slow":
            await asyncio.sleep(fault.seconds)
        async with self.turn:
            with self.store.transaction() as db:
                spoilt = _spoilt(fault) or _known(db, arrival)
                response, applied = (spoilt, False) if spoilt else await _act(db, arrival, _again(request, body), inner)
                db.execute(
                    "INSERT INTO ledger(key, tool, arguments, delivered_at, applied) VALUES(?, ?, ?, ?, ?)",
                    (arrival.key, tool, as_json(arrival.arguments), time.time(), applied),
                )
        if fault is not None and fault.mode == "die_after_effect":
            _cut(request)
        return response

    def _arrival(self, request: Request, tool: str, body: bytes) -> Arrival:
        writes = tool not in self.reads
        return Arrival(
            tool=tool,
            key=request.headers.get("idempotency-key", "")[:500] or None,
            arguments={**_arguments_of(body), **request.query_params, **request.path_params},
            writes=writes,
            honours_key=writes and tool not in self.ignore_key,
        )


def tool_route(deliveries: Deliveries) -> type[APIRoute]:
    """The route class whose operations are tools: the operation's name is the tool's."""

    class ToolRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            inner = super().get_route_handler()

            async def handle(request: Request) -> Response:
                return await deliveries.deliver(request, tool=self.name, inner=inner)

            return handle

    return ToolRoute


async def _act(db: sqlite3.Connection, arrival: Arrival, request: Request, inner: Handler) -> tuple[Response, bool]:
    before = db.total_changes
    try:
        with savepoint(db):
            response = await inner(request)
    except (ProblemError, RequestValidationError, HTTPException) as error:
        return answer_to(error), False
    applied = arrival.writes and db.total_changes > before
    if arrival.honours_key and arrival.key is not None:
        db.execute(
            "INSERT INTO answers VALUES(?, ?, ?, ?, ?)",
            (arrival.tool, arrival.key, as_json(arrival.arguments), response.status_code, bytes(response.body)),
        )
    return response, applied


def _known(db: sqlite3.Connection, arrival: Arrival) -> Response | None:
    """The stored answer to this key, or 409 when the key came with another request."""
    if not arrival.honours_key or arrival.key is None:
        return None
    found = "SELECT request, status, body FROM answers WHERE tool = ? AND key = ?"
    row = db.execute(found, (arrival.tool, arrival.key)).fetchone()
    if row is None:
        return None
    if row["request"] != as_json(arrival.arguments):
        return problem(409, f"Key {arrival.key!r} was used for another request. Use a new key for a new request.")
    return Response(row["body"], status_code=row["status"], media_type="application/json")


def _spoilt(fault: Fault | None) -> Response | None:
    """The answer of a tool that does not act because of its fault."""
    if fault is not None and fault.mode == "fail":
        return problem(500, "The service has an internal error.")
    if fault is not None and fault.mode == "refuse":
        return problem(409, "The service takes nothing of this kind at present.")
    if fault is not None and fault.mode == "garbage":
        return Response(GARBAGE, media_type="application/json")
    return None


async def _bounded_body(request: Request) -> bytes | None:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _again(request: Request, body: bytes) -> Request:
    """The same request with its body unread."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(request.scope, receive)


def _arguments_of(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        value = json.loads(body)
        as_json(value)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return {"unreadable": body[:500].decode("utf-8", "replace")}
    return value if isinstance(value, dict) else {"unexpected": value}


def _cut(request: Request) -> None:
    """Drop the TCP connection without an answer; `serve.CuttableProtocol` gives the means."""
    abort: Callable[[], None] | None = request.scope.get("state", {}).get("abort_connection")
    if abort is None:
        raise ConnectionAbortedError("The tool died after its effect.")
    abort()
