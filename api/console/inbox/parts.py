"""Pieces of the inbox's page. Texts from outside are only ever texts of elements. Start with `Box` and `facts`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from api.console.schema_form import plain_json, pretty
from tools.arguments import MAX_BYTES
from tools.types import JsonValue

TYPED = "(event) => emit(event.target.value)"


def text(tag: str, words: str) -> TextElement:
    """An element with nothing but text in it."""
    return TextElement(tag=tag, text=words)


def focus(element: ui.element) -> None:
    """Move the focus to it once it is on the page."""
    element.client.run_javascript(f"requestAnimationFrame(() => document.getElementById('{element.html_id}')?.focus())")


def show(element: ui.element, wanted: bool) -> None:
    """Show it, or take it out of sight and of the order of focus."""
    element.classes(remove="sg-hidden") if wanted else element.classes("sg-hidden")


def exactly(value: JsonValue) -> str:
    """A value whole, so that it reads as what it is: plain text as it stands, anything else as JSON."""
    if isinstance(value, str) and value and all(char.isprintable() or char == "\n" for char in value):
        return value
    if isinstance(value, str | list | dict):
        return plain_json(json.dumps(value, ensure_ascii=False)) if not isinstance(value, dict) else pretty(value)
    return json.dumps(value)


def facts(rows: Sequence[tuple[str, str, str]]) -> None:
    """Names, what they are, and a note on it."""
    with ui.element("dl").classes("sg-facts"):
        for name, value, note in rows:
            text("dt", name)
            with ui.element("dd"):
                ui.label(value).classes("sg-exact")
                if note:
                    ui.label(note).classes("sg-quiet sg-small")


class Asked:
    """Something to be typed or chosen, with its name, a hint, and what is wrong with it."""

    def __init__(self, label: str, tag: str, *, hint: str, typed: str, changed: Callable[[], None] | None) -> None:
        self.first = self.typed = typed
        self._changed = changed
        with ui.element("div").classes("sg-asked"):
            named = text("label", label)
            if hint:
                ui.label(hint).classes("sg-quiet sg-small")
            self.input = ui.element(tag).classes("sg-field")
            named.props["for"] = self.input.html_id
            self._wrong = ui.label().classes("sg-wrong")
        self.input.props["aria-describedby"] = self._wrong.html_id

    def _take(self, typed: object) -> None:
        self.typed = str(typed)
        self.wrong(())
        if self._changed is not None:
            self._changed()

    @property
    def touched(self) -> bool:
        """Whether it is not as it was."""
        return self.typed != self.first

    def wrong(self, messages: Sequence[str]) -> None:
        """Say what is wrong, to eyes and to screen readers; nothing takes it away."""
        told = "\n".join(messages)
        if self._wrong.text == told:
            return
        self._wrong.set_text(told)
        self.input.props.set_optional("aria-invalid", "true" if messages else None)


class Box(Asked):
    """A text."""

    def __init__(
        self,
        label: str,
        *,
        hint: str = "",
        typed: str = "",
        lines: bool = False,
        numeric: bool = False,
        changed: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(label, "textarea" if lines else "input", hint=hint, typed=typed, changed=changed)
        if lines:
            self.input.props["rows"] = min(12, max(2, typed.count("\n") + 1))
        else:
            self.input.props["type"] = "text"
        if numeric:
            self.input.props["inputmode"] = "decimal"
        # Not `value`, which would be put back whenever the page is drawn anew.
        self.input.props["defaultValue"] = typed
        self.input.props["maxlength"] = MAX_BYTES
        self.input.props["autocomplete"] = "off"
        self.input.on("input", lambda event: self._take(event.args), js_handler=TYPED)

    def freeze(self) -> None:
        """Leave what was typed, to be read and copied."""
        self.input.props["readonly"] = True


class Pick(Asked):
    """One of a few values; `choices` are what is sent, and its words."""

    def __init__(
        self,
        label: str,
        choices: Sequence[tuple[str, str]],
        *,
        hint: str = "",
        typed: str = "",
        changed: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(label, "select", hint=hint, typed=typed, changed=changed)
        with self.input:
            for sent, words in choices:
                option = text("option", words)
                option.props["value"] = sent
                option.props["defaultSelected"] = sent == typed
        self.input.on("change", lambda event: self._take(event.args), js_handler=TYPED)

    def freeze(self) -> None:
        """Leave what was chosen."""
        self.input.props["disabled"] = True
