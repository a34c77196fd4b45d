"""The form of filters over the list of runs; a real one, so that it works by keyboard. Start with `FilterForm`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from api.console.frame import View
from api.console.parts import box, text
from api.console.run_filter import DECIDERS, PATH, STATUSES, TIMES, Asked
from api.terminal import line

SEND = """(event) => {
  const ours = event.type === 'submit';
  if (ours) event.preventDefault();
  else if (event.target.name === 'q') return;
  emit(Object.fromEntries(new FormData(event.currentTarget)));
}"""


class FilterForm:
    """What is asked for; `changed` is called with the form's fields as they are written."""

    def __init__(self, view: View, changed: Callable[[Mapping[str, Any]], Awaitable[None]]) -> None:
        self._view = view
        self._changed = changed
        self._place = box("div")

    def build(self, asked: Asked, sought: str = "") -> None:
        """Show this filter."""
        segue = self._view.segue
        self._place.clear()
        with self._place, box("form", "sg-filters").props(f'action="{PATH}" method="get" role="search"') as form:
            field("q", "Subject or run id", sought, "search")
            select("status", "Status", _same(STATUSES), asked.status)
            select("type", "Event type", _same(segue.portfolio.events), asked.type)
            select("tool", "Tool", _same(str(one["name"]) for one in segue.tools()), asked.tool)
            select("by", "Decided by", list(DECIDERS.items()), asked.by)
            select("when", "Time", list(TIMES.items()), asked.when)
            with box("div", "sg-field-box"):
                text("button", "Show", "sg-button sg-first").props('type="submit"')
            self._more(asked)
        form.on("submit", self._sent, js_handler=SEND)
        form.on("change", self._sent, js_handler=SEND)

    def _more(self, asked: Asked) -> None:
        """What is asked for less often; always in the form, so that nothing is lost when it is sent."""
        with box("details", "sg-fold sg-across") as more:
            text("summary", "More filters")
            with box("div", "sg-filters"):
                field("subject", "Only this subject", asked.subject or "", "text")
                field("source", "Source", asked.source or "", "text")
                field("since", "From (UTC)", asked.since or "", kind_of(asked.since))
                field("until", "Until (UTC)", asked.until or "", kind_of(asked.until))
        if any((asked.subject, asked.source, asked.since, asked.until)):
            more.props["open"] = True

    async def _sent(self, event: GenericEventArguments) -> None:
        await self._changed(event.args if isinstance(event.args, dict) else {})


def _same(names: Any) -> list[tuple[str, str]]:
    return [(name, line(name, 60)) for name in names]


def kind_of(given: str | None) -> str:
    """Of a field for it: a moment that an address gives with a zone fits no field for moments."""
    return "date" if given is None or len(given) == len("2026-11-26") else "text"


def field(name: str, label: str, value: str, kind: str) -> None:
    """A field of the form, with its label."""
    with box("div", "sg-field-box"):
        _label(name, label)
        made = box("input", "sg-field").props(f'id="filter-{name}" name="{name}" type="{kind}" autocomplete="off"')
        # As an attribute: a property would be set again, over what somebody types, whenever the page changes.
        made.props["^value"] = value


def select(name: str, label: str, options: Sequence[tuple[str, str]], chosen: str | None) -> None:
    """A choice of values with their words, or any; what was chosen stays even if it is none of them."""
    if chosen is not None and chosen not in dict(options):
        options = [*options, (chosen, line(chosen, 60))]
    with box("div", "sg-field-box"):
        _label(name, label)
        with box("select", "sg-field").props(f'id="filter-{name}" name="{name}"'):
            text("option", "any").props('value=""')
            for value, words in options:
                made: ui.element = text("option", words)
                made.props["value"] = value
                if value == chosen:
                    made.props["selected"] = True


def _label(name: str, label: str) -> None:
    text("label", label, "sg-quiet sg-small").props(f'for="filter-{name}"')
