"""The card that asks for a yes: act, exact arguments, what happens. Start with `ConfirmView`."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import Any

from nicegui import ui

from agent.operating.types import Confirmation
from agent.operating.wording import exact
from api.console.chat.making import put
from api.console.chat.talks import told
from api.console.chat.turns import Asked
from api.console.frame import button
from api.console.words import ago, at
from api.terminal import clean

MOST_CHARS = 20_000
"""Of one argument; what is longer is cut, and says so."""
Answers = Callable[[str, bool], Awaitable[None]]
"""Takes the confirmation's id, and yes or no."""


def argument_rows(confirmation: Confirmation) -> list[tuple[str, str]]:
    """Each argument by its path, the value as exact JSON in which nothing invisible is left."""
    return list(_rows("", json.loads(json.dumps(confirmation.proposal.arguments, default=dict))))


def _rows(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value and (not path or path.count(".") < 2):
        for name, item in value.items():
            shown = name if name.isidentifier() and name.isascii() else exact(name)
            yield from _rows(f"{path}.{shown}" if path else shown, item)
    else:
        yield path, "none" if value is None else exact(value, MOST_CHARS)


class ConfirmView:
    """One confirmation, and what became of it."""

    def __init__(self, asked: Asked, answers: Answers) -> None:
        self._asked = asked
        self._answers = answers
        self._shown: str | None = None
        proposal = asked.confirmation.proposal
        with put("div", "sg-confirm", role="group", aria_label=clean(proposal.title)):
            with put("h3"):
                ui.label(clean(proposal.title))
            with put("dl", "sg-pairs"):
                for name, value in [("act", proposal.tool), *argument_rows(asked.confirmation)]:
                    with put("dt"):
                        ui.label(name)
                    with put("dd", "sg-mono"):
                        ui.label(value)
            with put("div"):
                ui.label("On yes: ").classes("sg-inline sg-strong")
                ui.label(clean(proposal.consequence)).classes("sg-inline")
            self._place = put("div", role="status")
        self._until: ui.label | None = None

    def update(self, now: datetime) -> None:
        """Buttons while it waits, then words."""
        words = told(self._asked)
        if words != self._shown:
            self._shown = words
            self._place.clear()
            self._until = None
            with self._place:
                self._offer() if self._asked.open else ui.label(clean(words)).classes("sg-strong")
        if self._until is not None:
            expires = self._asked.confirmation.expires_at
            self._until.set_text(f"Waits for you until {at(expires)} ({ago(expires, now)}), then it is dropped.")

    def _offer(self) -> None:
        name = self._asked.confirmation.id
        with put("div", "sg-row"):
            button("Yes, do exactly this", lambda: self._answers(name, True), first=True)
            button("No", lambda: self._answers(name, False))
            self._until = ui.label("").classes("sg-quiet sg-small")
            self._until.props["aria-live"] = "off"
