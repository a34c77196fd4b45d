"""Today's figures and the state of things on the page Now, changed where they stand. Start with `Figures`.

With many events they change at every beat, on every open page: to make their elements anew each time would take more
of the server than the events themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from api.console.frame import Part, empty, heading, link
from api.console.parts import box, set_text, text
from api.console.system_words import PARTS, Told
from api.console.theme import STATES
from api.console.today import Figure
from api.console.trend import Chart


class Figures:
    """A card for each figure."""

    def __init__(self) -> None:
        self._part = Part("div")
        self._cards: list[_Card] = []

    def say(self, words: str) -> None:
        """While there are no figures yet."""
        self._part.show(words, lambda: empty(words))

    def show(self, found: Sequence[Figure]) -> None:
        """Exactly these."""
        self._part.show([(one.what, one.address, one.series is None) for one in found], lambda: self._build(found))
        for card, one in zip(self._cards, found, strict=True):
            card.show(one)

    def _build(self, found: Sequence[Figure]) -> None:
        with box("div", "sg-grid sg-narrow"):
            self._cards = [_Card(one) for one in found]


class _Card:
    """One figure; what it is, and where it leads, stay."""

    def __init__(self, one: Figure) -> None:
        with box("div", "sg-card sg-figures"):
            if one.address is None:
                text("div", one.what, "sg-quiet sg-small")
            else:
                link(one.what, one.address).classes("sg-small")
            self._figure = text("div", one.figure, "sg-figure")
            self._note = text("div", one.note, "sg-quiet sg-small")
            self._more = text("div", one.more, "sg-quiet sg-small sg-maybe")
            self._chart = None if one.series is None else Chart(one.series)

    def show(self, one: Figure) -> None:
        for element, words in ((self._figure, one.figure), (self._note, one.note), (self._more, one.more)):
            set_text(element, words)
        if self._chart is not None and one.series is not None:
            self._chart.show(one.series)


class States:
    """Whether all is well, by part."""

    def __init__(self) -> None:
        self._part = Part()
        self._lines: list[Part] = []

    def show(self, found: Sequence[Told]) -> None:
        """Exactly these, those of a part in their order."""
        ordered = [one for part in PARTS for one in found if one.part == part]
        self._part.show([one.part for one in ordered], lambda: self._build(ordered))
        for line, one in zip(self._lines, ordered, strict=True):
            line.show(one, partial(_line, one))

    def _build(self, ordered: Sequence[Told]) -> None:
        self._lines = []
        with box("div", "sg-card"):
            heading("Is all well?")
            for part in PARTS:
                text("h3", part)
                with box("ul", "sg-plainlist"):
                    self._lines += [Part("li", "sg-told-state") for one in ordered if one.part == part]


def _line(one: Told) -> None:
    text("span", one.word, f"sg-state {STATES.get(one.state, '')}")
    with box("div", "sg-grow"):
        if one.address is None:
            text("div", one.says)
        else:
            link(one.says, one.address)
        if one.more:
            text("div", one.more, "sg-quiet sg-small")
