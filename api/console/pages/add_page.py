"""Tools by address: what a service offers, and lines for the portfolio file made of it. Start with `register`.

Nothing is added to the running Segue, which reads its portfolio at its start, and the page says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from agent.errors import Refused
from agent.portfolio.importing import NewTool
from api.access import Caller
from api.arguments import rows_of
from api.console.frame import Console, View, button, empty, heading, page, state
from api.console.importing import SHOWN, Choosing
from api.console.pages.tool_page import LIST
from api.console.parts import box, fold, link, set_text, table, text
from api.console.sent import CHANGED, SENT, fields
from api.console.words import number
from api.terminal import clean, line
from tools.offer import EXAMPLE, LIMITS, Offered, OfferError, read_offer

AT_ONCE = 2
"""Addresses that are asked at the same time, by all who look."""
TICKED = "(event) => emit(event.target.checked)"
TYPED = "(event) => emit(event.target.value)"
COPY = """() => {
  const lines = document.getElementById('import-lines');
  getSelection().selectAllChildren(lines);
  navigator.clipboard?.writeText(lines.textContent);
}"""
LONGEST_ADDRESS = 2_000


def register(console: Console) -> None:
    """Make the page."""
    asking = asyncio.Semaphore(AT_ONCE)

    @ui.page("/portfolio/add")
    async def show() -> None:
        view = page(console, "/portfolio", "Add tools")
        AddPage(view, asking).build()


class AddPage:
    """The open page."""

    def __init__(self, view: View, asking: asyncio.Semaphore) -> None:
        self._view = view
        self._asking = asking
        self._choosing: Choosing | None = None

    def build(self) -> None:
        """The address first; what follows from it comes below."""
        with box("main", "sg-page"):
            with box("div"):
                link("Portfolio", LIST, "sg-small")
                heading("Add tools by address", level=1)
            with box("section", "sg-card"):
                self._ask()
            self._offered = box("section", "sg-maybe").props('aria-label="What it offers"')
            self._lines = box("section", "sg-maybe").props('aria-label="Lines for the portfolio file"')

    def _ask(self) -> None:
        text(
            "p",
            "Segue asks the address for its OpenAPI document and shows what tools it would give. No tool is called, "
            "and nothing is added: you get lines for the portfolio file.",
        )
        if not self._view.may("govern"):
            text("p", "Your key may not: asking another host needs the scope govern.", "sg-note")
            return
        with box("form", "sg-row sg-end") as form:
            with box("div", "sg-grow"):
                text("label", "Address of an OpenAPI document in JSON", "sg-small").props('for="import-address"')
                made = box("input", "sg-field").props(
                    f'id="import-address" name="address" type="text" inputmode="url" autocomplete="off" '
                    f'maxlength="{LONGEST_ADDRESS}" required'
                )
                made.props["placeholder"] = EXAMPLE
            self._look = text("button", "Look at it", "sg-button sg-first").props('type="submit"')
        form.on("submit", self._asked, js_handler=SENT)
        self._wrong = text("p", "", "sg-note sg-bad sg-maybe").props('role="alert"')
        self._busy = text("p", "", "sg-quiet sg-maybe").props('role="status"')

    async def _asked(self, event: GenericEventArguments) -> None:
        address = fields(event).get("address", "").strip()
        self._choosing = None
        self._offered.clear()
        self._lines.clear()
        set_text(self._wrong, "")
        set_text(self._busy, f"Asking {line(address, 120)}, for {LIMITS.timeout_s:g} s at most …")
        self._look.props["disabled"] = True
        try:
            await self._view.act("govern", lambda caller: self._read(address))
        finally:
            set_text(self._busy, "")
            self._look.props["disabled"] = False

    async def _read(self, address: str) -> bool:
        if len(address) > LONGEST_ADDRESS:
            raise Refused(f"the address is longer than {LONGEST_ADDRESS} characters")
        try:
            async with self._asking:
                offer = await read_offer(address)
            self._choosing = await asyncio.to_thread(Choosing.begin, self._view.segue, offer)
        except OfferError as error:
            set_text(self._wrong, clean(error)[:2_000])
            return False
        with self._view.client, self._offered:
            Offers(self._choosing, self._show_lines).build()
        return True

    async def _show_lines(self) -> None:
        await self._view.act("govern", self._make_lines)

    async def _make_lines(self, caller: Caller) -> None:
        if self._choosing is None:
            raise Refused("look at an address first")
        lines, wrong = await asyncio.to_thread(self._choosing.lines)
        self._lines.clear()
        with self._view.client, self._lines, box("div", "sg-card"):
            heading("Lines for the portfolio file")
            if wrong:
                _mistakes(wrong)
                return
            _lines(lines, self._choosing)


def _mistakes(wrong: tuple[str, ...]) -> None:
    with box("div", "sg-note sg-bad").props('role="alert"'):
        text("p", "A portfolio with these lines would not load:")
        with box("ul", "sg-cases"):
            for one in wrong[:50]:
                text("li", clean(one)[:1_000], "sg-lines")


def _lines(lines: str, choosing: Choosing) -> None:
    with box("div", "sg-row").props('role="status"'):
        state("done", "they load")
        text("span", "checked together with the portfolio files as they are now")
    text("pre", lines, "sg-pre").props('id="import-lines" tabindex="0" aria-label="Lines"')
    with box("div", "sg-row"):
        copy = text("button", "Copy", "sg-button sg-first").props('type="button"')
        copy.on("click", js_handler=COPY)
        button("Download", lambda: ui.download.content(lines, f"{choosing.source.name}.yaml"))
    with box("ol", "sg-cases"):
        text("li", "Save them as a file of their own beside the portfolio, or put the entry under 'sources' of yours.")
        text("li", "Name each tool, or its step, under 'allow' of the event types that may call it.")
        text("li", "Look whether all is well: segue doctor --portfolio FILE, once for each file.")
        text("li", "Start Segue again with --portfolio for each file. Until then nothing changes.")


class Offers:
    """The operations of a document, to be ticked and described."""

    def __init__(self, choosing: Choosing, make_lines: Callable[[], Any]) -> None:
        self._choosing = choosing
        self._make_lines = make_lines

    def build(self) -> None:
        """All of them, as far as they fit on a page."""
        offer = self._choosing.offer
        fit = len(self._choosing.proposed)
        with box("div", "sg-card"):
            heading(line(offer.title, 120) or "A service")
            said = f"{number(len(offer.operations))} operations, of which {number(fit)} can be called, at "
            text("p", said + line(offer.base, 200), "sg-quiet")
            if not offer.operations:
                empty("The document has no operations.")
                return
            self._source_form()
            with box("div", "sg-field-box"):
                text("label", "Find an operation", "sg-small").props('for="import-find"')
                find = box("input", "sg-field").props('id="import-find" type="search" autocomplete="off"')
                find.on("input", self._find, js_handler=TYPED, throttle=0.2)
            self._about = text("p", "", "sg-quiet sg-small").props('role="status"')
            self._list = box("ul", "sg-plainlist")
            with box("div", "sg-row"):
                button("Make the lines", self._make_lines, first=True)
        self._show("")

    def _source_form(self) -> None:
        source = self._choosing.source
        with box("form", "sg-filters") as form:
            _field("source-name", "name", "Name of the source", source.name)
            _field("source-owner", "owner", "Owner of all of them", source.owner)
            _field("source-unit", "unit", "Business unit", source.unit)
            _field("source-timeout", "timeout_s", "Seconds for an answer", f"{source.timeout_s:g}")
        form.on("change", lambda event: self._choosing.tell_source(fields(event)), js_handler=CHANGED)
        form.on("submit", js_handler="(event) => event.preventDefault()")

    def _find(self, event: GenericEventArguments) -> None:
        self._show(event.args if isinstance(event.args, str) else "")

    def _show(self, wanted: str) -> None:
        found = self._choosing.found(wanted)
        more = f" The first {SHOWN} are shown; find others by their words." if len(found) > SHOWN else ""
        ticked = len(self._choosing.chosen)
        set_text(self._about, f"{number(len(found))} found, {number(ticked)} taken.{more}")
        self._list.clear()
        with self._list:
            for place in found[:SHOWN]:
                with box("li", "sg-item"):
                    self._operation(place, self._choosing.offer.operations[place])

    def _operation(self, place: int, one: Offered) -> None:
        tool = self._choosing.proposed.get(one.address)
        with box("div", "sg-grow sg-part"):
            with box("div", "sg-option"):
                tick = box("input").props(f'id="take-{place}" type="checkbox"')
                if tool is None:
                    tick.props["disabled"] = True
                if one.address in self._choosing.chosen:
                    tick.props["^checked"] = True
                text("label", line(one.name, 120), "sg-strong").props(f'for="take-{place}"')
                text("span", line(one.address, 200), "sg-mono sg-quiet")
            text("div", clean(one.description)[:400], "sg-quiet sg-small sg-lines")
            if one.parameters is None or tool is None:
                text("div", f"It cannot be called: {line(one.problem or '', 300)}", "sg-wrong sg-small")
                return
            if tool.clash:
                said = f"The name {tool.name} is in use by a {tool.clash}: give this one another name."
                text("div", said, "sg-wrong sg-small")
            rows = [(row.name, row.kind, "yes" if row.needed else "no", row.about) for row in rows_of(one.parameters)]
            head = ("argument", "what it must be", "needed", "what it is")
            what = f"{number(len(rows))} {'argument' if len(rows) == 1 else 'arguments'}" if rows else "no arguments"
            guess = "reads (guessed)" if one.effect == "read" else "changes something (guessed)"
            if rows:
                fold(f"{what}; {guess}", lambda: table(head, rows, label="Arguments"))
            else:
                text("div", f"{what}; {guess}", "sg-quiet sg-small")
            told = box("div", "sg-maybe")
            self._describe(place, one.address, told)
        tick.on("change", lambda event: self._ticked(place, one.address, told, event.args is True), js_handler=TICKED)

    def _ticked(self, place: int, address: str, told: ui.element, wanted: bool) -> None:
        self._choosing.tick(address, wanted)
        told.clear()
        self._describe(place, address, told)
        ticked = len(self._choosing.chosen)
        set_text(self._about, f"{number(ticked)} {'operation is' if ticked == 1 else 'operations are'} taken.")

    def _describe(self, place: int, address: str, told: ui.element) -> None:
        """What the company says of a tool that is taken."""
        tool = self._choosing.chosen.get(address)
        if tool is None:
            return
        with told, box("form", "sg-filters") as form:
            self._fields_of(place, tool)
        form.on("change", lambda event: self._choosing.tell_tool(address, fields(event)), js_handler=CHANGED)
        form.on("submit", js_handler="(event) => event.preventDefault()")

    def _fields_of(self, place: int, tool: NewTool) -> None:
        _field(f"name-{place}", "name", "Name of the tool", tool.name)
        effects = {"read": "only reads", "write": "changes something"}
        _select(f"effect-{place}", "effect", "Effect", effects, tool.effect)
        risks = {"low": "low", "medium": "medium", "high": "high: asks a person"}
        _select(f"risk-{place}", "risk", "Risk", risks, tool.risk)
        steps = {"": "none", **{step: line(step, 60) for step in self._choosing.steps}}
        _select(f"step-{place}", "step", "Step it performs", steps, tool.step or "")
        again = {"no": "no", "yes": "yes: knows a repeated key"}
        _select(f"again-{place}", "idempotent", "May be repeated", again, "yes" if tool.idempotent else "no")


def _field(html_id: str, name: str, label: str, value: str) -> None:
    with box("div", "sg-field-box"):
        text("label", label, "sg-quiet sg-small").props(f'for="{html_id}"')
        made = box("input", "sg-field").props(f'id="{html_id}" name="{name}" type="text" autocomplete="off"')
        made.props["^value"] = value


def _select(html_id: str, name: str, label: str, options: Mapping[str, str], chosen: str) -> None:
    with box("div", "sg-field-box"):
        text("label", label, "sg-quiet sg-small").props(f'for="{html_id}"')
        with box("select", "sg-field").props(f'id="{html_id}" name="{name}"'):
            for value, words in options.items():
                made: ui.element = text("option", words)
                made.props["value"] = value
                if value == chosen:
                    made.props["selected"] = True
