"""One run, told as a story, with what a person can do about it. Start with `register`, then `RunPage`."""

from __future__ import annotations

from collections.abc import Hashable

from nicegui import ui

from agent.errors import NotFound
from agent.store.queries import Shown
from agent.store.runs import OPEN
from api.console.frame import Console, View, missing, now, page
from api.console.pages.run_acts import RunActs
from api.console.pages.run_steps import Steps
from api.console.pages.run_why import WhyNot
from api.console.parts import as_json, box, fold, link, set_text, text
from api.console.run_filter import PATH, Asked, address
from api.console.run_story import Told, look, story
from api.console.theme import STATES
from api.console.words import ago, at, moment_of, span
from api.routes.runs import known_form
from api.terminal import line


def register(console: Console) -> None:
    """Make the page."""

    @ui.page("/runs/{run}")
    async def show(run: str) -> None:
        view = page(console, "/runs", "Run")
        try:
            told = await look(view.segue, view.tenant, known_form("run", run))
        except NotFound:
            says = f"No run has the id {line(run, 80)}. It may have been pruned, or the link is cut or mistyped."
            missing(view, "There is no such run", says, "Look through all runs", PATH)
            return
        RunPage(view, told).build()


class RunPage:
    """The open page of a run that exists."""

    def __init__(self, view: View, told: Told) -> None:
        self._view = view
        self._told = told
        self._name = str(told.run["id"])
        self._mark: Hashable = None

    def build(self) -> None:
        """Show it, and keep up with it."""
        run = self._told.run
        event = run["event"]
        ui.page_title(f"{line(event['type'], 60)} about {line(event['subject'], 60)} - Segue")
        with box("main", "sg-page"):
            with box("div"):
                link("All runs", PATH, "sg-small")
                text("h1", f"{line(event['type'], 120)} about {line(event['subject'], 120)}")
                self._head(run)
            self._acts = RunActs(self._view, self._name, self._look_again)
            with box("section", "sg-card").props('aria-label="Story"'):
                text("h2", "What happened")
                self._steps = Steps(self._view, self._acts)
            with box("section", "sg-card").props('aria-label="Why not"'):
                WhyNot(self._view, self._told)
            self._acts.judging()
            with box("section", "sg-card").props('aria-label="As JSON"'):
                fold("The whole run as JSON", lambda: as_json(self._told.run))
        self._show()
        self._view.follow(self._refresh)

    def _head(self, run: Shown) -> None:
        subject = str(run["event"]["subject"])
        with box("div", "sg-row"):
            self._state = text("span", "", "sg-state").props('role="status"')
            self._when = text("span", "", "sg-quiet sg-small")
            self._when.props["title"] = at(moment_of(run["created_at"]))
            self._by = text("span", "", "sg-quiet sg-small")
            text("span", self._name, "sg-quiet sg-mono")
            link("All of this subject", address(Asked(subject=subject)), "sg-small")

    async def _look_again(self) -> None:
        """After an act of this page."""
        self._mark = None
        await self._refresh()

    async def _refresh(self) -> None:
        try:
            mark = await self._view.segue.desk.lists.mark(self._name)
            if mark != self._mark:
                self._told = await look(self._view.segue, self._view.tenant, self._name)
                self._mark = mark
        except NotFound:
            self._acts.gone()
            return
        self._show()

    def _show(self) -> None:
        run, moment = self._told.run, now()
        began = moment_of(run["created_at"])
        if self._state.text != run["status"]:
            self._state.classes(remove=STATES.get(self._state.text, ""), add=STATES.get(run["status"], ""))
            set_text(self._state, run["status"])
        closed = run["closed_at"]
        took = "" if closed is None else f", took {span(max(0.0, (moment_of(closed) - began).total_seconds()))}"
        set_text(self._when, f"began {ago(began, moment)}{took}")
        set_text(self._by, f"decided by {line(run['decided_by'], 60)}" if run["decided_by"] else "")
        self._acts.show(open_=run["status"] in OPEN and not run["cancelled_by"], judged=bool(run["decisions"]))
        self._steps.show(story(self._told), moment)
