"""The arguments of one call as a form on the page. Start with `ArgumentForm`."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from api.console.inbox.parts import Box, Pick, exactly, facts, focus
from api.console.schema_form import WHOLE, Absent, Field, Filled, Form, checked
from api.terminal import line
from tools.types import JsonObject

LONGEST_CHANGE = 80


class ArgumentForm:
    """Fields for what may be edited; what is bound stands above them as it is. Never built anew."""

    def __init__(self, form: Form, *, missing: tuple[str, ...] = (), changed: Callable[[], None] | None = None) -> None:
        """`missing` are arguments that could not be found; `changed` is called at every keystroke."""
        self._form = form
        with ui.element("div").classes("sg-form"):
            if form.kept:
                note = "the event's own, it cannot be changed"
                facts([(line(name, 80), exactly(value), note) for name, value in form.kept.items()])
            self._fields = {one.name: _field(one, one.name in missing, changed) for one in form.fields}
            self._rest = ui.label().classes("sg-wrong").props('role="alert"')

    @property
    def typed(self) -> dict[str, str]:
        """What was typed, by field."""
        return {name: one.typed for name, one in self._fields.items() if one.touched}

    @property
    def touched(self) -> bool:
        """Whether anything is not as it was."""
        return bool(self.typed)

    def read(self) -> JsonObject | None:
        """The arguments; None where something is wrong, which is then said at its field."""
        found = checked(self._form, self.typed)
        self.wrong(found)
        return None if found.mistakes else found.arguments

    def changes(self) -> list[str]:
        """Each change in a few words, as far as it can be read: `amount: 12, now 4`."""
        arguments = checked(self._form, self.typed).arguments
        told = []
        for one in self._form.fields:
            if one.name in self.typed:
                before = "left out" if isinstance(one.given, Absent) else line(exactly(one.given), LONGEST_CHANGE)
                after = line(exactly(arguments[one.name]), LONGEST_CHANGE) if one.name in arguments else "left out"
                told.append(f"{one.label}: {before}, now {after}" if one.name else "The arguments are changed")
        return told

    def wrong(self, found: Filled) -> None:
        """Say at every field what is wrong with it, and go to the first."""
        for name, field in self._fields.items():
            field.wrong(found.mistakes.get(name, ()))
        beside = [] if WHOLE in self._fields else found.mistakes.get(WHOLE, ())
        self._rest.set_text("\n".join(beside))
        first = next((field for name, field in self._fields.items() if name in found.mistakes), None)
        if first is not None:
            focus(first.input)

    def freeze(self) -> None:
        """Leave what was typed."""
        for field in self._fields.values():
            field.freeze()


def _field(one: Field, missing: bool, changed: Callable[[], None] | None) -> Box | Pick:
    label = f"{one.label} (missing)" if missing else one.label if one.required else f"{one.label} (may be left out)"
    hint = one.hint.replace("May be left out.", "").strip()
    if one.kind == "choice":
        choices = [(choice.typed, choice.label) for choice in one.choices]
        return Pick(label, choices, hint=hint, typed=one.typed, changed=changed)
    lines, numeric = one.kind in ("lines", "json"), one.kind in ("integer", "number")
    return Box(label, hint=hint, typed=one.typed, lines=lines, numeric=numeric, changed=changed)
