"""Episodes like a text. Start with `SearchView`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nicegui.events import GenericEventArguments

from agent.errors import NotFound
from api.console.frame import View, empty
from api.console.memory.telling import done
from api.console.parts import box, link, text
from api.console.run_filter import PATH
from api.console.sent import SENT, fields
from api.terminal import line
from memory.recall import MemoryUnavailable

FOUND = 10
LONGEST = 2_000


class SearchView:
    """In one event type."""

    def __init__(self, view: View, kind: str) -> None:
        self._view = view
        self._kind = kind
        text("h2", "Search")
        with box("form", "sg-filters").props('role="search"') as form:
            with box("div", "sg-field-box sg-across"):
                text("label", "Episodes like this text", "sg-quiet sg-small").props('for="memory-search"')
                box("input", "sg-field").props(f'id="memory-search" name="text" type="search" maxlength="{LONGEST}"')
            text("button", "Search", "sg-button sg-first").props('type="submit"')
        form.on("submit", self._look, js_handler=SENT)
        self._place = box("div", "sg-list").props('aria-live="polite"')

    async def _look(self, event: GenericEventArguments) -> None:
        words = fields(event).get("text", "").strip()[:LONGEST]
        self._place.clear()
        if not words:
            return
        try:
            found = await self._view.segue.memories.search(self._view.tenant, self._kind, words, FOUND)
        except (MemoryUnavailable, NotFound) as error:
            with self._place:
                empty(f"Memory cannot be asked now: {error}")
            return
        with self._place:
            for one in found:
                _line(one)
            if not found:
                empty("No episode is like it.")


def _line(one: Mapping[str, Any]) -> None:
    with box("div", "sg-item"):
        text("span", f"{100 * one['similarity']:.0f} % alike", "sg-quiet sg-small")
        with box("div", "sg-grow"):
            link(f"{line(one['subject'], 80)}: {line(one['text'], 160)}", f"{PATH}/{one['id']}")
            text("p", done([taken["action"] for taken in one["actions"] if taken["done"]]), "sg-quiet sg-small")
        for goal, reward in one["rewards"].items():
            text("span", f"{line('thumb' if goal == '*' else goal, 40)} {reward:.2f}", "sg-small")
