"""Who takes care of what is open, and taking or giving it. Start with `Holding`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

from nicegui import ui

from agent.assigning import ANSWERS, KINDS, NEEDS
from agent.errors import Refused
from agent.store.assignments import Assigned
from api.access import Caller
from api.console.frame import View, button, now
from api.console.inbox.parts import Box, Pick, focus, show, text
from api.console.inbox.reading import Item
from api.console.words import ago, at
from api.keyfile import is_name
from api.terminal import line


class Holding:
    """Beside the answer, and never in its way: whoever has it, others may answer."""

    def __init__(self, view: View, item: Item) -> None:
        self._view = view
        self._item = item
        self._kind = KINDS.get(item.kind)
        self._has: Assigned | None = None
        self._shown: object = self
        self._place = ui.element("section").classes("sg-part").props('aria-label="Who takes care of it"')
        with self._place:
            with ui.element("div").classes("sg-row"):
                self._words = ui.label().classes("sg-grow").props('aria-live="polite" tabindex="-1"')
                steers = view.may("steer")
                self._take = button("Take it", self._taken) if steers and view.may(NEEDS[item.kind]) else None
                self._back = button("Give it back", partial(self._give, None)) if steers else None
            self._give_form()
        show(self._place, self._kind is not None)

    def _give_form(self) -> None:
        """The names that may be given it; any name where no keys are in use."""
        self._name: Box | Pick | None = None
        if self._kind is None or not self._view.may("steer"):
            return
        people = self._view.console.sessions.access.people(self._view.tenant, ANSWERS[self._kind])
        with ui.element("details"):
            text("summary", "Give it to somebody")
            with ui.element("div").classes("sg-form"):
                if people is None:
                    self._name = Box("Name")
                else:
                    names = [("", "choose who"), *((name, line(name, 64)) for name in people)]
                    self._name = Pick("Name", names)
                with ui.element("div").classes("sg-acts"):
                    button("Give it", self._given)

    async def check(self) -> None:
        """Say who has it by now."""
        if self._kind is not None:
            self._has = await self._view.segue.assigning.of(self._view.tenant, self._kind, self._item.id)
            self._tell(now())

    def _tell(self, moment: datetime) -> None:
        has, me = self._has, self._view.session.caller.name
        words = told(has, me, moment)
        if words == self._shown:
            return
        self._shown = words
        self._words.set_text(words)
        self._words.props.set_optional("title", at(has.since) if has is not None else None)
        mine = has is not None and has.to == me
        for offered, wanted in ((self._take, not mine), (self._back, mine)):
            if offered is not None:
                show(offered, wanted)

    def over(self) -> None:
        """There is nothing to take care of any more."""
        show(self._place, False)

    async def _taken(self) -> None:
        await self._give(self._view.session.caller.name)

    async def _given(self) -> None:
        if self._name is None:
            return
        to = self._name.typed.strip()
        wrong = "" if is_name(to) else "Choose who." if not to else "Right: a name such as ann, of letters and digits."
        self._name.wrong([wrong] if wrong else [])
        if not wrong:
            await self._give(to)

    async def _give(self, to: str | None) -> None:
        """As it was shown when it was clicked: whoever was quicker is named."""
        await self._view.act("steer", self._work(to, self._has))
        await self.check()
        # What was clicked may be gone.
        focus(self._words)

    def _work(self, to: str | None, has: Assigned | None) -> Callable[[Caller], Awaitable[bool]]:
        async def work(caller: Caller) -> bool:
            if self._kind is None:
                raise Refused("nobody takes care of a pause")
            if to is not None:
                self._view.console.sessions.access.check_answers(caller.tenant, self._kind, to)
            held_by = None if has is None else has.to
            await self._view.segue.assigning.assign(
                caller.tenant, self._kind, self._item.id, to=to, held_by=held_by, by=caller.name
            )
            return True

        return work


def told(has: Assigned | None, me: str, moment: datetime) -> str:
    """Who has it, in words."""
    if has is None:
        return "Nobody takes care of it yet."
    since = ago(has.since, moment)
    if has.to == me:
        given = "" if has.by == me else f", given to you by {line(has.by, 64)}"
        return f"You take care of it, since {since}{given}."
    given = "" if has.by == has.to else f", given by {line(has.by, 64)}"
    return f"{line(has.to, 64)} takes care of it, since {since}{given}. Whoever may answer it still can."
