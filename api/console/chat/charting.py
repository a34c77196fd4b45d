"""A chart of an answer, drawn as bars with its numbers beside them. Start with `draw_chart`."""

from __future__ import annotations

from collections.abc import Mapping

from nicegui import ui

from agent.operating.types import Card
from api.console.chat.making import put
from api.terminal import line


def draw_chart(card: Card) -> None:
    """A list that reads without its bars, too."""
    full, bars = card.detail.get("full"), card.detail.get("bars")
    if not isinstance(full, int | float) or not isinstance(bars, list | tuple):
        return
    with put("figure", "sg-compare"):
        with put("figcaption", "sg-quiet sg-small"):
            ui.label(line(card.title, 160))
        with put("ul"):
            for one in bars:
                if isinstance(one, Mapping):
                    with put("li"):
                        _bar(str(one.get("name")), one.get("value"), str(one.get("words")), float(full))


def _bar(name: str, value: object, words: str, full: float) -> None:
    long = min(1.0, max(0.0, value / full)) if isinstance(value, int | float) and full > 0 else 0.0
    ui.label(line(name, 60)).classes("sg-small")
    with put("div", "sg-rail", aria_hidden="true"):
        put("div", "sg-fill").style(f"width: {100 * long:.1f}%")
    ui.label(line(words, 80)).classes("sg-quiet sg-small")
