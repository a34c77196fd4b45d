"""Where what is remembered came from; revoked and heard again. Start with `SourcesView`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from api.console.frame import View, button, empty, now, state, when
from api.console.memory.revoking import ask_to_revoke
from api.console.parts import box, text
from api.console.words import number
from api.terminal import line

PAGE = 20


class SourcesView:
    """Of all event types."""

    def __init__(self, view: View, changed: Callable[[], Awaitable[None]]) -> None:
        self._view = view
        self._changed = changed
        text("h2", "Where it came from")
        self._place = box("div", "sg-list").props('aria-live="polite"')
        self._more = box("div", "sg-row sg-maybe")

    async def load(self, cursor: str | None = None) -> None:
        """Ask, and show from the first by name, or go on."""
        found = await self._view.segue.sources.list(self._view.tenant, None, cursor, PAGE)
        if cursor is None:
            self._place.clear()
        with self._place:
            if not found.items and cursor is None:
                empty("No event has come yet.")
            for source in found.items:
                self._source(source)
        self._more.clear()
        if found.next is not None:
            with self._more:
                button("Show more", partial(self.load, found.next)).classes("sg-slim")

    def _source(self, source: Mapping[str, Any]) -> None:
        revoked = source["state"] == "revoked"
        with box("div", "sg-item"):
            state("rejected" if revoked else "trusted", "revoked" if revoked else "heard")
            with box("div", "sg-grow"):
                text("p", line(source["source"], 200))
                counts = f"{number(source['episodes'])} episodes, {number(source['outcomes'])} outcomes"
                text("p", counts, "sg-quiet sg-small")
                if source["since"]:
                    did = "revoked" if revoked else "heard again"
                    why = line(source["reason"] or "no reason given", 200)
                    text("p", f"{did} by {line(source['by'], 64)}: {why}", "sg-quiet sg-small")
            if source["since"]:
                when(source["since"], now())
            if self._view.may("govern"):
                asking = partial(ask_to_revoke, self._view, source["source"], self._changed, again=revoked)
                made = button("Hear again" if revoked else "Revoke", asking).classes("sg-slim")
                made.props["aria-label"] = f"{'Hear again' if revoked else 'Revoke'} {line(source['source'], 80)}"
