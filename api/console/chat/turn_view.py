"""One question and its answer on the page, growing as it is made. Start with `TurnView`."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from nicegui import ui

from agent.operating.types import Asks, Over, Wrote
from agent.thumbs import Thumb
from api.console.chat.card_view import CardView
from api.console.chat.cards import MOST, Known, card_said
from api.console.chat.charting import draw_chart
from api.console.chat.confirming import ConfirmView
from api.console.chat.making import put, quoted, words
from api.console.chat.steps import StepsView
from api.console.chat.thumbing import ThumbView
from api.console.chat.turns import Turn
from api.console.frame import button, when
from api.terminal import clean, line

FILL_IN = re.compile(r"\b(RUN|KEY|NAME)\b")
"""What a suggestion leaves to be filled in."""


@dataclass(frozen=True, kw_only=True)
class Acts:
    """What can be done from an answer."""

    ask: Callable[[str], Awaitable[None]]
    confirm: Callable[[Turn, str, bool], Awaitable[None]]
    judge: Callable[[Turn, Thumb, str], Awaitable[None]]
    judges: bool
    """Whether whoever looks may judge runs."""


class TurnView:
    """Shows one turn."""

    def __init__(self, turn: Turn, acts: Acts, now: datetime) -> None:
        self.turn = turn
        self._acts = acts
        self._seen = 0
        self._confirms: list[ConfirmView] = []
        self._cards: dict[tuple[str, str], CardView] = {}
        self._thumbs: ThumbView | None = None
        self._suggested: tuple[str, ...] = ()
        self._charted = 0
        with put("article", "sg-turn") as self.place:
            with put("div", "sg-mine"):
                with put("h2", "sg-question"):
                    ui.label(clean(turn.question)).classes("sg-inline")
                when(turn.at, now)
            with put("div", "sg-reply"):
                self._steps = StepsView()
                self._confirming = put("div", "sg-stack")
                self._words = put("div", "sg-stack", aria_live="polite")
                self._status = ui.label("").classes("sg-quiet")
                self._status.props["role"] = "status"
                self._charts = put("div", "sg-stack")
                self._listed = put("ul", "sg-minis")
                self._more = ui.label("").classes("sg-quiet sg-small")
                self._judging = put("div")
                self._next = put("div", "sg-row")
        self._listed.set_visibility(False)
        self._more.set_visibility(False)

    def update(self, known: Known, now: datetime, *, last: bool) -> None:
        """Show what has come since; `last` is the newest turn, the only one that suggests questions."""
        for event in self.turn.events[self._seen :]:
            self._steps.take(event)
            match event:
                case Asks():
                    self._ask(event)
                case Wrote():
                    with self._words:
                        words(event.text, others=self.turn.no_runs)
                case Over(state="failed"):
                    with self._words:
                        ui.label(f"That could not be answered: {line(event.detail, 600)}").classes("sg-failed")
                case _:
                    pass
        self._seen = len(self.turn.events)
        for confirm in self._confirms:
            confirm.update(now)
        self._say()
        self._show_cards(known, now)
        self._show_thumbs()
        self._suggest(self.turn.suggestions if last and self.turn.state == "over" else ())
        if not last:
            self._steps.fold()

    def _ask(self, event: Asks) -> None:
        name = event.confirmation.id

        async def answers(given: str, yes: bool) -> None:
            await self._acts.confirm(self.turn, given, yes)

        with self._confirming:
            self._confirms.append(ConfirmView(self.turn.asked[name], answers))

    def _say(self) -> None:
        turn, told = self.turn, ""
        if turn.state == "answering":
            told = "Looking it up…" if not any(one.sent for one in turn.asked.values()) else "Doing what was confirmed…"
        elif turn.in_doubt:
            told = "It was broken off while what you confirmed was being done; look at its run to see whether it was."
        elif turn.state == "stopped":
            told = "Stopped."
        if self._status.text != told:
            self._status.set_text(told)
        self._status.set_visibility(bool(told))

    def _show_cards(self, known: Known, now: datetime) -> None:
        charts = [card for card in self.turn.cards if card.kind == "chart"]
        with self._charts:
            for card in charts[self._charted :]:
                draw_chart(card)
        self._charted = len(charts)
        cards = [card for card in self.turn.cards if card.kind != "chart"]
        for card in cards[:MOST]:
            said, shown = card_said(card, known, now), self._cards.get((card.kind, card.id))
            if shown is not None:
                shown.update(said)
                continue
            with self._listed:
                self._cards[card.kind, card.id] = CardView(said)
        self._listed.set_visibility(bool(cards))
        left = len(cards) - MOST
        if left > 0:
            self._more.set_text(f"And {left} more.")
        self._more.set_visibility(left > 0)

    def _show_thumbs(self) -> None:
        turn = self.turn
        if self._thumbs is None and turn.state == "over" and turn.about is not None and self._acts.judges:

            async def says(which: Thumb, reason: str) -> None:
                await self._acts.judge(turn, which, reason)

            with self._judging:
                self._thumbs = ThumbView(turn, says)
        if self._thumbs is not None:
            self._thumbs.update()

    def _suggest(self, suggestions: tuple[str, ...]) -> None:
        if suggestions == self._suggested:
            return
        self._suggested = suggestions
        self._next.clear()
        with self._next:
            for one in suggestions:
                suggested(one, self._acts.ask)


def suggested(question: str, ask: Callable[[str], Awaitable[None]]) -> None:
    """A button that asks this; one with something to fill in is put into the field instead."""

    async def act() -> None:
        if FILL_IN.search(question):
            fill(question)
        else:
            await ask(question)

    button(line(question, 200), act).classes("sg-slim")


def fill(text: str) -> None:
    """Put a text into the field, unsent."""
    ui.run_javascript(f"sgChat.fill({quoted(text)})")


def taken(text: str) -> None:
    """Clear the field of what was sent."""
    ui.run_javascript(f"sgChat.taken({quoted(text)})")
