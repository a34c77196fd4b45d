"""Lessons with what bears them out; reworded and retired. Start with `LessonsView`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, TypeAlias

from pydantic import ValidationError

from agent.errors import Refused
from api.access import Caller
from api.console.frame import View, button, empty, now, state, when
from api.console.memory.asking import ask
from api.console.memory.lesson_words import borne_out, credit, support
from api.console.memory.telling import done, ended
from api.console.parts import box, fold, link, text
from api.console.run_filter import PATH
from api.console.sent import reason_of
from api.console.words import number
from api.forms import EditLessonForm
from api.mistakes import in_words
from api.terminal import clean, line

PAGE = 20
CASES = 20
VERSIONS = 20
LONGEST_TEXT = 200
Which: TypeAlias = Literal["standing", "retired"]
EMPTY: Mapping[Which, str] = {
    "standing": "None yet: a rule is distilled once enough runs with outcomes bear it out.",
    "retired": "None was retired.",
}


class LessonsView:
    """Of one event type."""

    def __init__(self, view: View, kind: str) -> None:
        self._view = view
        self._kind = kind
        self._which: Which = "standing"
        text("h2", "Lessons")
        self._tabs: dict[Which, Any] = {}
        with box("div", "sg-row sg-tabs").props('role="group" aria-label="Which lessons"'):
            for which in EMPTY:
                self._tabs[which] = button(which.capitalize(), partial(self._choose, which)).classes("sg-slim")
        self._place = box("div", "sg-list").props('aria-live="polite"')
        self._more = box("div", "sg-row sg-maybe")
        self._show_tabs()

    def _show_tabs(self) -> None:
        for which, made in self._tabs.items():
            made.props["aria-pressed"] = "true" if which == self._which else "false"

    async def _choose(self, which: Which) -> None:
        self._which = which
        self._show_tabs()
        await self.load()

    async def load(self, cursor: str | None = None) -> None:
        """Ask, and show from the newest, or go on."""
        found = await self._view.segue.lessons.page(self._view.tenant, self._kind, self._which, cursor, PAGE)
        if cursor is None:
            self._place.clear()
        with self._place:
            if not found.items and cursor is None:
                empty(EMPTY[self._which])
            for lesson in found.items:
                self._lesson(lesson)
        self._more.clear()
        if found.next is not None:
            with self._more:
                button("Show more", partial(self.load, found.next)).classes("sg-slim")

    def _lesson(self, lesson: Mapping[str, Any]) -> None:
        with box("div", "sg-item"):
            state(lesson["state"])
            with box("div", "sg-grow"):
                text("p", clean(lesson["text"])[:400], "sg-strong")
                for words in (support(lesson), borne_out(lesson), credit(lesson)):
                    text("p", words, "sg-quiet sg-small")
                if lesson["reason"]:
                    by = f"{line(lesson['retired_by'], 60)}: " if lesson["retired_by"] else ""
                    text("p", f"{by}{line(lesson['reason'], 300)}", "sg-small")
                fold(f"The latest {number(len(lesson['episodes']))} episodes behind it", partial(self._behind, lesson))
                if lesson["replaces"]:
                    fold("Earlier versions", partial(self._versions, lesson))
            when(lesson["created_at"], now())
            if self._view.may("govern"):
                retired = lesson["state"] == "retired"
                button("Have it again" if retired else "Edit", partial(self._edit, lesson)).classes("sg-slim")
                if not retired:
                    button("Retire", partial(self._retire, lesson)).classes("sg-slim")

    def _behind(self, lesson: Mapping[str, Any]) -> None:
        _later(partial(self._show_behind, lesson))

    async def _show_behind(self, lesson: Mapping[str, Any], place: Any) -> None:
        ids = lesson["episodes"]
        found = await self._view.segue.memories.told(self._view.tenant, ids[:CASES])
        place.clear()
        with place, box("ul", "sg-cases"):
            for one in found:
                with box("li"):
                    link(line(one["subject"], 80), f"{PATH}/{one['id']}")
                    actions = [taken["action"] for taken in one["actions"] if taken["done"]]
                    revoked = "; its source is revoked" if one["revoked"] else ""
                    text("span", f" {done(actions)}; {ended(one['reward'])}{revoked}")
            if len(ids) > CASES:
                text("li", f"and {number(len(ids) - CASES)} more", "sg-quiet")

    def _versions(self, lesson: Mapping[str, Any]) -> None:
        _later(partial(self._show_versions, lesson))

    async def _show_versions(self, lesson: Mapping[str, Any], place: Any) -> None:
        found: list[Mapping[str, Any]] = []
        name = lesson["replaces"]
        while name and len(found) < VERSIONS:
            earlier = await self._view.segue.lessons.show(self._view.tenant, name)
            found.append(earlier)
            name = earlier["replaces"]
        place.clear()
        with place, box("ol", "sg-list"):
            for one in found:
                with box("li", "sg-item"):
                    text("span", f"Version {one['version']}", "sg-quiet sg-small")
                    with box("div", "sg-grow"):
                        text("p", clean(one["text"])[:400])
                        ends = f" Retired by {line(one['retired_by'] or '-', 60)}: {line(one['reason'] or '-', 300)}"
                        text("p", f"{support(one)}{ends}", "sg-quiet sg-small")
                    when(one["created_at"], now())

    def _edit(self, lesson: Mapping[str, Any]) -> None:
        async def save(said: str) -> bool:
            async def work(caller: Caller) -> Any:
                return await self._view.segue.lessons.edit(caller.tenant, lesson["id"], worded(said), by=caller.name)

            return await self._done(work)

        lines = [f"It says: {clean(lesson['text'])[:400]}", "One line; the counts are added, and stay as they are."]
        if lesson["state"] != "active":
            lines.append("It is shown to who decides from then on: you vouch for it.")
        title, verb = "Say the lesson in your words", "Save it"
        words = clean(lesson["words"] or "")[:LONGEST_TEXT]
        ask(self._view, title, verb, save, lines=lines, label="Words", value=words, longest=LONGEST_TEXT)

    def _retire(self, lesson: Mapping[str, Any]) -> None:
        async def retire(said: str) -> bool:
            async def work(caller: Caller) -> Any:
                retiring = self._view.segue.lessons.retire
                return await retiring(caller.tenant, lesson["id"], by=caller.name, reason=reason_of(said))

            return await self._done(work)

        lines = ("It is shown to nobody any more, and neither it nor anything narrower is distilled again.",)
        ask(self._view, "Retire the lesson?", "Retire it", retire, lines=lines)

    async def _done(self, work: Any) -> bool:
        done = await self._view.act("govern", work) is not None
        if done:
            with self._view.client:
                await self.load()
        return done


def worded(said: str) -> str:
    """An operator's words as `POST /v1/memory/lessons/{id}/edit` takes them. Raises `Refused`."""
    try:
        return EditLessonForm(text=said).text
    except ValidationError as error:
        why = in_words(error.errors()[0]["msg"])
        raise Refused(f"{why}. Right: one line of 1 to {LONGEST_TEXT} characters") from error


def _later(show: Any) -> None:
    """Fetched when it is unfolded."""
    from nicegui import ui

    place = box("div")
    with place:
        text("p", "Fetching it ...", "sg-quiet sg-small")
    ui.timer(0, partial(show, place), once=True)
