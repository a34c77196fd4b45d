"""What happens now: what waits, today's figures, what is going on, whether all is well. Start with `register`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast
from urllib.parse import urlencode

from nicegui import ui

from agent.operating.rested import Rested
from agent.operating.system import System, system
from agent.store.waits import KINDS, Head, WaitKind
from api.console.frame import Console, Part, View, empty, heading, link, now, page, when
from api.console.gate import MOUNT
from api.console.pages.inbox_page import LINKS
from api.console.pages.now_figures import Figures, States
from api.console.pages.run_list import RunList
from api.console.parts import box, set_text, text
from api.console.run_rows import row
from api.console.system_words import told
from api.console.today import figures
from api.console.trend import Span
from api.console.words import number
from api.terminal import line

IN_FLIGHT, ENDED, OLDEST = 8, 12, 3
"""Lines of each list."""
GOING = ("running", "queued")
OVER = ("done", "waiting", "stopped", "failed", "cancelled")
WAITS: Mapping[WaitKind, tuple[str, str]] = {
    "call": ("approval", "approvals"),
    "question": ("question", "questions"),
    "effect": ("effect in doubt", "effects in doubt"),
    "letter": ("run that failed for good", "runs that failed for good"),
    "pause": ("pause that holds runs", "pauses that hold runs"),
}


def register(console: Console) -> None:
    """Make the page."""
    seen: Rested[str, System] = Rested(lambda tenant: system(console.segue, tenant))

    @ui.page("/")
    async def show() -> None:
        view = page(console, "", "Now")
        NowPage(view, seen).build()


class NowPage:
    """The open page. What is cheap and urgent is followed apart from figures, so that an event is seen at once."""

    def __init__(self, view: View, seen: Rested[str, System]) -> None:
        self._view = view
        self._seen = seen
        self._span: Span = "hours"

    def build(self) -> None:
        """All parts in their order."""
        with box("main", "sg-page"):
            heading("Now", level=1)
            self._waits = Part()
            with box("section").props('aria-label="Today"'):
                with box("div", "sg-row sg-head"):
                    heading("Today")
                    self._spans()
                self._figures = Figures()
                self._counting = text("p", "", "sg-quiet sg-small sg-maybe").props('aria-live="polite"')
                self._figures.say("Being counted …")
            with box("div", "sg-two"):
                with box("div", "sg-stack"):
                    self._runs()
                self._states = States()
        self._view.follow(self._follow_runs)
        self._view.follow(self._follow_figures)

    def _spans(self) -> None:
        with box("div", "sg-row sg-fit").props('role="group" aria-label="What the small charts show"'):
            self._buttons: dict[Span, ui.element] = {}
            for span, words in (("hours", "Last 24 hours"), ("days", "Last 14 days")):
                made = text("button", words, "sg-chip sg-plain").props('type="button"')
                made.on("click", lambda span=span: self._turn(cast("Span", span)), args=[])
                self._buttons[cast("Span", span)] = made
        self._press()

    def _press(self) -> None:
        for span, made in self._buttons.items():
            made.props(f'aria-pressed="{"true" if span == self._span else "false"}"')

    async def _turn(self, span: Span) -> None:
        self._span = span
        self._press()
        await self._follow_figures()

    def _runs(self) -> None:
        with box("section", "sg-card"):
            heading("In flight")
            self._none = text("p", "", "sg-quiet sg-maybe")
            self._flying = RunList("runs-flying", "Queued and running, newest first")
            self._more = box("div", "sg-maybe")
        with box("section", "sg-card"):
            heading("Newest that ended or wait")
            self._empty = box("div", "sg-maybe")
            self._over = RunList("runs-over", "Ended or waiting, newest first")
        with self._more:
            self._rest = link("", f"{MOUNT}/runs?status=queued")
            self._rest.set_visibility(False)

    async def _follow_runs(self) -> None:
        lists, tenant = self._view.segue.desk.lists, self._view.tenant
        flying, over = await self._view.shared(
            "newest runs", lambda: lists.newest(tenant, (GOING, IN_FLIGHT + 1), (OVER, ENDED))
        )
        self._flying.show([row(one) for one in flying[:IN_FLIGHT]], now())
        set_text(self._none, "" if flying else "Nothing is queued or running.")
        self._rest.set_visibility(len(flying) > IN_FLIGHT)
        self._over.show([row(one) for one in over], now())
        nothing = not over and not flying
        if nothing != bool(self._empty.default_slot.children):
            self._empty.clear()
            with self._empty:
                if nothing:
                    empty("No event has come yet. Send one: segue send --type TYPE --subject NAME --data '{...}'")
        await self._follow_waits()

    async def _follow_waits(self) -> None:
        counts = await self._view.wait_numbers()
        heads = await self._view.heads(KINDS, OLDEST) if any(counts.values()) else []
        moment = now()
        shown = (tuple(counts.items()), tuple(heads), moment.replace(second=0, microsecond=0))
        self._waits.show(shown, lambda: _waiting(counts, heads))

    async def _follow_figures(self) -> None:
        trend = await self._view.segue.desk.trends.read(self._view.tenant)
        seen = await self._seen.of(self._view.tenant)
        self._figures.show(figures(trend, seen, self._span))
        set_text(self._counting, "" if trend.whole else "Earlier days are still being counted.")
        self._states.show(told(seen))


def _waiting(counts: Mapping[WaitKind, int], heads: Sequence[Head]) -> None:
    with box("div", "sg-card"):
        heading("Waits for a person")
        if not any(counts.values()):
            empty("Nothing. Approvals, questions, unknown effects and runs that failed for good turn up here.")
            return
        with box("div", "sg-row").props('aria-live="polite"'):
            for kind, count in counts.items():
                if count:
                    ui.label(f"{number(count)} {WAITS[kind][count > 1]}")
            link("Open the inbox", f"{MOUNT}/inbox")
        with box("ol", "sg-list").props('aria-label="Longest waiting"'):
            for head in heads:
                with box("li", "sg-item"):
                    with box("div", "sg-grow"):
                        link(head_in_words(head), f"{MOUNT}/inbox?{urlencode({LINKS[head.kind]: head.id})}")
                    when(head.since, now())


def head_in_words(head: Head) -> str:
    """What waits, about whom."""
    what = {
        "call": f"Approval of {line(head.tool or '', 60)}",
        "question": f"Question: {line(head.says, 100)}",
        "effect": f"{line(head.tool or '', 60)} in doubt",
        "letter": f"Failed for good: {line(head.says, 100)}",
        "pause": f"Paused: {line(head.id, 80)}, {number(head.held)} {'run' if head.held == 1 else 'runs'} held",
    }[head.kind]
    return f"{what}, about {line(head.subject, 60)}" if head.subject else what
