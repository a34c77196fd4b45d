"""One tool call over HTTP, and what is known of its effect afterwards. Start with `HttpCaller.call`.

Nothing sent, or a 3xx or 4xx: the tool certainly did nothing. Anything else that fails once the request began to go
out leaves the effect in doubt. `answers` judges what a tool said.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Mapping
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import quote, urlencode

import httpx

from tools.answers import ERROR_BYTES, RESULT_BYTES, Received, certainly_refused, judge
from tools.document import read_bounded
from tools.errors import ToolError, shorten
from tools.jsontext import JsonError, json_text, plain_json
from tools.operations import Operation
from tools.signature import WHOLE_BODY, Parameter
from tools.types import Answer, Declined, InDoubt, JsonObject, JsonValue

MAX_DEPTH = 64
MAX_CONNECTIONS = 100
IDLE_S = 2.0
"""Idle connections are given up before common servers (5 s) close them, lest a call goes out on a dying one."""


SILENT_S = 30
"""A connection that is silent for so long is probed, so that nothing between drops it during a call of many minutes
and a machine that is gone is noticed before the tool's timeout."""


def open_client() -> httpx.AsyncClient:
    """A client without proxies, redirects, cookies or timeouts of its own (each call has a total one)."""
    transport = httpx.AsyncHTTPTransport(
        verify=_authorities(),
        trust_env=False,
        limits=httpx.Limits(
            max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS, keepalive_expiry=IDLE_S
        ),
        socket_options=_kept_alive(),
    )
    return httpx.AsyncClient(
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        timeout=None,  # noqa: S113
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        headers={"User-Agent": "segue"},
    )


def _kept_alive() -> list[tuple[int, int, int]]:
    """Probe a silent connection; how soon and how often, where the system lets us say so."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (("TCP_KEEPIDLE", SILENT_S), ("TCP_KEEPALIVE", SILENT_S), ("TCP_KEEPINTVL", 10)):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options


@lru_cache(maxsize=1)
def _authorities() -> ssl.SSLContext:
    """Whom certificates are trusted from; read once, since that takes as long as several calls."""
    return httpx.create_ssl_context(trust_env=False)


class HttpCaller:
    """Calls the operations of one service."""

    def __init__(self, client: httpx.AsyncClient, base_url: httpx.URL, headers: Mapping[str, str]) -> None:
        self._client = client
        self._base_url = base_url
        self._headers = headers

    async def call(self, operation: Operation, arguments: JsonObject, *, key: str) -> Answer:
        """Send once, wait at most the tool's timeout, say what is known. Never raises for what the tool does."""
        try:
            request = self._request(operation, arguments, key)
        except ToolError as error:
            return Declined(error=str(error), tells="nothing")
        progress = _Progress(operation)
        request.extensions["trace"] = progress.trace
        timeout_s = operation.tool.governance.timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                received = await self._exchange(request, progress)
        except TimeoutError:
            return progress.broken(f"no complete answer within {timeout_s:g} s")
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            return progress.broken(f"{type(error).__name__}: {error}".rstrip(": "))
        return await judge(operation, received)

    async def _exchange(self, request: httpx.Request, progress: _Progress) -> Received:
        response = await self._client.send(request, stream=True)
        try:
            progress.status = response.status_code
            limit = RESULT_BYTES if response.is_success else ERROR_BYTES
            body, whole = await read_bounded(response.aiter_raw(), limit)
        finally:
            await response.aclose()
        return Received(status=response.status_code, headers=response.headers, body=body, whole=whole)

    def _request(self, operation: Operation, arguments: JsonObject, key: str) -> httpx.Request:
        """Raises `ToolError` where an argument cannot be sent as it is."""
        try:
            plain = plain_json(arguments, max_depth=MAX_DEPTH)
        except JsonError as error:
            raise ToolError(f"the arguments cannot be sent: {error}") from error
        values = plain if isinstance(plain, dict) else {}
        signature = operation.signature
        known = signature.body_fields | {parameter.name for parameter in signature.outside}
        unknown = sorted(values.keys() - known)
        if unknown:
            raise ToolError(f"the tool has no argument {shorten(', '.join(unknown), 200)!r}")
        headers = httpx.Headers({**self._headers, **_headers(signature.outside, values)})
        headers["Idempotency-Key"] = _header_value("idempotency key", key)
        headers["Accept"] = "application/json"
        headers["Accept-Encoding"] = "identity"
        body = _body(operation, values)
        if body is not None:
            headers["Content-Type"] = "application/json"
        return self._client.build_request(
            operation.method, self._address(operation, values), headers=headers, content=body
        )

    def _address(self, operation: Operation, values: JsonObject) -> httpx.URL:
        raw = self._base_url.raw_path.decode("ascii").rstrip("/") + _path(operation.path, values)
        query = _query(operation.signature.outside, values)
        raw_path = f"{raw}?{query}".encode("ascii") if query else raw.encode("ascii")
        try:
            address = self._base_url.copy_with(raw_path=raw_path)
        except httpx.InvalidURL as error:
            raise ToolError(f"the arguments make no address that can be called: {error}") from error
        if address.raw_path != raw_path:
            raise ToolError("the arguments would change the path that is called")
        return address


