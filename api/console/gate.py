"""Who gets through to the console. Start with `Gate`.

Everything under its address needs a session but the sign-in page, the forms that begin and end a session, and the
scripts and styles all pages share. A page of another site may not ask: cookies are strict, and origins are compared.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.console.sessions import COOKIE, Sessions

MOUNT = "/console"
SIGN_IN = f"{MOUNT}/sign-in"
SIGN_OUT = f"{MOUNT}/sign-out"
SESSION = f"{MOUNT}/session"
"""Answers whoever has one, so that a page can find out."""
_LIBRARY = f"{MOUNT}/_nicegui"
_SHARED = f"{_LIBRARY}/"
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""What NiceGUI needs, and nothing else; nothing is ever loaded from elsewhere."""


class Gate:
    """Wraps the app; what is not the console's passes."""

    def __init__(self, app: ASGIApp, *, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one connection through, or send it to the sign-in."""
        if scope["type"] not in {"http", "websocket"} or not _ours(scope["path"]):
            await self._app(scope, receive, send)
            return
        refused = self._refusal(scope)
        if refused is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4401, "reason": "sign in"})
        else:
            await refused(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        if _foreign(scope):
            return PlainTextResponse("a page of another site may not ask here", status_code=403)
        path = scope["path"]
        if path == MOUNT:
            return RedirectResponse(f"{MOUNT}/", status_code=307)
        if path in {SIGN_IN, SIGN_OUT} or path.startswith(_SHARED):
            return None
        session = self._sessions.of(cookie_of(scope))
        if session is None:
            return RedirectResponse(SIGN_IN + _back(scope), status_code=303)
        scope.setdefault("state", {})["console"] = session
        return None


def cookie_of(scope: Scope) -> str | None:
    """The session's secret, if the request brings one.

    Cookies of other programs on this host come along, whatever is in them; of two the one for the nearer path is first.
    """
    for header, value in scope["headers"]:
        for pair in value.decode("latin-1").split(";") if header == b"cookie" else ():
            name, _, secret = pair.partition("=")
            if name.strip() == COOKIE:
                return str(secret.strip())
    return None


def _back(scope: Scope) -> str:
    """So that whoever has signed in sees the page they asked for; nothing where that was no page."""
    path, query = scope["path"], scope["query_string"].decode("latin-1")
    if scope.get("method") != "GET" or path == SESSION or path.startswith(_LIBRARY):
        return ""
    return f"?to={quote(path + (f'?{query}' if query else ''), safe='')}"


def _ours(path: str) -> bool:
    return path == MOUNT or path.startswith(f"{MOUNT}/")


def _foreign(scope: Scope) -> bool:
    headers = [(name, value) for name, value in scope["headers"] if name in {b"host", b"origin"}]
    hosts = [value.lower() for name, value in headers if name == b"host"]
    origins = [value.lower() for name, value in headers if name == b"origin"]
    return any(origin.partition(b"://")[2] not in hosts for origin in origins)
