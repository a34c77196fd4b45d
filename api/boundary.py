"""The outermost layer of the HTTP door: security headers, foreign sites, unexpected errors. Start with `Boundary`."""

from __future__ import annotations

import logging
from collections.abc import Collection

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.doors import through
from api import problems
from api.console.gate import MOUNT, POLICY
from api.problems import Forbidden, Misdirected

log = logging.getLogger(__name__)

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)

CONSOLE_HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    # With `no-referrer` a browser says `Origin: null` of a form of our own.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
"""Pages run scripts, their own only, and send forms."""


class Boundary:
    """Wraps the app. `hosts` are the only names it answers to; None where keys protect it instead.

    Without keys a page in a browser on the same machine could ask as well as its owner: by a name of its own that
    resolves to this address (its Host is foreign), or by a plain cross-site request (its Origin is foreign).
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str] | None) -> None:
        self._app = app
        self._hosts = None if hosts is None else frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        # What is mounted inside may cut the path.
        started, path = False, scope["path"]

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = _with_security(message.get("headers", []), path)
            await send(message)

        refused = self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, guarded)
            return
        try:
            with through("api"):
                await self._app(scope, receive, guarded)
        except ClientDisconnect:
            log.debug("a client went away in the middle of its request")
        except Exception:
            # The one place where an unforeseen error becomes an answer: its cause goes to the log, none of it outside.
            log.exception("%s %s failed", scope.get("method", scope["type"]), ascii(scope["path"]))
            if started or scope["type"] == "websocket":
                raise
            await problems.problem(problems.UNEXPECTED, "The request was not carried out.")(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        if self._hosts is None:
            return None
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or _without_port(hosts[0].decode("latin-1").lower()) not in self._hosts:
            known = ", ".join(sorted(self._hosts))
            return problems.of(
                Misdirected(f"this server answers to {known} only; use API keys (--keys) for other names")
            )
        own = scope.get("scheme", "http").encode().replace(b"ws", b"http") + b"://" + hosts[0].lower()
        origins = [value.lower() for name, value in scope["headers"] if name == b"origin"]
        if any(origin != own for origin in origins):
            return problems.of(Forbidden("a page of another site may not ask here"))
        return None


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _with_security(headers: list[tuple[bytes, bytes]], path: str) -> list[tuple[bytes, bytes]]:
    given = {name.lower() for name, _ in headers}
    console = path == MOUNT or path.startswith(f"{MOUNT}/")
    usual = (*CONSOLE_HEADERS, *SECURITY_HEADERS) if console else SECURITY_HEADERS
    chosen = {name: value for name, value in reversed(usual) if name not in given}
    return [*headers, *chosen.items()]
