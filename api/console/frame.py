"""What every page has around it, and how a page keeps up with what happens. Start with `page`."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from nicegui import Client, background_tasks, ui

from agent.doors import through
from agent.errors import Conflict, NotFound, Refused
from agent.operators import OperatorsChat
from agent.roles import Scope, in_order
from agent.service import Segue
from agent.store.waits import Head, WaitKind, Whose
from api.access import Caller
from api.console.gate import MOUNT, SIGN_OUT
from api.console.pulse import Pulse
from api.console.sessions import Session, Sessions
from api.console.shared import Shared
from api.console.theme import CSS, SCRIPT, STATES, scheme
from api.console.wait_numbers import read_wait_numbers
from api.console.words import ago, at, moment_of, number
from api.problems import Forbidden, Unauthorized

log = logging.getLogger(__name__)
T = TypeVar("T")

PAGES = (
    ("", "Now"),
    ("/runs", "Runs"),
    ("/inbox", "Inbox"),
    ("/chat", "Chat"),
    ("/memory", "Memory"),
    ("/portfolio", "Portfolio"),
    ("/activity", "Activity"),
)
"""In the order they stand in the bar."""


@dataclass(frozen=True, kw_only=True)
class Console:
    """What pages are made of."""

    segue: Segue
    chat: OperatorsChat
    sessions: Sessions
    pulse: Pulse
    shared: Shared


@dataclass(frozen=True, kw_only=True)
class View:
    """One open page of one operator."""

    console: Console
    session: Session
    client: Client

    @property
    def segue(self) -> Segue:
        """The open system."""
        return self.console.segue

    @property
    def tenant(self) -> str:
        """Whose rows are shown."""
        return self.session.caller.tenant

    async def shared(self, what: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` reads, once for all pages of the tenant since the last beat; see `Shared.read`."""
        return await self.console.shared.read(self.tenant, what, work)

    async def wait_numbers(self, whose: Whose | None = None) -> Mapping[WaitKind, int]:
        """How many things wait for a person, by kind."""
        found = await self.shared("what waits", lambda: read_wait_numbers(self.segue.desk, self.tenant))
        return found.of(whose)

    async def heads(self, kinds: tuple[WaitKind, ...], most: int, whose: Whose | None = None) -> list[Head]:
        """What waits for a person, the oldest first."""
        desk = self.segue.desk
        return await self.shared(("heads", kinds, most, whose), lambda: desk.heads(self.tenant, kinds, most, whose))

    def may(self, scope: Scope) -> bool:
        """Whether to offer it; `act` asks again."""
        return scope in self.session.caller.scopes

    async def act(self, scope: Scope, work: Callable[[Caller], Awaitable[Any]]) -> Any:
        """Do something in the operator's name; None, and a notice, where it may not or cannot be done."""
        try:
            with through("console"):
                return await work(self.console.sessions.require(self.session, scope))
        except (NotFound, Conflict, Refused, Forbidden, Unauthorized) as error:
            with self.client:
                ui.notify(str(error), type="negative", multi_line=True, close_button="Close")
            return None

    def follow(self, refresh: Callable[[], Awaitable[None]], pulse: Pulse | None = None) -> None:
        """Call it now, and whenever something has happened, until the page is closed; `pulse` beats for other news."""
        beats = pulse or self.console.pulse
        # So that a page that was cut off is told at once of what it missed.
        self.client.on_connect(beats.beat)
        background_tasks.create(self._follow(refresh, beats), name="a page of the console")

    async def _follow(self, refresh: Callable[[], Awaitable[None]], pulse: Pulse) -> None:
        built = False
        with suppress(asyncio.CancelledError):
            async for _ in pulse.beats():
                if self.client.is_deleted:
                    return
                if built and not self.client.has_socket_connection:
                    # Left, or cut off; in case it is only the latter it is kept for a while, and told when it is back.
                    continue
                built = True
                if not self.console.sessions.alive(self.session):
                    with self.client:
                        go_to(MOUNT)
                    return
                try:
                    with self.client:
                        await refresh()
                except Exception:
                    log.exception("a page of the console could not be brought up to date")


