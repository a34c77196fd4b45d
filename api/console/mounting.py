"""Puts the console into the app. Start with `mount`.

NiceGUI keeps its pages in one app of the process, so there is one console in a process; it is loaded here only.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from fastapi import FastAPI
from nicegui import app as library
from nicegui import ui
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp

from agent.operators import OperatorsChat
from agent.service import Segue
from api.access import Access
from api.console import activity_export, sign_in
from api.console.door_notes import DoorNotes
from api.console.frame import Console
from api.console.gate import MOUNT, Gate
from api.console.pages import (
    activity_page,
    add_page,
    chat_page,
    inbox_page,
    memory_page,
    now_page,
    portfolio_page,
    run_page,
    runs_page,
    tool_page,
)
from api.console.pulse import Pulse
from api.console.sessions import Sessions
from api.console.shared import Shared
from api.console.theme import ICON


def mount(app: FastAPI, segue: Segue, chat: OperatorsChat) -> None:
    """Serve the console under `/console`, and send whoever opens `/` there."""
    sessions = Sessions(cast("Access", app.state.access), lambda: datetime.now(UTC))
    pulse = Pulse()
    segue.after_commit(pulse.beat)
    console = Console(segue=segue, chat=chat, sessions=sessions, pulse=pulse, shared=Shared(pulse))
    app.state.console_sessions = sessions
    app.state.door_notes = DoorNotes(segue.activity)
    app.include_router(sign_in.router)
    app.include_router(activity_export.router)

    @app.get("/", include_in_schema=False)
    async def home() -> Response:
        return RedirectResponse(MOUNT, status_code=303)

    pages = (now_page, runs_page, run_page, inbox_page, chat_page, memory_page, portfolio_page, tool_page, add_page)
    for made in (*pages, activity_page):
        made.register(console)
    # A bar without a name that runs along the top of the page whenever a script asks for something.
    library.config.quasar_config["loadingBar"]["skipHijack"] = True
    ui.run_with(
        app,
        mount_path=MOUNT,
        title="Segue",
        dark=None,
        favicon=ICON,
        tailwind=False,
        reconnect_timeout=30.0,
        show_welcome_message=False,
        gzip_middleware_factory=_compressed,
        language="en-US",
    )
    app.add_middleware(Gate, sessions=sessions)


def _compressed(app: ASGIApp) -> GZipMiddleware:
    """Scripts are packed anew for each browser, on the event loop: level 3 takes a third of the time of 9."""
    return GZipMiddleware(app, minimum_size=1_000, compresslevel=3)
