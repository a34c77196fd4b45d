"""The steps an answer takes: which tool, with what, why. Start with `StepsView`."""

from __future__ import annotations

from nicegui import ui

from agent.operating.types import Called, ChatEvent, Returned, Thought
from api.console.chat.making import later, put
from api.console.frame import state
from api.console.plain import said
from api.terminal import line

MOST_CHARS = 200
"""Of arguments on one line."""


class StepsView:
    """Grows with the answer; folded by whoever likes, and once the next question is asked."""

    def __init__(self) -> None:
        self._fold = put("details", "sg-fold", open="")
        with self._fold:
            with put("summary"):
                self._title = ui.label("").classes("sg-inline")
            self._list = put("div", "sg-steps")
        self._tools: list[str] = []
        self._calls: dict[str, tuple[ui.element, ui.element]] = {}
        """By id: where its state stands, and what follows it."""
        self._fold.set_visibility(False)

    def take(self, event: ChatEvent) -> None:
        """Show a step."""
        match event:
            case Thought():
                self._fold.set_visibility(True)
                with self._list:
                    by = f"{line(event.decided_by, 40)}: " if event.decided_by else ""
                    ui.label(f"{by}{line(event.reason, 400)}").classes("sg-quiet sg-small")
            case Called():
                self._called(event)
            case Returned():
                self._returned(event)
            case _:
                pass
        title = f"Steps: {', '.join(self._tools)}" if self._tools else "Steps"
        if self._title.text != title:
            self._title.set_text(title)

    def fold(self) -> None:
        """Close it."""
        self._fold.props.pop("open", None)
        self._fold.update()

    def _called(self, event: Called) -> None:
        self._fold.set_visibility(True)
        self._tools.append(line(event.tool, 60))
        told = said(event.arguments, MOST_CHARS + 1) if event.arguments else "no arguments"
        with self._list, put("div", "sg-taken"):
            with put("div", "sg-row"):
                ui.label(line(event.tool, 60)).classes("sg-mono sg-strong")
                ui.label(line(told, MOST_CHARS)).classes("sg-mono sg-grow")
                ends = put("div")
            below = put("div")
            if len(told) > MOST_CHARS:
                later("Arguments as JSON", lambda: event.arguments)
        self._calls[event.id] = (ends, below)

    def _returned(self, event: Returned) -> None:
        if event.id not in self._calls:
            return
        (ends, below), found = self._calls[event.id], event.found
        ends.clear()
        below.clear()
        with ends:
            state(event.state)
        with below:
            if event.error is not None:
                ui.label(line(event.error, 400)).classes("sg-small")
            if found is not None:
                later("Result as JSON", lambda: found.data)
