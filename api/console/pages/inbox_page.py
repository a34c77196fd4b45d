"""Everything that waits for a person, oldest first, and what can be done about it. Start with `register`.

The list is brought up to date line by line, and what is open is never built anew, so that nobody loses the place or
what was typed. No key answers anything: keys only go from line to line and open one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias
from urllib.parse import urlencode

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from agent.errors import NotFound
from agent.store.waits import KINDS, Head, WaitKind, Whose
from api.console.frame import Console, View, button, now, page
from api.console.gate import MOUNT
from api.console.inbox.pane import KINDS as WORDS
from api.console.inbox.pane import Pane
from api.console.inbox.parts import focus, show, text
from api.console.inbox.reading import read_item
from api.console.words import ago, at, number
from api.terminal import line

STEP = 40
"""Lines that are shown at first, and with every wish for more."""
TABS: tuple[tuple[str, str, tuple[WaitKind, ...]], ...] = (
    ("all", "All", KINDS),
    ("approvals", "Approvals", ("call",)),
    ("questions", "Questions", ("question",)),
    ("effects", "Effects in doubt", ("effect",)),
    ("letters", "Dead letters", ("letter",)),
    ("pauses", "Pauses", ("pause",)),
)
WHOSE: tuple[tuple[str, str], ...] = (("all", "Everybody's"), ("mine", "Mine"), ("nobody", "Nobody's"))
LINKS: Mapping[WaitKind, str] = {
    "call": "approval",
    "question": "approval",
    "effect": "effect",
    "letter": "letter",
    "pause": "pause",
}
KEYS = """<script>
(() => {
  let last = -1;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input, textarea, select")) return;
    const rows = [...document.querySelectorAll(".sg-pick")].filter((row) => row.offsetParent !== null);
    const at = rows.indexOf(document.activeElement);
    if (at >= 0) last = at;
    if (event.key === "Escape") { document.getElementById("inbox-back")?.click(); return; }
    const step = { j: 1, k: -1, ...(at >= 0 ? { ArrowDown: 1, ArrowUp: -1 } : {}) }[event.key];
    if (!step || !rows.length) return;
    const open = rows.findIndex((row) => row.getAttribute("aria-current") === "true");
    const from = at >= 0 ? at : open >= 0 ? open : last >= 0 ? Math.min(last, rows.length - 1) - (step > 0) : -1;
    rows[Math.max(0, Math.min(rows.length - 1, from + step))].focus();
    event.preventDefault();
  });
})();
</script>"""


def register(console: Console) -> None:
    """Make the page."""

    @ui.page("/inbox")
    async def show_inbox(
        kind: str = "all", whose: str = "all", approval: str = "", effect: str = "", letter: str = "", pause: str = ""
    ) -> None:
        view = page(console, "/inbox", "Inbox")
        inbox = Inbox(view, kind, whose)
        asked: tuple[tuple[WaitKind, str], ...] = (
            *(("call", approval), ("effect", effect)),
            *(("letter", letter), ("pause", pause)),
        )
        first = next((one for one in asked if one[1]), None)
        if first is not None:
            await inbox.open(*first)
        view.follow(inbox.refresh)


class Inbox:
    """The page of one operator."""

    def __init__(self, view: View, tab: str, whose: str) -> None:
        self._view = view
        self._whose = whose if whose in dict(WHOSE) else "all"
        self._tab = tab if tab in [name for name, _, _ in TABS] else "all"
        self._most = STEP
        self._rows: dict[tuple[WaitKind, str], Row] = {}
        self._open: tuple[WaitKind, str] | None = None
        self._pane: Pane | None = None
        self._kept: dict[tuple[WaitKind, str], tuple[ui.element, Pane]] = {}
        """What was typed into, to come back to."""
        ui.add_body_html(KEYS)
        with ui.element("main").classes("sg-page"):
            text("h1", "Inbox")
            with ui.element("div").classes("sg-row"):
                self._tabs = _tabs("Which kinds to show", [(name, words) for name, words, _ in TABS], self._choose)
                self._holders = _tabs("Whose to show", WHOSE, self._choose_whose)
            self._split = ui.element("div").classes("sg-split")
            with self._split:
                with ui.element("section").classes("sg-card sg-side").props('aria-label="What waits, oldest first"'):
                    self._count = ui.label().classes("sg-quiet sg-small").props('aria-live="polite"')
                    self._list = ui.element("ul").classes("sg-list")
                    self._empty = ui.label().classes("sg-empty")
                    self._more = button("Show more", self._show_more)
                self._place = ui.element("section").classes("sg-card sg-pane").props('aria-label="What is open"')
                with self._place, ui.element("div") as self._invitation:
                    ui.label("Open something to see what is asked and why.").classes("sg-empty")
                    keys = "Keys: j and k go down and up the list, Enter opens, Escape closes."
                    ui.label(keys).classes("sg-quiet sg-small")
        show(self._more, False)

    async def refresh(self) -> None:
        """Bring numbers, lines and what is open up to date."""
        whose = self._wanted(self._whose)
        numbers = await self._view.wait_numbers(whose)
        kinds = next(kinds for name, _, kinds in TABS if name == self._tab)
        found = await self._view.heads(kinds, self._most + 1, whose)
        for name, _, of in TABS:
            _mark(self._tabs[name], sum(numbers[kind] for kind in of), pressed=name == self._tab)
        for name, _ in WHOSE:
            theirs = await self._view.wait_numbers(self._wanted(name))
            _mark(self._holders[name], sum(theirs[kind] for kind in kinds), pressed=name == self._whose)
        self._sync(found[: self._most])
        show(self._more, len(found) > self._most)
        total = sum(numbers[kind] for kind in kinds)
        _say(self._count, f"{number(total)} {'waits' if total == 1 else 'wait'}, oldest first" if total else "")
        _say(self._empty, "" if found else _nothing(self._tab, self._whose, sum(numbers.values())))
        if self._pane is not None:
            await self._pane.check()

    def _wanted(self, whose: str) -> Whose | None:
        if whose == "all":
            return None
        return Whose(name=self._view.session.caller.name if whose == "mine" else None)

    def _sync(self, found: list[Head]) -> None:
        """Take away what waits no more, add what is new, leave the rest where it is."""
        wanted = {(one.kind, one.id): one for one in found}
        for key in [key for key in self._rows if key not in wanted]:
            self._rows.pop(key).place.delete()
        moment = now()
        for index, (key, head) in enumerate(wanted.items()):
            row = self._rows.get(key)
            if row is None:
                with self._list:
                    row = self._rows[key] = Row(head, self.open)
                if index < len(self._rows) - 1:
                    row.place.move(target_index=index)
            row.tell(head, ago(head.since, moment), is_open=key == self._open)

    async def open(self, kind: WaitKind, id: str) -> None:
        """Show it; what was typed into another one is kept for when that is opened again."""
        kept = self._kept.get((kind, id))
        if kept is None:
            try:
                item = await read_item(self._view.segue, self._view.tenant, kind, id)
            except NotFound as error:
                with self._view.client:
                    ui.notify(str(error), type="negative", close_button="Close")
                return
            kept = self._kept.get((item.kind, item.id))
        self._leave()
        if kept is None:
            with self._place:
                place = ui.element("div").classes("sg-opened-item")
            with place:
                kept = place, Pane(self._view, item, close=self._close, forward=self._forward)
        place, self._pane = kept
        self._open = (self._pane.item.kind, self._pane.item.id)
        self._kept[self._open] = kept
        show(place, True)
        self._mark()
        focus(self._pane.title)

    def _leave(self) -> None:
        """Put away what is open."""
        if self._pane is not None and self._open is not None:
            place, pane = self._kept[self._open]
            show(place, False)
            if not pane.touched:
                self._kept.pop(self._open)
                place.delete()
        self._open, self._pane = None, None

    def _mark(self) -> None:
        """Say everywhere what is open."""
        show(self._invitation, self._open is None)
        if self._open is None:
            self._split.classes(remove="sg-opened")
        else:
            self._split.classes("sg-opened")
        for key, row in self._rows.items():
            row.mark(is_open=key == self._open)
        self._address()

    async def _close(self) -> None:
        before = self._rows.get(self._open) if self._open is not None else None
        self._leave()
        self._mark()
        if before is not None:
            focus(before.button)

    async def _forward(self) -> None:
        """To the oldest that waits."""
        await self.refresh()
        left = [key for key in self._rows if key != self._open]
        if left:
            await self.open(*left[0])
        else:
            await self._close()

    async def _choose(self, tab: str) -> None:
        self._tab, self._most = tab, STEP
        self._address()
        await self.refresh()

    async def _choose_whose(self, whose: str) -> None:
        self._whose, self._most = whose, STEP
        self._address()
        await self.refresh()

    async def _show_more(self) -> None:
        self._most += STEP
        await self.refresh()

    def _address(self) -> None:
        """The address that leads back here."""
        chosen = {"kind": self._tab, "whose": self._whose}
        asked = {name: value for name, value in chosen.items() if value != "all"}
        if self._open is not None:
            asked[LINKS[self._open[0]]] = self._open[1]
        with self._view.client:
            ui.navigate.history.replace(f"{MOUNT}/inbox" + (f"?{urlencode(asked)}" if asked else ""))


class Row:
    """One line of the list."""

    def __init__(self, head: Head, act: Callable[[WaitKind, str], Awaitable[None]]) -> None:
        self.place = ui.element("li")
        with self.place:
            self.button = ui.element("button").props('type="button"').classes("sg-pick")
            with self.button:
                with ui.element("span").classes("sg-row"):
                    text("span", WORDS[head.kind]).classes("sg-state sg-wait")
                    self._ago = text("span", "").classes("sg-quiet sg-small sg-right")
                    self._ago.props["title"] = at(head.since)
                text("strong", _headline(head))
                self._says = text("span", "").classes("sg-quiet sg-small")
                self._has = text("span", "").classes("sg-small sg-strong")
            self.button.on("click", lambda: act(head.kind, head.id), args=[])

    def tell(self, head: Head, since: str, *, is_open: bool) -> None:
        """What may have changed."""
        _say(self._ago, since)
        _say(self._says, _line(head))
        _say(self._has, "" if head.assigned is None else f"{line(head.assigned.to, 64)} has it")
        self.mark(is_open=is_open)

    def mark(self, *, is_open: bool) -> None:
        """Whether it is the one that is open."""
        wanted = "true" if is_open else None
        if self.button.props.get("aria-current") != wanted:
            self.button.props.set_optional("aria-current", wanted)


def _headline(head: Head) -> str:
    subject = line(head.subject or "", 60)
    tool = line(head.tool or "", 60)
    match head.kind:
        case "call":
            return f"{tool} for {subject}"
        case "question":
            return f"About {subject}"
        case "effect":
            return f"{tool} for {subject}"
        case "letter":
            return f"{line(head.event_type or '', 60)} about {subject}"
        case "pause":
            return f"{tool or line(head.event_type or '', 60) or 'everything'} is paused"


def _line(head: Head) -> str:
    if head.kind == "pause":
        reason = f", {line(head.says, 100)}" if head.says else ""
        return f"holds {number(head.held)} {'run' if head.held == 1 else 'runs'}{reason}"
    return line(head.says or head.event_type or "", 140)


Tab: TypeAlias = tuple[ui.element, ui.label]
"""A button, and the number on it."""


def _tabs(label: str, tabs: Sequence[tuple[str, str]], act: Callable[[str], Awaitable[None]]) -> dict[str, Tab]:
    """By name."""
    made = {}
    with ui.element("div").classes("sg-row sg-tabs").props('role="group"') as group:
        group.props["aria-label"] = label
        for name, words in tabs:
            one = button(words, partial(act, name))
            with one:
                made[name] = (one, ui.label().classes("sg-badge"))
    return made


def _mark(tab: Tab, count: int, *, pressed: bool) -> None:
    _say(tab[1], number(count) if count else "")
    tab[0].props.set_optional("aria-pressed", "true" if pressed else "false")


def _say(label: TextElement, words: str) -> None:
    """Set it where it has changed, so that nothing is sent for nothing."""
    if label.text != words:
        label.set_text(words)


def _nothing(tab: str, whose: str, waiting: int) -> str:
    if whose == "mine" and not waiting:
        return "You take care of nothing. What can be taken is under Nobody's."
    if whose == "nobody" and not waiting:
        return "Somebody takes care of all that waits."
    if tab != "all" and waiting:
        return "Nothing of this kind waits. Look under All."
    return "Nothing waits for a person. Approvals, questions, effects in doubt, dead letters and pauses turn up here."
