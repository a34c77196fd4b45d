"""A served company whose pages are open in this process, to be clicked without a browser. Start with `open_doors`.

A click is the very message a browser sends, so that a test can send one that the page would not have offered.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from nicegui import Client
from nicegui.element import Element

from agent.operating.toolbox import toolbox
from agent.operating.types import Asker
from agent.operators import OperatorsChat
from agent.roles import ROLES, Role, Scope
from agent.types import Decider
from api.access import Caller
from api.address import listen
from api.app import build_app
from api.console.sessions import COOKIE, Session, Sessions
from api.keyfile import Key, key_hash
from tests.agent.company import Company, open_company
from tests.operating.tool_company import AsTold
from tests.operating.toys import Wants
from tools.types import JsonObject

PATIENCE_S = 20.0


async def until(holds: Any) -> None:
    """Wait for what soon holds."""
    end = time.monotonic() + PATIENCE_S
    while not (found := await holds()):
        assert time.monotonic() < end, found
        await asyncio.sleep(0.005)


@dataclass
class Opened:
    """One open page."""

    client: Client

    def press(self, words: str) -> None:
        """Click the button that was made last with these words on it."""
        self._send(self._button(words))

    def has(self, words: str) -> bool:
        """Whether there is a button with these words on it."""
        return bool(self._buttons(words))

    def says(self, words: str) -> bool:
        """Whether this stands on it, exactly."""
        return any(getattr(one, "text", None) == words for one in self.client.elements.values())

    def submit(self, event: str = "submit", **fields: str) -> None:
        """Send the form that was made last and listens to the event."""
        found = [one for one in self.client.elements.values() if self._listeners(one, event)]
        self._send(found[-1], event, fields)

    def say(self, words: str) -> None:
        """Send what was typed into the chat."""
        self._send(self._button("Send"), "click", words)

    @property
    def told(self) -> str:
        """The notices so far."""
        kept = [*self.client.outbox.messages, *(one for _, _, one in self.client.outbox.message_history)]
        return "\n".join(str(one[2]["message"]) for one in kept if one[1] == "notify")

    def forget(self) -> None:
        """The notices, once they were read."""
        self.client.outbox.messages.clear()
        self.client.outbox.message_history.clear()

    def _button(self, words: str) -> Element:
        return self._buttons(words)[-1]

    def _buttons(self, words: str) -> list[Element]:
        return [
            one
            for one in self.client.elements.values()
            if one.tag == "button" and words in [getattr(part, "text", None) for part in (one, *one.descendants())]
        ]

    def _send(self, element: Element, event: str = "click", *arguments: Any) -> None:
        for listener in self._listeners(element, event):
            args = [json.dumps(one) for one in arguments]
            self.client.handle_event({"id": element.id, "listener_id": listener, "args": args})

    @staticmethod
    def _listeners(element: Element, event: str) -> list[str]:
        # The only way to what the library tells the browser of them.
        return [name for name, one in element._event_listeners.items() if one.type == event]


@dataclass
class Doors:
    """API, chat and console over one company."""

    company: Company
    chat: OperatorsChat
    http: httpx.AsyncClient
    session: Session
    """Of `ann`, who is signed in to the console."""
    wanted: list[tuple[str, JsonObject]]
    """What the chat's decider wants to call next, once."""
    page: Opened | None = None

    def become(self, role: Role) -> None:
        """Give her key another role, whatever the pages that are open were made for."""
        self.session.caller = Caller(name="ann", tenant="default", scopes=ROLES[role])

    def asker(self, role: Role) -> Asker:
        """Her in the chat."""
        return Asker(tenant="default", name="ann", scopes=ROLES[role])

    async def ask(self, role: Role, method: str, path: str, body: Any) -> httpx.Response:
        """A request of the API by a key of that role."""
        return await self.http.request(method, path, json=body, headers={"x-api-key": role})

    async def open(self, path: str) -> Opened:
        """A page of the console, in place of the one before."""
        if self.page is not None:
            self.page.client.delete()
        before = set(Client.instances)
        answer = await self.http.get(f"/console{path}")
        assert answer.status_code == 200, answer.text
        (made,) = set(Client.instances) - before
        client = Client.instances[made]
        # As a browser does once it shows the page; some parts are made only then.
        await client.handle_handshake("socket", "tab", None, "document", None)
        self.page = Opened(client)
        return self.page


@asynccontextmanager
async def open_doors(data: Path) -> AsyncIterator[Doors]:
    """Serve on a free port until the end of the block; a key is named like its role, and `ann` has one of an admin."""
    wanted: list[tuple[str, JsonObject]] = []

    def decider(asker: Asker) -> Decider:
        turns = [wanted[:]] if wanted else []
        wanted.clear()
        return Wants(turns)

    known: list[tuple[str, frozenset[Scope]]] = [*ROLES.items(), ("ann", ROLES["admin"])]
    keys = [Key(name=name, tenant="default", scopes=its, sha256=key_hash(name)) for name, its in known]
    async with open_company(data, AsTold()) as company:
        chat = OperatorsChat(company.segue, decider, toolbox(), lambda: datetime.now(UTC))
        app = build_app(company.segue, keys=keys, chat=chat, console=True)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        with listen("127.0.0.1", 0) as sock:
            serving = asyncio.create_task(server.serve(sockets=[sock]))
            await until(lambda: _started(server))
            url = f"http://127.0.0.1:{sock.getsockname()[1]}"
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE_S) as http:
                await http.post("/console/sign-in", data={"key": "ann"})
                sessions: Sessions = app.state.console_sessions
                session = sessions.of(http.cookies[COOKIE])
                assert session is not None
                yield Doors(company=company, chat=chat, http=http, session=session, wanted=wanted)
            server.should_exit = True
            await serving


async def _started(server: uvicorn.Server) -> bool:
    return server.started
