"""Episodes that were chosen on the map: how they ended, what can be done about them. Start with `ChosenView.choose`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from api.access import Caller
from api.console.frame import View, button, empty, now, when
from api.console.memory.revoking import ask_to_revoke
from api.console.memory.telling import HEAD, MOST_GROUPS, Group, by_action, by_source, done, ended, in_words
from api.console.parts import box, fold, link, table, text
from api.console.run_filter import PATH, Asked, address
from api.console.words import number
from api.terminal import line

PAGE = 8
FORGOTTEN = ("old", "harmful", "unused")


class ChosenView:
    """Beside the map."""

    def __init__(self, view: View, kind: str, changed: Callable[[], Awaitable[None]]) -> None:
        self._view = view
        self._kind = kind
        self._changed = changed
        self._points: Sequence[Mapping[str, Any]] = ()
        self._place = box("section", "sg-stack").props('aria-label="Chosen episodes" aria-live="polite"')
        self.show(())

    def show(self, points: Sequence[Mapping[str, Any]]) -> None:
        """What they have in common; each one by itself is told by `choose`."""
        self._points = points
        self._place.clear()
        with self._place:
            text("h3", _title(len(points)))
            if not points:
                empty("Draw around episodes or click one, and they are told here.")
                return
            text("p", in_words(points), "sg-small")
            _groups("By what was done", "action", by_action(points))
            sources = by_source(points)
            _groups("By source", "source", sources)
            self._acts(sources)
            self._list = box("div", "sg-list")
            self._more = box("div", "sg-row sg-maybe")

    async def choose(self, points: Sequence[Mapping[str, Any]]) -> None:
        """Tell these."""
        self.show(points)
        await self._tell(0)

    def _acts(self, sources: Sequence[Group]) -> None:
        with box("div", "sg-row"):
            if len(sources) > 1:
                text("p", f"They came from {number(len(sources))} sources.", "sg-quiet sg-small")
                return
            (only,) = (one.name for one in sources)
            link("All runs of this type from it", address(Asked(type=self._kind, source=only)), "sg-small")
            if self._view.may("govern"):
                asking = partial(ask_to_revoke, self._view, only, self._changed)
                button("Revoke their source", asking).classes("sg-slim sg-danger")

    async def _tell(self, first: int) -> None:
        """A page of them, one by one."""
        ids = [point["episode"] for point in self._points[first : first + PAGE]]
        found = await self._view.segue.memories.told(self._view.tenant, ids) if ids else []
        if not ids or ids[0] != self._points[first]["episode"]:
            return
        with self._list:
            for one in found:
                self._line(one)
        self._more.clear()
        left = len(self._points) - first - PAGE
        if left > 0:
            with self._more:
                button(f"Show more of {number(left)}", partial(self._tell, first + PAGE)).classes("sg-slim")

    def _line(self, one: Mapping[str, Any]) -> None:
        with box("div", "sg-item"):
            with box("div", "sg-grow"):
                link(line(one["subject"], 80), f"{PATH}/{one['id']}")
                text("p", line(one["text"], 160), "sg-small")
                actions = [taken["action"] for taken in one["actions"] if taken["done"]]
                text("p", f"{done(actions)}; {ended(one['reward'])}", "sg-quiet sg-small")
                tidied = one["tidied"]
                if tidied is not None and tidied["why"]:
                    text("p", f"Forgotten or gathered: {line(tidied['why'], 200)}", "sg-quiet sg-small")
            if tidied is not None and tidied["state"] in FORGOTTEN and self._view.may("govern"):
                button("Keep it", partial(self._keep, one["id"])).classes("sg-slim")
            when(one["closed_at"], now())

    async def _keep(self, episode: str) -> None:
        async def work(caller: Caller) -> Any:
            return await self._view.segue.housekeeping.keep(caller.tenant, episode, by=caller.name)

        if await self._view.act("govern", work) is not None:
            await self.choose(self._points)


def _title(count: int) -> str:
    if not count:
        return "Nothing is chosen"
    return "1 episode is chosen" if count == 1 else f"{number(count)} episodes are chosen"


def _groups(words: str, name: str, groups: Sequence[Group]) -> None:
    def build() -> None:
        table((name, *HEAD), [one.cells() for one in groups[:MOST_GROUPS]], label=words)
        if len(groups) > MOST_GROUPS:
            text("p", f"and {number(len(groups) - MOST_GROUPS)} more", "sg-quiet sg-small")

    fold(words, build, opened=True)
