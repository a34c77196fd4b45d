"""Operators whose pages are kept up to date but not painted, so that many fit beside the server. See `listening`.

What a browser would do: ask for the page, connect its socket, take what comes.
"""

from __future__ import annotations

import ast
import asyncio
import json
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
import socketio

from tests.console.served import Served

CONNECTED_S = 120.0
QUERY = re.compile(r"query: (\{.*?\}),\n")


@dataclass
class Listener:
    """One open page."""

    path: str
    updates: int = 0
    seen: str = field(default="", repr=False)
    """The latest of what came, as text."""
    socket: Any = None

    async def open(self, served: Served, cookie: str) -> None:
        """Ask for the page, and connect."""
        headers = {"cookie": cookie, "origin": served.url}
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            answer = await http.get(f"{served.console_url}{self.path}", headers=headers)
        found = QUERY.search(answer.text)
        assert answer.status_code == 200, answer.text
        assert found is not None, "the page names no socket"
        query = {**ast.literal_eval(found[1]), "document_id": f"d-{id(self)}", "tab_id": f"t-{id(self)}"}
        query["old_tab_id"] = query["tab_id"]
        query["implicit_handshake"] = "true"
        self.socket = socketio.AsyncClient(reconnection=False)
        self.socket.on("update", self._update)
        await self.socket.connect(
            f"{served.url}?{urlencode(query)}",
            headers=headers,
            transports=["websocket"],
            socketio_path="/console/_nicegui_ws/socket.io",
        )

    def _update(self, data: Any) -> None:
        self.updates += 1
        self.seen = json.dumps(data)[-200_000:] + self.seen[:200_000]


@contextmanager
def listening(served: Served, paths: Sequence[str], name: str = "olga") -> Iterator[list[Listener]]:
    """So many pages, each of a session of its own, in a thread with a loop of its own."""
    cookies = ["; ".join(f"{key}={value}" for key, value in served.signed_in(name).items()) for _ in paths]
    listeners = [Listener(path=path) for path in paths]
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def open_all() -> None:
        for listener, cookie in zip(listeners, cookies, strict=True):
            await listener.open(served, cookie)

    async def close_all() -> None:
        await asyncio.gather(*(one.socket.disconnect() for one in listeners if one.socket is not None))

    try:
        asyncio.run_coroutine_threadsafe(open_all(), loop).result(CONNECTED_S)
        yield listeners
    finally:
        asyncio.run_coroutine_threadsafe(close_all(), loop).result(CONNECTED_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
