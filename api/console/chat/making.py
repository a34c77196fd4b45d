"""Small parts of the chat's page. Text that comes in here is shown as text. Start with `put`."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from api.console.chat.linking import pieces


def put(tag: str, classes: str = "", **attributes: str) -> ui.element:
    """An element; `aria_label="..."` is written `aria-label`."""
    made = ui.element(tag)
    if classes:
        made.classes(classes)
    for name, value in attributes.items():
        made.props[name.rstrip("_").replace("_", "-")] = value
    return made


def words(text: str, classes: str = "sg-words", others: Collection[str] = ()) -> None:
    """Text as it is, its lines kept, ids of runs as links."""
    with put("div", classes):
        for piece in pieces(text, others):
            if piece.href is None:
                ui.label(piece.text).classes("sg-inline")
            else:
                ui.link(piece.text, piece.href).classes("sg-mono")


def later(summary: str, value: Callable[[], Any]) -> ui.element:
    """A folded value as JSON, sent to the page only once somebody unfolds it."""
    fold = put("details", "sg-fold")
    with fold:
        with put("summary"):
            ui.label(summary).classes("sg-inline")
        place = put("div")

    def fill(_: GenericEventArguments) -> None:
        if place.default_slot.children:
            return
        with place:
            ui.label(json.dumps(value(), indent=2, ensure_ascii=True, default=dict)).classes("sg-code")

    fold.on("toggle", fill, args=[])
    return fold


def said(event: GenericEventArguments) -> str:
    """The one text an event brings."""
    args = event.args[0] if isinstance(event.args, list) and event.args else event.args
    return args if isinstance(args, str) else ""


def quoted(text: str) -> str:
    """As a string of JavaScript in which nothing can end it; plain ASCII."""
    return json.dumps(text)


def refocus() -> None:
    """Put the focus back into the field."""
    ui.run_javascript("sgChat.focus()")
