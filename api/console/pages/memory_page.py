"""What is remembered of an event type: its map, curve, lessons, uplift and sources. Start with `MemoryPage`.

The parts are made one by one once the page stands; what is heavy to work out is worked out again only when it is asked
for, and the page says when there is something new.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from nicegui import ui
from nicegui.client import ClientConnectionTimeout

from agent.store.episode_looks import Marks
from api.console.frame import Console, View, button, empty, link, page
from api.console.gate import MOUNT
from api.console.memory.curve_view import CurveView
from api.console.memory.lessons_view import LessonsView
from api.console.memory.map_view import POINTS, USUAL, MapView
from api.console.memory.search_view import SearchView
from api.console.memory.sources_view import SourcesView
from api.console.memory.uplift_view import UpliftView
from api.console.parts import box, text
from api.terminal import line

CARD = "sg-card"
CONNECTED_S = 10.0
"""A page that nobody opened in the end, as when a browser fetches ahead, is not worked out."""


def register(console: Console) -> None:
    """Make the page."""

    @ui.page("/memory")
    async def show(type: str = "", points: str = "") -> None:
        view = page(console, "/memory", "Memory")
        kinds = sorted(view.segue.portfolio.events)
        most = next((one for one in POINTS if str(one) == points), USUAL)
        with box("main", "sg-page"):
            text("h1", "Memory")
            if not kinds:
                empty("The portfolio has no event types, so there is nothing to remember.")
                return
            MemoryPage(view, type if type in kinds else kinds[0], kinds, most).build()


class MemoryPage:
    """The open page of one event type."""

    def __init__(self, view: View, kind: str, kinds: Sequence[str], most: int) -> None:
        self._view = view
        self._kind = kind
        self._kinds = kinds
        self._most = most
        self._marks: Marks | None = None

    def build(self) -> None:
        """Lay it out, and keep up with what happens."""
        _kinds(self._kinds, self._kind)
        self._news = box("div", "sg-row sg-maybe").props('aria-live="polite"')
        with box("section", CARD):
            self._map = MapView(self._view, self._kind, self._most, self._sources_changed)
        with box("section", CARD):
            SearchView(self._view, self._kind)
        with box("section", CARD):
            self._curve = CurveView(self._view, self._kind)
        with box("section", CARD):
            self._uplift = UpliftView(self._view, self._kind)
        with box("section", CARD):
            self._lessons = LessonsView(self._view, self._kind)
        with box("section", CARD):
            self._sources = SourcesView(self._view, self._sources_changed)
        self._view.follow(self._refresh)

    async def _refresh(self) -> None:
        try:
            await self._view.client.connected(CONNECTED_S)
        except ClientConnectionTimeout:
            return
        before, self._marks = self._marks, await self._view.segue.memories.marks(self._view.tenant, self._kind)
        if before is None:
            await self._load()
            return
        if self._marks.lessons != before.lessons:
            await self._lessons.load()
        if (self._marks.newest, self._marks.sources) != (before.newest, before.sources):
            self._tell()

    async def _load(self) -> None:
        """All of it, what people look at first before the rest."""
        for part in (self._map, self._lessons, self._sources, self._uplift, self._curve):
            await part.load()

    def _tell(self) -> None:
        self._news.clear()
        with self._news:
            text("span", "There are new episodes, or other sources speak than before.", "sg-small")
            button("Bring the page up to date", self._again, first=True).classes("sg-slim")

    async def _again(self) -> None:
        self._news.clear()
        await self._load()

    async def _sources_changed(self) -> None:
        """By an act of this page."""
        self._marks = await self._view.segue.memories.marks(self._view.tenant, self._kind)
        await self._again()


def _kinds(kinds: Sequence[str], chosen: str) -> None:
    with box("nav", "sg-row").props('aria-label="Event types"'):
        for kind in kinds:
            there = link(line(kind, 80), f"{MOUNT}/memory?{urlencode({'type': kind})}").classes("sg-chip")
            if kind == chosen:
                there.props('aria-current="page"')
