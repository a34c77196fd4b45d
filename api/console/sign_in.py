"""The page that asks for a key: plain HTML, so that it works before anything else does. Start with `router`."""

# No postponed annotations here: FastAPI reads them while the routes are made.

import json
from html import escape
from typing import cast
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.bodies import Limits, read_body
from api.console.door_notes import DoorNotes
from api.console.gate import MOUNT, SESSION, SIGN_IN, SIGN_OUT, cookie_of
from api.console.sessions import COOKIE, LASTS, MayNotRead, Sessions
from api.console.theme import CSS, ICON, scheme
from api.problems import Unauthorized

router = APIRouter(include_in_schema=False)
LARGEST = Limits(body_bytes=4_096)

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in - Segue</title><link rel="icon" href="{icon}"><style>{css}
@media (prefers-color-scheme: dark) {{ :root {{ color-scheme: dark; }} }}
main {{ max-width: 380px; margin: 15vh auto 0; padding: 0 16px; }}</style></head>
<body><main><form class="sg-card" method="post" action="{action}">
<h1>Segue</h1><p class="sg-quiet">Sign in with an API key that may read. <code>segue keys new NAME</code> makes one.</p>
{error}<label for="key">API key</label>
<input class="sg-field" id="key" name="key" type="password" autocomplete="current-password" required autofocus>
<input type="hidden" name="to" value="{to}">
<button class="sg-button sg-first" type="submit">Sign in</button></form></main>
<script>const dark = {dark} ?? matchMedia('(prefers-color-scheme: dark)').matches
if (dark) document.body.classList.add('body--dark')</script>
</body></html>"""


@router.get(SIGN_IN)
async def ask(request: Request) -> Response:
    """The form."""
    return _page(request, request.query_params.get("to", MOUNT), None, 200)


@router.post(SIGN_IN)
async def begin(request: Request) -> Response:
    """Begin a session."""
    sessions = cast("Sessions", request.app.state.console_sessions)
    given = parse_qs((await read_body(request, LARGEST)).decode("utf-8", "replace"))
    to = given.get("to", [MOUNT])[0]
    notes = cast("DoorNotes", request.app.state.door_notes)
    try:
        secret = sessions.begin(given.get("key", [""])[0].strip())
    except MayNotRead as error:
        await notes.refused([error.caller.tenant], error.caller.name)
        return _page(request, to, str(error), 401)
    except Unauthorized as error:
        await notes.refused(sessions.tenants)
        return _page(request, to, str(error), 401)
    await _note_session(sessions, notes, secret)
    answer = RedirectResponse(_inside(to), status_code=303)
    # Before a proxy that speaks TLS the browser's own word tells more than the scheme of this hop.
    secure = request.headers.get("origin", str(request.url)).startswith("https:")
    answer.set_cookie(
        COOKIE, secret, max_age=int(LASTS.total_seconds()), path=MOUNT, secure=secure, httponly=True, samesite="strict"
    )
    return answer


@router.get(SESSION)
async def there_is_one() -> Response:
    """Only who has a session gets here."""
    return Response(status_code=204)


@router.post(SIGN_OUT)
async def end(request: Request) -> Response:
    """End the session."""
    sessions = cast("Sessions", request.app.state.console_sessions)
    # First of all: a session ends, whatever comes of the line about it.
    caller = sessions.end(cookie_of(request.scope))
    if caller is not None and not sessions.open_to_all:
        await cast("DoorNotes", request.app.state.door_notes).signed_out(caller)
    answer = RedirectResponse(SIGN_IN, status_code=303)
    answer.delete_cookie(COOKIE, path=MOUNT)
    return answer


async def _note_session(sessions: Sessions, notes: DoorNotes, secret: str) -> None:
    """No session is begun that is not written down."""
    session = sessions.of(secret)
    if session is None or sessions.open_to_all:
        return
    try:
        await notes.signed_in(session.caller)
    except BaseException:
        sessions.end(secret)
        raise


def _page(request: Request, to: str, error: str | None, status: int) -> Response:
    told = f'<p class="sg-state sg-bad" role="alert">{escape(error)}</p>' if error else ""
    dark = json.dumps(scheme(request.cookies))
    text = PAGE.format(css=CSS, dark=dark, action=SIGN_IN, error=told, to=escape(_inside(to), quote=True), icon=ICON)
    return HTMLResponse(text, status_code=status)


def _inside(to: str) -> str:
    """Only to a page of the console, never to another site."""
    path = to.partition("?")[0]
    inside = path == MOUNT or (path.startswith(f"{MOUNT}/") and "\\" not in path and "//" not in path)
    return to if inside else MOUNT