def page(console: Console, here: str, title: str) -> View:
    """Begin a page: theme, bar, and what is known of who looks at it. `here` is one of `PAGES`."""
    client = ui.context.client
    session = cast("Session", client.request.scope["state"]["console"])
    ui.page_title(f"{title} - Segue")
    ui.add_css(CSS)
    ui.add_head_html(f"<script>{SCRIPT}</script>")
    _one_main(client)
    ui.dark_mode(value=scheme(client.request.cookies))
    with ui.element("header").classes("sg-bar"):
        link("Segue", f"{MOUNT}/").classes("sg-mark")
        with ui.element("nav").props('aria-label="Pages"').classes("sg-pages"):
            for path, name in PAGES:
                there = link(name, f"{MOUNT}{path or '/'}").classes("sg-nav")
                if path == here:
                    there.props('aria-current="page"')
                if path == "/inbox":
                    badge = ui.label().classes("sg-badge")
        with ui.element("div").classes("sg-who"):
            ui.label(session.caller.name)
            _role(session.caller, open_to_all=console.sessions.open_to_all)
            turn = ui.element("button").props('type="button"').classes("sg-button")
            turn.on("click", js_handler="() => segueTurn()")
            with turn:
                ui.label("Light or dark")
            if not console.sessions.open_to_all:
                with ui.element("form").props(f'method="post" action="{SIGN_OUT}"'):
                    ui.element("input").props('type="submit" value="Sign out"').classes("sg-button")
    view = View(console=console, session=session, client=client)

    async def count() -> None:
        waiting = number(sum((await view.wait_numbers()).values()))
        if badge.text != waiting:
            badge.set_text(waiting if waiting != "0" else "")
            badge.props["title"] = f"{waiting} waiting for a person"

    view.follow(count)
    return view


def _role(caller: Caller, *, open_to_all: bool) -> None:
    """What whoever looks may do, in a word, with the scopes behind it."""
    scopes = ", ".join(in_order(caller.scopes))
    told = ui.label("no keys in use" if open_to_all else caller.role or scopes).classes("sg-quiet sg-small")
    told.props["title"] = "Everybody who reaches this may do everything." if open_to_all else f"May: {scopes}"


def _one_main(client: Client) -> None:
    """The library puts everything of a page into a `main`, the bar too; the page's own is the only one."""
    slot = client.content.parent_slot
    if slot is not None:
        slot.parent.tag = "div"


def _button(text: str, act: Callable[[], Any], *, first: bool = False) -> ui.element:
    made = ui.element("button").props('type="button"').classes("sg-button" + (" sg-first" if first else ""))
    with made:
        ui.label(text)
    made.on("click", act)
    return made


button = _button
"""A button with words on it; `first` is what most people want."""


def link(text: str, address: str) -> ui.element:
    """A link to a page of the console, by its whole address; the library's own would put the mount before it again."""
    made = ui.label(text)
    made.tag = "a"
    made.props["href"] = address
    return made


def go_to(address: str) -> None:
    """Leave for another page of the console, by its whole address."""
    ui.run_javascript(f"location.assign({json.dumps(address)})")


def missing(view: View, title: str, says: str, words: str, address: str) -> None:
    """The page of something that is not there, with the way to what is."""
    view.client.status_code = 404
    with ui.element("main").classes("sg-page"):
        heading(title, level=1)
        with ui.element("section").classes("sg-card"):
            ui.label(says)
            link(words, address)


class Part:
    """A part of a live page, made anew only where what it shows has changed: selections and places stay."""

    def __init__(self, tag: str = "section", classes: str = "") -> None:
        self._place = ui.element(tag).classes(classes)
        self._shown: object = None

    def show(self, what: object, make: Callable[[], None]) -> None:
        """Make it if `what` it shows is not what it shows already."""
        if what == self._shown:
            return
        self._place.clear()
        with self._place:
            make()
        self._shown = what


def state(word: str, said: str | None = None) -> None:
    """A state in its colour, and in its word unless another one says it better."""
    ui.label(said or word).classes(f"sg-state {STATES.get(word, '')}")


def heading(text: str, *, level: int = 2) -> None:
    """A heading; each page has one of level 1."""
    with ui.element(f"h{level}"):
        ui.label(text)


def when(moment: datetime | str, now: datetime) -> None:
    """How long ago, and the moment itself behind it."""
    found = moment_of(moment) if isinstance(moment, str) else moment
    ui.label(ago(found, now)).classes("sg-quiet sg-small").props(f'title="{at(found)}"')


def empty(text: str) -> None:
    """What stands where nothing is, and what to do next."""
    ui.label(text).classes("sg-empty")


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)
