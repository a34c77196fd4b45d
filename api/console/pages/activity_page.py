"""Who did what, newest first, live: filters in the address, and files of what is filtered. Start with `register`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from nicegui import ui
from nicegui.events import GenericEventArguments

from agent.store.activity import ActivityFilter
from api.activity_words import ACTS, DOORS
from api.console.activity_filter import KINDS, PATH, Asked, address, export_address, in_words, read, wanted
from api.console.activity_rows import row
from api.console.frame import Console, View, empty, go_to, now, page
from api.console.pages.activity_list import ActList
from api.console.pages.run_form import field, kind_of, select
from api.console.parts import box, link, set_text, text
from api.console.reading import Reading, script
from api.console.run_filter import TIMES, FilterError
from api.console.sent import SENT, fields
from api.terminal import line

PAGE = 50
LATE = 200
"""So many numbers back new lines are looked for: on PostgreSQL one may be seen after the next."""
READY: tuple[tuple[str, Asked], ...] = (
    ("All", Asked()),
    ("Today", Asked(when="today")),
    ("In the console", Asked(door="console")),
    ("Settings", Asked(act="settings_changed")),
    ("Refused keys", Asked(act="key_refused")),
)


def register(console: Console) -> None:
    """Make the page."""

    @ui.page("/activity")
    async def show(request: Request) -> None:
        view = page(console, "/activity", "Activity")
        ui.add_head_html(script("activity-list"))
        await ActivityPage(view).build(dict(request.query_params))


class ActivityPage:
    """The open page."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._asked = Asked()
        self._mark = 0
        """Number of the newest line that was looked at, whether it fits or not."""
        self._whole = True
        """Whether nothing older fits."""
        self._fresh: set[int] = set()
        """New lines that wait until the reader wants them."""
        self._turn = asyncio.Lock()

    async def build(self, given: Mapping[str, Any]) -> None:
        """From an address."""
        problem = ""
        try:
            self._asked = read(given)
        except FilterError as error:
            problem = str(error)
        with box("main", "sg-page"):
            text("h1", "Activity")
            with box("section", "sg-card").props('aria-label="Filters"'):
                self._ready()
                await self._form()
            self._problem = text("p", problem, "sg-note sg-bad sg-maybe").props('role="alert"')
            with box("section", "sg-card").props('aria-label="Acts"'):
                with box("div", "sg-row sg-head"):
                    about = in_words(self._asked)
                    text(
                        "p", f"Acts {about}, newest first." if about else "All acts, newest first.", "sg-quiet sg-small"
                    )
                    self._reading = Reading("act", "acts", PAGE, self._load)
                    self._exports()
                self._list = ActList()
                self._reading.of(self._list)
                self._foot = box("nav", "sg-row sg-maybe").props('aria-label="Pages of acts"')
        await self._load()
        self._view.follow(self._refresh)

    def _ready(self) -> None:
        with box("nav", "sg-row").props('aria-label="Ready-made filters"'):
            for name, asked in READY:
                made = link(name, address(asked), "sg-chip")
                if asked == self._asked.newest():
                    made.props('aria-current="true"')

    async def _form(self) -> None:
        asked, names = self._asked, await self._view.segue.activity.names(self._view.tenant)
        with box("form", "sg-filters").props(f'action="{PATH}" method="get" role="search"') as form:
            field("q", "Part of a name", asked.q or "", "search")
            select("who", "Who", [(name, line(name, 60)) for name in names], asked.who)
            select("act", "What", list(ACTS.items()), asked.act)
            select("door", "Where", list(DOORS.items()), asked.door)
            select("when", "Time", list(TIMES.items()), asked.when)
            with box("div", "sg-field-box"):
                text("button", "Show", "sg-button sg-first").props('type="submit"')
            with box("details", "sg-fold sg-across") as more:
                text("summary", "More filters")
                with box("div", "sg-filters"):
                    select("kind", "About a", list(KINDS.items()), asked.kind)
                    field("about", "Its id or name", asked.about or "", "text")
                    field("run", "Run", asked.run or "", "text")
                    field("since", "From (UTC)", asked.since or "", kind_of(asked.since))
                    field("until", "Until (UTC)", asked.until or "", kind_of(asked.until))
            if any((asked.kind, asked.about, asked.run, asked.since, asked.until)):
                more.props["open"] = True
        form.on("submit", self._sent, js_handler=SENT)

    def _exports(self) -> None:
        with box("div", "sg-row sg-files"):
            text("span", "Download", "sg-quiet sg-small")
            for name, form in (("CSV", "csv"), ("JSON lines", "jsonl")):
                made = link(name, export_address(self._asked, form), "sg-small").props("download")
                made.props["aria-label"] = f"Download all of these as {name}"

    async def _sent(self, event: GenericEventArguments) -> None:
        try:
            asked = read(fields(event))
        except FilterError as error:
            set_text(self._problem, str(error))
            return
        go_to(address(asked))

    def _wanted(self) -> ActivityFilter:
        return wanted(self._asked, now())

    async def _load(self) -> None:
        """Show the page that is asked for, from its beginning."""
        async with self._turn:
            log, tenant = self._view.segue.activity, self._view.tenant
            newest = await log.newer(tenant, ActivityFilter(), 0, 1)
            self._mark = newest[0]["id"] if newest else 0
            found = await log.page(tenant, self._wanted(), self._asked.before, PAGE)
            self._whole = found.next is None
            self._tell_fresh(set())
            self._list.show([row(one) for one in found.items], now())
            self._show_foot()

    def _show_foot(self) -> None:
        self._foot.clear()
        ids = self._list.ids
        with self._foot:
            if self._asked.before is not None:
                link("Newest", address(self._asked.newest()))
            if ids and not self._whole:
                link("Older", address(self._asked.older(ids[-1])))
            if not ids:
                fits = self._asked.filters or self._asked.before is not None
                empty(
                    "Nothing that was done fits. Take a filter away, or ask for a longer time."
                    if fits
                    else "Nobody has done anything yet. What people answer, settle, pause or judge turns up here."
                )

    async def _refresh(self) -> None:
        """What was done since comes in on top, unless somebody reads."""
        if not self._view.client.has_socket_connection:
            return
        async with self._turn:
            self._list.tick(now())
            if self._asked.before is None:
                await self._bring_up_to_date()

    async def _bring_up_to_date(self) -> None:
        log, ids = self._view.segue.activity, self._list.ids
        found = await log.newer(self._view.tenant, self._wanted(), max(0, self._mark - LATE), PAGE)
        bottom = 0 if self._whole or not ids else ids[-1]
        fresh = [one for one in found if one["id"] not in ids and one["id"] > bottom]
        if not fresh:
            return
        self._mark = max(self._mark, fresh[0]["id"])
        if self._reading.on and ids:
            self._tell_fresh(self._fresh | {one["id"] for one in fresh})
            return
        self._tell_fresh(set())
        self._whole = self._whole and len(ids) + len(fresh) <= PAGE
        self._list.add([row(one) for one in fresh], PAGE, now())
        self._show_foot()

    def _tell_fresh(self, fresh: set[int]) -> None:
        self._fresh = fresh
        self._reading.tell(len(fresh))
