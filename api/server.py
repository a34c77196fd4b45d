"""A Segue of its own behind HTTP, from start to clean end. Start with `run_server`."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Self

import uvicorn
from fastapi import FastAPI

from agent.chatting import open_chat
from agent.heap import keep_what_is_loaded
from agent.service import Segue
from agent.wiring import Settings, open_segue
from api.access import Access
from api.address import Address, check_protected, in_url, listen
from api.app import build_app
from api.boundary import LOOPBACK_HOSTS

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)

CLOSE_WITHIN_S = 10
"""Seconds that requests in flight get at the end."""


async def run_server(
    settings: Settings,
    address: Address,
    ready: Callable[[Segue, str], None],
    *,
    access_log: bool = False,
    console: bool = True,
) -> None:
    """Serve until SIGTERM or SIGINT, then close cleanly; `ready` is told the URL once requests are answered.

    Raises `CannotServe` and whatever `open_segue` raises.
    """
    check_protected(address)
    with listen(address.host, address.port) as listener, _Ending() as ending:
        try:
            async with open_segue(settings) as segue, open_chat(segue, settings) as chat:
                hosts = LOOPBACK_HOSTS | {in_url(address.host)}
                await segue.note_start(Access(address.keys).tenants)
                app = build_app(segue, keys=address.keys, hosts=hosts, chat=chat, console=console)
                url = f"http://{in_url(address.host)}:{listener.getsockname()[1]}"
                config = _config(app, access_log=access_log, console=console)
                server = _Server(config, lambda: ready(segue, url), segue.watching.stop)
                ending.server = server
                await server.serve(sockets=[listener])
        except asyncio.CancelledError:
            if not ending.asked:
                raise
    log.info("closed")


async def run_worker(settings: Settings, ready: Callable[[Segue], None]) -> None:
    """Handle runs until SIGTERM or SIGINT, then hand over what is in flight. Raises whatever `open_segue` raises."""
    with _Ending() as ending:
        try:
            async with open_segue(settings) as segue:
                keep_what_is_loaded()
                ready(segue)
                with suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not ending.asked:
                raise
    log.info("closed")


class _Ending:
    """Turns the first signal into a clean end, of the opening or of the serving, and the second into a quick one."""

    def __init__(self) -> None:
        self.server: uvicorn.Server | None = None
        self.asked = False
        self._task = asyncio.current_task()

    def __enter__(self) -> Self:
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._end)
        return self

    def __exit__(self, *_: object) -> None:
        for number in SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)

    def _end(self) -> None:
        if self.server is None:
            if self._task is not None:
                self._task.cancel()
        elif self.asked:
            self.server.force_exit = True
        else:
            self.server.should_exit = True
        self.asked = True


class _Server(uvicorn.Server):
    """Says when it is ready and when it closes.

    Signals are left to `_Ending`: uvicorn would raise them again before Segue is closed.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], closing: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._closing = closing

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if self.started:
            keep_what_is_loaded()
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what would never end by itself, then let the requests in flight end."""
        self._closing()
        await super().shutdown(sockets)


def _config(app: FastAPI, *, access_log: bool, console: bool) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="on" if console else "off",
        log_config=None,
        access_log=access_log,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=CLOSE_WITHIN_S,
    )
