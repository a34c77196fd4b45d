"""One tool: what the company says of it, what it takes, what it did, and its pause. Start with `register`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from agent.errors import NotFound
from agent.operating.rested import Rested
from agent.operating.tool_use import DAYS, ToolStory, day_by_day, tool_story
from agent.operating.why_not import COUNTED
from agent.store.queries import Shown
from api.access import Caller
from api.arguments import rows_of
from api.console.frame import Console, Part, View, button, empty, missing, now, page, state, when
from api.console.gate import MOUNT
from api.console.parts import as_json, box, facts, fold, link, table, text
from api.console.portfolio_words import calls_by_day, governance, health_of, use_of
from api.console.run_filter import Asked, address
from api.console.sent import LONGEST_REASON, SENT, fields, reason_of
from api.console.trend import Chart
from api.console.words import number, share
from api.terminal import clean, line

LIST = f"{MOUNT}/portfolio"


def register(console: Console) -> None:
    """Make the page."""
    stories: Rested[tuple[str, str], ToolStory] = Rested(lambda key: tool_story(console.segue, *key))

    @ui.page("/portfolio/tools/{name}")
    async def show(name: str) -> None:
        view = page(console, "/portfolio", "Tool")
        if not any(tool["name"] == name for tool in view.segue.tools()):
            says = f"No tool is called {line(name, 80)}. It may have been taken out of the portfolio."
            missing(view, "There is no such tool", says, "Look through the portfolio", LIST)
            return
        ToolPage(view, name, stories).build()


class ToolPage:
    """The open page of a tool that exists."""

    def __init__(self, view: View, name: str, stories: Rested[tuple[str, str], ToolStory]) -> None:
        self._view = view
        self._name = name
        self._stories = stories
        self._paused: bool | None = None

    def build(self) -> None:
        """Show it, and keep up with it."""
        tool = self._tool()
        ui.page_title(f"{line(self._name, 60)} - Segue")
        with box("main", "sg-page"):
            with box("div"):
                link("Portfolio", LIST, "sg-small")
                text("h1", line(self._name, 120))
                text("p", clean(tool["description"])[:2_000], "sg-quiet sg-lines")
                self._health = Part("div")
            self._acts = box("section", "sg-maybe").props('aria-label="Pause and resume"')
            self._figures = Part()
            with box("section", "sg-card"):
                text("h2", "What the company says of it")
                facts(governance(tool))
            with box("section", "sg-card"):
                text("h2", "What it takes")
                _arguments(tool)
        self._view.follow(self._refresh)

    def _tool(self) -> Shown:
        found = next((one for one in self._view.segue.tools() if one["name"] == self._name), None)
        if found is None:
            raise NotFound(f"there is no tool {self._name!r}")
        return found

    async def _refresh(self) -> None:
        view, tool, moment = self._view, self._tool(), now()
        pauses = await view.segue.pauses.list(view.tenant)
        pause = next((one for one in pauses if one["scope"] == "tool" and one["name"] == self._name), None)
        health = health_of(tool, pause, moment)
        self._health.show(health, lambda: _health(*health))
        if (pause is not None) != self._paused:
            self._paused = pause is not None
            self._offer()
        story = await self._stories.of((view.tenant, self._name))
        self._figures.show(story, lambda: _figures(story))

    def _offer(self) -> None:
        """What may be done; built anew only when the pause began or ended, so that nobody loses what they typed."""
        self._acts.clear()
        if not self._view.may("steer"):
            return
        with self._acts:
            if self._paused:
                button("Resume it", self._resume, first=True)
                return
            with box("form", "sg-row sg-end") as form:
                with box("div", "sg-grow"):
                    text("label", "Reason for a pause, if you like", "sg-quiet sg-small").props('for="pause-reason"')
                    box("input", "sg-field").props(
                        f'id="pause-reason" name="reason" maxlength="{LONGEST_REASON}" autocomplete="off"'
                    )
                text("button", "Pause it", "sg-button").props('type="submit"')
            form.on("submit", self._pause, js_handler=SENT)

    async def _pause(self, event: GenericEventArguments) -> None:
        given = fields(event).get("reason")

        async def work(caller: Caller) -> Any:
            reason = reason_of(given)
            return await self._view.segue.pauses.pause(caller.tenant, "tool", self._name, by=caller.name, reason=reason)

        if await self._view.act("steer", work) is not None:
            await self._refresh()

    async def _resume(self) -> None:
        async def work(caller: Caller) -> Any:
            return await self._view.segue.pauses.resume(caller.tenant, "tool", self._name, by=caller.name)

        if await self._view.act("steer", work) is not None:
            await self._refresh()


def _health(status: str, word: str, why: str) -> None:
    with box("div", "sg-row").props('aria-live="polite"'):
        state(status, word)
        if why:
            text("span", why, "sg-small")


def _arguments(tool: Shown) -> None:
    rows = rows_of(tool["parameters"])
    if not rows:
        empty("It takes no arguments.")
        return
    cells = [(row.name, row.kind, "yes" if row.needed else "no", row.about) for row in rows]
    table(("argument", "what it must be", "needed", "what it is"), cells, label="Arguments")
    fold("as JSON Schema", lambda: as_json(tool["parameters"]))


def _figures(story: ToolStory) -> None:
    with box("div", "sg-card"):
        text("h2", "How it does")
        text("p", use_of(story.count))
        if story.days:
            Chart(calls_by_day(story.days, story.now, DAYS))
            fold("day by day", lambda: _days(story))
        link("Runs that asked for it", address(Asked(tool=str(story.tool["name"]))))
    with box("div", "sg-card"):
        text("h2", "Newest failures")
        _failures(story.failures)
    with box("div", "sg-card"):
        text("h2", "Why it was not called")
        _why_not(story)


def _days(story: ToolStory) -> None:
    rows = [
        (f"{at:%Y-%m-%d}", number(day.done + day.bad), number(day.bad), share(day.done, day.done + day.bad))
        for at, day in reversed(day_by_day(story.days, story.now, DAYS))
    ]
    table(("day (UTC)", "calls", "did not succeed", "done"), rows, label="Calls by day")


def _failures(found: Sequence[Shown]) -> None:
    if not found:
        empty(f"None in the last {DAYS} days.")
        return
    moment = now()
    with box("ul", "sg-plainlist"):
        for one in found:
            with box("li", "sg-item"):
                state(one["state"], "in doubt" if one["state"] == "unknown" else "failed")
                with box("div", "sg-grow"):
                    link(f"about {line(one['subject'], 80)}", f"{MOUNT}/runs/{one['run']}")
                    text("div", line(one["error"] or "no reason is known", 300), "sg-quiet sg-small")
                when(one["started_at"], moment)


def _why_not(story: ToolStory) -> None:
    if not story.runs:
        empty("Nothing was decided yet.")
        return
    runs = "run" if story.runs == 1 else "runs"
    text("p", f"Of the latest {number(story.runs)} {runs} it was chosen in {number(story.used)}.")
    with box("ul", "sg-plainlist"):
        for why, count, run in story.why_not:
            with box("li", "sg-row"):
                text("span", f"{number(count)} {'time' if count == 1 else 'times'}: {COUNTED[why]}")
                link("the latest", f"{MOUNT}/runs/{run}", "sg-small")