class _Progress:
    """How far a call got, as the connection reports it."""

    def __init__(self, operation: Operation) -> None:
        self._name = operation.tool.name
        self._method = operation.method
        self._sent = False
        self.status: int | None = None

    async def trace(self, event: str, info: Mapping[str, object]) -> None:
        if event.endswith("send_request_headers.started"):
            self._sent = True

    def broken(self, reason: str) -> Answer:
        """The exchange did not come to its end: what that means for the effect."""
        if self.status is not None and certainly_refused(self.status, self._method):
            return Declined(error=f"HTTP {self.status} ({shorten(reason, 300)})")
        if self._sent:
            return InDoubt(error=f"{self._name}: the request was sent, then: {shorten(reason, 300)}")
        return Declined(error=f"{self._name} could not be reached: {shorten(reason, 300)}", tells="unwell")


def _path(template: str, values: JsonObject) -> str:
    return re.sub(r"\{([^{}]*)\}", lambda match: _segment(match[1], values.get(match[1])), template)


def _segment(name: str, value: JsonValue) -> str:
    """A value as exactly one segment of the path.

    Encoding is not enough for slashes and dot segments: servers and proxies decode before they route, so such a value
    could reach another operation. It is refused instead.
    """
    text = _scalar(name, value)
    if text == "":
        raise ToolError(f"{name!r} is empty or missing, but it is part of the tool's path")
    if text in {".", ".."} or "/" in text or "\\" in text:
        raise ToolError(f"{name!r} is part of the tool's path, so it must not be {shorten(text, 80)!r}")
    return quote(text, safe="")


def _query(outside: tuple[Parameter, ...], values: JsonObject) -> str:
    pairs: list[tuple[str, str]] = []
    for parameter in outside:
        value = values.get(parameter.name)
        if parameter.place != "query" or value is None:
            continue
        if not isinstance(value, list):
            pairs.append((parameter.name, _scalar(parameter.name, value)))
        elif parameter.exploded:
            pairs += [(parameter.name, _scalar(parameter.name, item)) for item in value]
        elif value:
            pairs.append((parameter.name, _joined(parameter.name, value)))
    return urlencode(pairs, quote_via=quote, safe="")


def _headers(outside: tuple[Parameter, ...], values: JsonObject) -> dict[str, str]:
    headers = {}
    for parameter in outside:
        value = values.get(parameter.name)
        if parameter.place == "header" and value is not None:
            is_list = isinstance(value, list)
            text = _joined(parameter.name, value) if is_list else _scalar(parameter.name, value)
            headers[parameter.name] = _header_value(parameter.name, text)
    return headers


def _header_value(name: str, text: str) -> str:
    if not text.isascii() or not text.isprintable() or text != text.strip():
        raise ToolError(f"{name!r} travels in a header: printable ASCII only, no spaces around it")
    return text


def _joined(name: str, value: JsonValue) -> str:
    items = [_scalar(name, item) for item in value] if isinstance(value, list) else []
    if any("," in item for item in items):
        raise ToolError(f"{name!r} travels as a list joined by commas: no item may contain one")
    return ",".join(items)


def _scalar(name: str, value: JsonValue) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case float() if value.is_integer() and abs(value) < 2**53:
            return str(int(value))
        case int() | float():
            return str(value)
        case _:
            raise ToolError(f"{name!r} must be a single value, not {shorten(repr(value), 80)}")


def _body(operation: Operation, values: JsonObject) -> bytes | None:
    signature = operation.signature
    if signature.body == "whole":
        return json_text(values[WHOLE_BODY]) if WHOLE_BODY in values else None
    given = {name: value for name, value in values.items() if name in signature.body_fields}
    if signature.body == "fields" and (given or signature.body_required):
        return json_text(given)
    return None
