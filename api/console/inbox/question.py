"""The answer to a question as a form: one of its options, or another permitted call. Start with `QuestionForm`."""

from __future__ import annotations

from collections.abc import Mapping

from nicegui import ui

from agent.store.queries import Shown
from api.console.inbox.argument_form import ArgumentForm
from api.console.inbox.parts import Pick, exactly, show, text
from api.console.inbox.reading import Item
from api.console.plain import prose
from api.console.schema_form import form_of
from api.terminal import line
from tools.types import JsonObject

OTHER = "other"
CHOSEN = "(event) => emit(event.target.value)"
LONGEST_OPTION = 300


class QuestionForm:
    """Radio buttons, and under the one that is chosen what it would be called with."""

    def __init__(self, item: Item, tools: Mapping[str, Shown]) -> None:
        self._item = item
        self._tools = tools
        self._chosen = "0" if len(item.calls) == 1 else OTHER if not item.calls and item.others else ""
        self._first = self._chosen
        self._forms: dict[str, ArgumentForm] = {}
        self._places: dict[str, ui.element] = {}
        self._radios: list[ui.element] = []
        self._others: dict[str, tuple[ui.element, ArgumentForm]] = {}
        with ui.element("fieldset").classes("sg-form"):
            text("legend", "What is to be done")
            for index, call in enumerate(item.calls):
                told = ", ".join(f"{name} {line(exactly(value), 60)}" for name, value in call.arguments.items())
                self._option(str(index), f"{line(call.tool, 80)}{': ' if told else ''}{line(told, LONGEST_OPTION)}")
                with self._places[str(index)]:
                    missing = tuple(item.row["missing"]) if index == 0 else ()
                    self._forms[str(index)] = self._form(call.tool, call.arguments, missing)
            if item.others:
                self._option(OTHER, "Another call that is permitted here")
                with self._places[OTHER]:
                    names = [("", "choose a tool"), *((name, line(name, 80)) for name in item.others)]
                    self._pick = Pick("Tool", names, changed=self._other)
                    self._other_place = ui.element("div")
            self._wrong = ui.label().classes("sg-wrong").props('role="alert"')

    def _option(self, sent: str, words: str) -> None:
        with ui.element("label").classes("sg-option"):
            radio = ui.element("input").props('type="radio"')
            radio.props["name"] = f"answer-{self._item.id}"
            radio.props["value"] = sent
            radio.props["defaultChecked"] = sent == self._chosen
            radio.on("change", lambda event: self._choose(str(event.args)), js_handler=CHOSEN)
            text("span", words)
        self._radios.append(radio)
        self._places[sent] = ui.element("div").classes("sg-under")
        show(self._places[sent], sent == self._chosen)

    def _form(self, tool: str, arguments: JsonObject, missing: tuple[str, ...] = ()) -> ArgumentForm:
        known = self._tools.get(tool)
        if known is None:
            ui.label("The tool is not registered any more, so that it cannot be called.").classes("sg-wrong")
        else:
            ui.label(prose(known["description"], 300)).classes("sg-quiet sg-small")
        parameters: JsonObject = {} if known is None else known["parameters"]
        return ArgumentForm(form_of(parameters, arguments, self._item.bound), missing=missing)

    def _choose(self, sent: str) -> None:
        if sent not in self._places:
            return
        self._chosen = sent
        self._wrong.set_text("")
        for one, place in self._places.items():
            show(place, one == sent)

    def _other(self) -> None:
        """Another tool was chosen; what was typed for one before is kept."""
        name = self._pick.typed
        for place, _ in self._others.values():
            show(place, False)
        if name in self._others:
            show(self._others[name][0], True)
        elif name in self._item.others:
            with self._other_place:
                place = ui.element("div")
                with place:
                    self._others[name] = (place, self._form(name, {}))

    @property
    def touched(self) -> bool:
        """Whether anything was chosen or typed."""
        forms = [*self._forms.values(), *(form for _, form in self._others.values())]
        return self._chosen != self._first or any(one.touched for one in forms)

    def read(self) -> tuple[str, JsonObject] | None:
        """The tool and its arguments; None where something is wrong or missing, which is then said."""
        self._wrong.set_text("")
        if self._chosen == OTHER:
            tool = self._pick.typed
            form = self._others[tool][1] if tool in self._others else None
            self._pick.wrong([] if form is not None else ["Choose which."])
        else:
            form = self._forms.get(self._chosen)
            tool = self._item.calls[int(self._chosen)].tool if form is not None else ""
            if form is None:
                self._wrong.set_text("Choose one, or say that none of these is to be done.")
        arguments = None if form is None else form.read()
        return None if arguments is None else (tool, arguments)

    def freeze(self) -> None:
        """Leave what was chosen and typed."""
        for radio in self._radios:
            radio.props["disabled"] = True
        for form in [*self._forms.values(), *(form for _, form in self._others.values())]:
            form.freeze()
        if self._item.others:
            self._pick.freeze()
