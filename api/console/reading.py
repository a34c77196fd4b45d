"""Whether somebody reads a live list, so that nothing moves under their hand. Start with `Reading`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from nicegui import ui
from nicegui.events import GenericEventArguments

from api.console.parts import box, text

_SCRIPT = """<script>(() => {
  let reads = false, moved = 0;
  const look = () => {
    const list = document.getElementById('LIST');
    const under = list &&
      (list.contains(document.activeElement) || (Date.now() - moved < 4000 && list.matches(':hover')));
    const found = window.scrollY > 80 || !!under;
    if (found !== reads) { reads = found; emitEvent('reading', found); }
  };
  const soon = () => setTimeout(look, 0);
  for (const name of ['scroll', 'focusin', 'focusout', 'mouseout', 'touchstart'])
    addEventListener(name, soon, {passive: true});
  addEventListener('mousemove', () => { moved = Date.now(); soon(); }, {passive: true});
  setInterval(look, 1000);
  addEventListener('popstate', () => location.reload());
})()</script>"""


def script(list_id: str) -> str:
    """A script that emits `reading` with true or false for the list of that id; and lets Back and Forward work."""
    return _SCRIPT.replace("LIST", list_id)


class Held(Protocol):
    """A list that can say that nothing moves in it."""

    def hold(self, held: bool) -> None:
        """Say whether it is so at present."""


class Reading:
    """Whether the list is read, and a button that says how much is new and waits until the reader wants it."""

    def __init__(self, one: str, many: str, most: int, load: Callable[[], Awaitable[None]]) -> None:
        """`load` shows the list from its beginning; from `most` on, what is new is not counted one by one."""
        self._words = (one, many)
        self._most = most
        self._load = load
        self._told = 0
        self._list: Held | None = None
        self._place = box("div").props('aria-live="polite"')
        self.on = False
        ui.on("reading", self._reads)

    def of(self, held: Held) -> None:
        """The list that is read."""
        self._list = held

    def tell(self, count: int) -> None:
        """So many are new."""
        if count == self._told:
            return
        self._told = count
        self._place.clear()
        if not count:
            return
        one, many = self._words
        words = (
            f"{self._most} new {many} or more" if count >= self._most else f"{count} new {one if count == 1 else many}"
        )
        with self._place:
            made = text("button", words, "sg-button sg-first").props('type="button"')
            made.on("click", self._catch_up, args=[])

    async def _catch_up(self) -> None:
        self.on = False
        ui.run_javascript("document.activeElement?.blur(); window.scrollTo(0, 0)")
        await self._load()

    async def _reads(self, event: GenericEventArguments) -> None:
        self.on = event.args is True
        if self._list is not None:
            self._list.hold(self.on)
