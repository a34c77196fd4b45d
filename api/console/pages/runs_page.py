"""Runs to look through: filters in the address, newest first, live. Start with `register`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from nicegui import ui
from nicegui.events import GenericEventArguments

from api.console.frame import Console, View, empty, go_to, now, page
from api.console.pages.run_form import FilterForm
from api.console.pages.run_list import RunList
from api.console.parts import box, link, set_text, text
from api.console.reading import Reading, script
from api.console.run_filter import PATH, READY, Asked, FilterError, address, in_words, read, wanted
from api.console.run_rows import row
from api.console.run_search import Hit, search
from api.console.words import at
from api.terminal import line

PAGE = 50
MOST_NEW = 50
"""New runs that are counted one by one."""

FOLLOW = """(event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  emit(Object.fromEntries(new URL(event.currentTarget.href).searchParams));
}"""


def register(console: Console) -> None:
    """Make the page."""

    @ui.page("/runs")
    async def show(request: Request) -> None:
        view = page(console, "/runs", "Runs")
        ui.add_head_html(script("runs-list"))
        await RunsPage(view).build(dict(request.query_params))


class RunsPage:
    """The open page."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._asked = Asked()
        self._turn = asyncio.Lock()
        """One change of the list at a time."""

    async def build(self, given: Mapping[str, Any]) -> None:
        """From an address."""
        with box("main", "sg-page"):
            text("h1", "Runs")
            with box("section", "sg-card").props('aria-label="Filters"'):
                self._ready = box("nav", "sg-row").props('aria-label="Ready-made filters"')
                self._form = FilterForm(self._view, self._changed)
            self._problem = box("div", "sg-maybe").props('role="alert"')
            with box("section", "sg-card").props('aria-label="Runs"'):
                with box("div", "sg-row sg-head"):
                    self._about = text("p", "", "sg-quiet sg-small").props('aria-live="polite" id="runs-about"')
                    self._reading = Reading("run", "runs", MOST_NEW, self._load)
                self._list = RunList()
                self._reading.of(self._list)
                self._foot = box("nav", "sg-row sg-maybe").props('aria-label="Pages of runs"')
        await self._go(given, moved=False)
        self._view.follow(self._refresh)

    async def _changed(self, given: Mapping[str, Any]) -> None:
        """The form was sent."""
        await self._go(given, moved=True, by_form=True)

    async def _followed(self, event: GenericEventArguments) -> None:
        """A link to another filter or page was followed."""
        await self._go(event.args if isinstance(event.args, dict) else {}, moved=True)

    async def _go(self, given: Mapping[str, Any], *, moved: bool, by_form: bool = False) -> None:
        self._problem.clear()
        try:
            asked = read(given)
        except FilterError as error:
            self._tell(str(error))
            if moved:
                return
            asked = Asked()
        sought = str(given.get("q") or "").strip()
        if sought:
            hit = await search(self._view.segue, self._view.tenant, sought)
            if hit.subject is None:
                self._hit(hit)
                if not moved:
                    self._form.build(asked, sought)
                return
            asked, by_form = Asked(subject=hit.subject), False
        if moved and asked == self._asked:
            return
        self._asked = asked
        if not by_form:
            self._form.build(asked)
        if moved:
            ui.navigate.history.push(address(asked))
            ui.run_javascript("window.scrollTo(0, 0)")
        self._show_ready()
        await self._load()

    def _hit(self, hit: Hit) -> None:
        if hit.run is not None:
            go_to(f"{PATH}/{hit.run}")
            return
        self._tell(hit.nothing or "")
        if hit.like:
            with self._problem, box("p", "sg-row"):
                text("span", "Subjects that begin so:")
                for one in hit.like:
                    self._link(line(one, 60), Asked(subject=one))

    def _tell(self, problem: str) -> None:
        with self._problem:
            text("p", problem, "sg-note sg-bad")

    def _link(self, words: str, asked: Asked, classes: str = "") -> ui.element:
        return link(words, address(asked), classes).on("click", self._followed, js_handler=FOLLOW)

    def _show_ready(self) -> None:
        self._ready.clear()
        with self._ready:
            for name, asked in READY:
                made = self._link(name, asked, "sg-chip")
                if asked == self._asked.newest():
                    made.props('aria-current="true"')

    async def _load(self) -> None:
        """Show the page that is asked for, from its beginning."""
        async with self._turn:
            found = await self._page(self._asked, PAGE)
            self._list.show([row(one) for one in found.items], now())
            self._reading.tell(0)
            self._say(found.looked_back_to)
            self._foot.clear()
            with self._foot:
                if not self._asked.first:
                    self._link("Newest", self._asked.newest())
                if found.next is not None:
                    words = "Older" if found.looked_back_to is None else "Look further back"
                    self._link(words, self._asked.older(found.next))
            if not found.items:
                with self._foot:
                    self._nothing(looked=found.looked_back_to is not None)

    def _say(self, looked_back_to: Any) -> None:
        about = in_words(self._asked)
        words = f"Runs {about}, newest first." if about else "All runs, newest first."
        if looked_back_to is not None:
            words += f" Looked through the runs back to {at(looked_back_to)}."
        set_text(self._about, words)

    def _nothing(self, *, looked: bool) -> None:
        if looked:
            empty("None among those looked through.")
        elif self._asked.filters or not self._asked.first:
            empty("No run fits. Take a filter away, or ask for a longer time.")
        else:
            empty("No event has come yet. Send one: segue send --type TYPE --subject NAME --data '{...}'")

    async def _page(self, asked: Asked, limit: int) -> Any:
        filter_ = wanted(asked, now())
        return await self._view.segue.desk.lists.page(self._view.tenant, filter_, asked.before, limit)

    async def _refresh(self) -> None:
        """What happened since: lines change where they stand; new ones come in on top unless somebody reads."""
        if not self._asked.first or not self._view.client.has_socket_connection:
            return
        async with self._turn:
            await self._bring_up_to_date()

    async def _bring_up_to_date(self) -> None:
        asked = self._asked
        newest = await self._view.shared(("runs", asked), lambda: self._page(asked, PAGE))
        found = [row(one) for one in newest.items]
        shown = self._list.ids
        top = self._list.top
        fresh = [one for one in found if one.seq > top]
        if not self._reading.on or not shown:
            if fresh and not shown:
                self._foot.clear()
            self._list.show(found, now())
            self._reading.tell(0)
            return
        known = {one.id: one for one in found}
        missing = [name for name in shown if name not in known]
        late = await self._view.segue.desk.lists.again(self._view.tenant, missing) if missing else []
        self._list.update([*found, *(row(one) for one in late)], now())
        self._reading.tell(len(fresh))
