"""Build a world as an app, or run it as a process. Start with `build_world`; `run_world` serves it and blocks.

A world's tools come from its rules (`/openapi.json` describes them and nothing else); `/_world` stands beside them.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import cast

import uvicorn
from fastapi import APIRouter, FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from evals.worlds.kit import problems
from evals.worlds.kit.deliveries import Deliveries, tool_route
from evals.worlds.kit.faults import Faults
from evals.worlds.kit.routes import begin, world_routes
from evals.worlds.kit.rules import Rules
from evals.worlds.kit.sender import Sender
from evals.worlds.kit.store import Store, get_meta

WORLDS = ("retail_care", "plant_maintenance")
RETRY_EVERY_S = 1.0


class UnknownWorldError(Exception):
    """No world has this name; says which there are."""


def build_world(
    name: str,
    *,
    data: Path,
    seed: int = 0,
    segue: str | None = None,
    key: str | None = None,
    rules: Rules | None = None,
) -> FastAPI:
    """The world as an app. State found in `data` is kept (its own seed with it); otherwise it starts from `seed`."""
    rules = rules or load_rules(name)
    store = Store(data / f"{name}.sqlite", schema=rules.schema)
    turn, faults = asyncio.Lock(), Faults()
    with store.transaction() as db:
        if get_meta(db, "seed") is None:
            begin(db, rules, seed)
    sender = Sender(segue=segue, key=key, turn=turn, transaction=store.transaction)
    deliveries = Deliveries(store=store, faults=faults, turn=turn, reads=rules.reads, ignore_key=rules.ignore_key)
    app = FastAPI(
        title=rules.title,
        description=rules.description,
        version="1",
        docs_url=None,
        redoc_url=None,
        lifespan=lambda _: _lifespan(store, sender),
    )
    problems.install(app)
    tools = APIRouter(route_class=tool_route(deliveries), generate_unique_id_function=lambda route: route.name)
    rules.add_tools(tools, store.connection)
    names = frozenset(str(getattr(route, "name", "")) for route in tools.routes)
    own = world_routes(rules=rules, store=store, faults=faults, sender=sender, turn=turn, tools=names)
    rules.add_routes(own, store.connection)
    # Including the routers would build each route a second time, which takes most of a world's start.
    app.router.routes += [*tools.routes, *own.routes]
    return app


def run_world(
    name: str, *, port: int, data: Path, seed: int, segue: str | None, key: str | None, host: str = "127.0.0.1"
) -> None:
    """Serve a world until interrupted. Prints `ready ADDRESS` once it listens; port 0 takes a free one."""
    rules = load_rules(name)
    app = build_world(name, data=data, seed=seed, segue=segue, key=key, rules=rules)
    config = uvicorn.Config(app, host=host, port=port, http=CuttableProtocol, log_level="warning", access_log=False)
    AnnouncingServer(config, rules=rules).run()


def load_rules(name: str) -> Rules:
    """The rules of a world by its name. Raises `UnknownWorldError`."""
    if name not in WORLDS:
        raise UnknownWorldError(f"There is no world {name!r}. Known: {', '.join(WORLDS)}.")
    return cast("Rules", import_module(f"evals.worlds.{name}.rules").make_rules())


class CuttableProtocol(H11Protocol):
    """HTTP whose requests carry the means to drop their connection (`state.abort_connection`)."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember how to drop this connection."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "abort_connection": transport.abort}


class AnnouncingServer(uvicorn.Server):
    """Says that it listens, then loads what is slow to load."""

    def __init__(self, config: uvicorn.Config, *, rules: Rules) -> None:
        super().__init__(config)
        self._rules = rules
        self._warming: asyncio.Future[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, announce, warm up in a thread."""
        await super().startup(sockets)
        if self.should_exit:
            return
        bound = self.servers[0].sockets[0].getsockname()
        print(f"ready http://{bound[0]}:{bound[1]}", flush=True)
        self._warming = asyncio.get_running_loop().run_in_executor(None, self._rules.warm_up)


@contextlib.asynccontextmanager
async def _lifespan(store: Store, sender: Sender) -> AsyncIterator[None]:
    retrying = asyncio.create_task(sender.keep_trying(every_s=RETRY_EVERY_S))
    try:
        yield
    finally:
        retrying.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await retrying
        await sender.aclose()
        store.close()
