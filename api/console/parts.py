"""Pieces that pages are made of: text in any tag, links, tables, foldable parts. Start with `text`.

All of them take foreign text as text: it is never read as HTML, and never as NiceGUI's own notation of properties.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from api.terminal import clean

LONGEST = 100_000
"""Characters of one text; more would make a page slow."""


def text(tag: str, words: str, classes: str = "") -> TextElement:
    """Words in an element of that tag."""
    made = TextElement(tag=tag, text=words)
    return made.classes(classes) if classes else made


def box(tag: str, classes: str = "") -> ui.element:
    """An element to put others in."""
    made = ui.element(tag)
    return made.classes(classes) if classes else made


def set_text(element: TextElement, words: str) -> None:
    """Change the words; nothing is sent where they are the same."""
    if element.text != words:
        element.set_text(words)


def set_prop(element: ui.element, name: str, value: str) -> None:
    """Change an attribute; nothing is sent where it is the same."""
    if element.props.get(name) != value:
        element.props[name] = value


def link(words: str, address: str, classes: str = "") -> ui.element:
    """To a page of the console."""
    made = text("a", words, classes)
    made.props["href"] = address
    return made


def titled(element: ui.element, title: str) -> ui.element:
    """With a text that shows when one points at it."""
    element.props["title"] = title
    return element


def table(head: Sequence[str], rows: Iterable[Sequence[str]], marked: Sequence[bool] = (), label: str = "") -> None:
    """A table that scrolls by itself where it is wider than the page; `marked` rows stand out."""
    with box("div", "sg-scroll").props('tabindex="0" role="region"') as around:
        around.props["aria-label"] = label or "Table"
        with box("table", "sg-table"):
            with box("thead"), box("tr"):
                for one in head:
                    text("th", one).props('scope="col"')
            with box("tbody"):
                for number, row in enumerate(rows):
                    with box("tr", "sg-chosen" if number < len(marked) and marked[number] else ""):
                        for cell in row:
                            text("td", cell)


def facts(pairs: Iterable[tuple[str, str]]) -> None:
    """Names and their values."""
    with box("dl", "sg-facts"):
        for name, value in pairs:
            text("dt", name)
            text("dd", value)


def fold(summary: str, build: Callable[[], None], *, opened: bool = False) -> None:
    """A part to open; what is in it is made when it is opened first."""
    with box("details", "sg-fold") as made:
        text("summary", summary)
        inside = box("div")
    if opened:
        made.props["open"] = True
        with inside:
            build()
        return

    def toggle() -> None:
        if not inside.default_slot.children:
            with inside:
                build()

    made.on("toggle", toggle, args=[])


def as_json(value: object) -> None:
    """A value as it is, indented."""
    written = clean(json.dumps(value, ensure_ascii=False, indent=2, default=str))
    cut = written if len(written) <= LONGEST else f"{written[:LONGEST]}\n… ({len(written):,} characters in all)"
    text("pre", cut, "sg-pre").props('tabindex="0"')
