"""A card: title, state, a small detail, a link; redrawn only when it says something else. Start with `CardView`."""

from __future__ import annotations

from nicegui import ui

from api.console.chat.cards import CardSaid
from api.console.chat.making import put
from api.console.frame import state


class CardView:
    """One card of an answer."""

    def __init__(self, said: CardSaid) -> None:
        self._said = said
        self._place = put("li", "sg-mini")
        self._draw()

    def update(self, said: CardSaid) -> None:
        """As it is now; time that passes changes one text, so that the focus stays."""
        if said == self._said:
            return
        same = (said.title, said.state, said.href) == (self._said.title, self._said.state, self._said.href)
        self._said = said
        if same and said.detail:
            self._detail.set_text(said.detail)
            return
        self._place.clear()
        self._draw()

    def _draw(self) -> None:
        said = self._said
        with self._place:
            with put("div", "sg-row"):
                ui.label(said.kind.capitalize()).classes("sg-quiet sg-small")
                if said.state is not None:
                    state(said.state)
            if said.href is None:
                ui.label(said.title).classes("sg-strong")
            else:
                ui.link(said.title, said.href).classes("sg-strong")
            self._detail = ui.label(said.detail).classes("sg-quiet sg-small")
