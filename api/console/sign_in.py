"""The page that asks for a key: plain HTML, so that it works before anything else does. Start with `router`."""

# No postponed annotations here: FastAPI reads them while the routes are made.

from html import escape
from typing import cast
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.bodies import Limits, read_body
from api.console.gate import MOUNT, SIGN_IN, SIGN_OUT, cookie_of
from api.console.sessions import COOKIE, LASTS, Sessions
from api.console.theme import CSS
from api.problems import Forbidden, Unauthorized

router = APIRouter(include_in_schema=False)
LARGEST = Limits(body_bytes=4_096)

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in - Segue</title><style>{css}
@media (prefers-color-scheme: dark) {{ :root {{ color-scheme: dark; }} }}
main {{ max-width: 380px; margin: 15vh auto 0; padding: 0 16px; }}</style></head>
<body class="{body}"><main><form class="sg-card" method="post" action="{action}">
<h1>Segue</h1><p class="sg-quiet">Sign in with an API key that may read. <code>segue keys new NAME</code> makes one.</p>
{error}<label for="key">API key</label>
<input class="sg-field" id="key" name="key" type="password" autocomplete="current-password" required autofocus>
<input type="hidden" name="to" value="{to}">
<button class="sg-button sg-first" type="submit">Sign in</button></form></main>
<script>if (matchMedia('(prefers-color-scheme: dark)').matches) document.body.classList.add('body--dark')</script>
</body></html>"""


@router.get(SIGN_IN)
async def ask(request: Request) -> Response:
    """The form."""
    return _page(request.query_params.get("to", MOUNT), None, 200)


@router.post(SIGN_IN)
async def begin(request: Request) -> Response:
    """Begin a session."""
    sessions = cast("Sessions", request.app.state.console_sessions)
    given = parse_qs((await read_body(request, LARGEST)).decode("utf-8", "replace"))
    to = given.get("to", [MOUNT])[0]
    try:
        secret = sessions.begin(given.get("key", [""])[0].strip())
    except (Unauthorized, Forbidden) as error:
        return _page(to, str(error), 401)
    answer = RedirectResponse(_inside(to), status_code=303)
    secure = request.url.scheme == "https"
    answer.set_cookie(
        COOKIE, secret, max_age=int(LASTS.total_seconds()), path=MOUNT, secure=secure, httponly=True, samesite="strict"
    )
    return answer


@router.post(SIGN_OUT)
async def end(request: Request) -> Response:
    """End the session."""
    sessions = cast("Sessions", request.app.state.console_sessions)
    sessions.end(cookie_of(request.scope))
    answer = RedirectResponse(SIGN_IN, status_code=303)
    answer.delete_cookie(COOKIE, path=MOUNT)
    return answer


def _page(to: str, error: str | None, status: int) -> Response:
    told = f'<p class="sg-state sg-bad" role="alert">{escape(error)}</p>' if error else ""
    text = PAGE.format(css=CSS, body="", action=SIGN_IN, error=told, to=escape(_inside(to), quote=True))
    return HTMLResponse(text, status_code=status)


def _inside(to: str) -> str:
    """Only to a page of the console, never to another site."""
    inside = to == MOUNT or (to.startswith(f"{MOUNT}/") and "\\" not in to and "//" not in to)
    return to if inside else MOUNT
