"""The HTTP door: an open `Segue` as a FastAPI app. Start with `build_app`; `api.server` opens, serves and closes.

From outside in: `boundary` (foreign sites, security headers, unexpected errors), `access` (keys and scopes), the
`routes`, and `problems` for every error on the way back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from importlib import metadata
from typing import Any

from fastapi import FastAPI

from agent.operators import OperatorsChat
from agent.service import Segue
from api import problems
from api.access import Access
from api.bodies import Limits
from api.boundary import LOOPBACK_HOSTS, Boundary
from api.intake import Intake
from api.keyfile import Key
from api.openapi import describe
from api.routes import (
    activity,
    dead_letters,
    events,
    health,
    housekeeping,
    inbox,
    lessons,
    memory,
    operators,
    outcomes,
    pauses,
    runs,
    sources,
)
from api.routes import (
    chat as chat_route,
)

DESCRIPTION = (
    "Business events in, coordinated tool calls out, the outcome remembered. Errors are RFC 9457 problems. "
    "Lists come in pages: `next` of one is `cursor` of the following."
)


def build_app(
    segue: Segue,
    *,
    keys: Sequence[Key] | None = None,
    hosts: Collection[str] = LOOPBACK_HOSTS,
    limits: Limits | None = None,
    chat: OperatorsChat | None = None,
    console: bool = False,
) -> FastAPI:
    """The app over an open Segue, which stays its owner's to close.

    Without `keys` everybody may do everything, but only under the names in `hosts` and not from pages of other sites.
    """
    app = FastAPI(
        title="Segue",
        version=version(),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.segue = segue
    app.state.chat = chat
    app.state.access = Access(keys)
    bounds = limits or Limits()
    app.state.limits = bounds
    app.state.intake = Intake(most=bounds.requests, most_bytes=bounds.memory_bytes)
    problems.install(app)
    if console and chat is not None:
        # Imported only here: the library of its pages takes a second to load.
        from api.console.mounting import mount

        mount(app, segue, chat)
    app.add_middleware(Boundary, hosts=hosts if keys is None else None)
    memories = (memory, lessons, sources, housekeeping)
    doors = (operators, chat_route, pauses, dead_letters, activity, health)
    for module in (events, runs, outcomes, *memories, inbox, *doors):
        app.include_router(module.router)

    @cache
    def document() -> dict[str, Any]:
        return describe(app)

    app.openapi = document  # type: ignore[method-assign]
    return app


def version() -> str:
    """Of the installed package."""
    try:
        return metadata.version("segue")
    except metadata.PackageNotFoundError:
        return "0+unknown"
