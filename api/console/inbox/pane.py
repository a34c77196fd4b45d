"""One thing that waits, opened: told, answered, and turned into what became of it. Start with `Pane`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from agent.assigning import NEEDS
from agent.roles import lacks
from agent.service import Segue
from api.access import Caller
from api.console.frame import View, button, link, now
from api.console.gate import MOUNT
from api.console.inbox.acting import Outcome, Work
from api.console.inbox.acts import Typed, offer
from api.console.inbox.holding import Holding
from api.console.inbox.parts import focus, show, text
from api.console.inbox.reading import Item, ended
from api.console.inbox.telling import tell, waited
from api.console.words import at

KINDS = {
    "call": "approval",
    "question": "question",
    "effect": "effect in doubt",
    "letter": "dead letter",
    "pause": "pause",
}


class Pane:
    """Built once, and never anew: what somebody types stays where it is."""

    def __init__(
        self, view: View, item: Item, *, close: Callable[[], Awaitable[None]], forward: Callable[[], Awaitable[None]]
    ) -> None:
        """`close` goes back to the list, `forward` to the next thing that waits."""
        self.view = view
        self.item = item
        self.fields: list[Typed] = []
        self._busy = False
        self._over = item.ended is not None
        with ui.element("div").classes("sg-row"):
            button("Back to the list", close).classes("sg-back").props["id"] = "inbox-back"
            ui.label(KINDS[item.kind]).classes("sg-state sg-wait")
            self._waited = ui.label().classes("sg-quiet sg-small")
            self._waited.props["title"] = at(item.since)
        self.title = text("h2", item.title)
        self.title.props["tabindex"] = "-1"
        self._told = ui.element("div").classes("sg-told").props('role="status" tabindex="-1"')
        with self._told:
            self._words = ui.label()
            with ui.element("div").classes("sg-row"):
                if item.run is not None:
                    link("See how the run goes on", f"{MOUNT}/runs/{item.run}")
                button("Next in the inbox", forward)
        show(self._told, False)
        self._holding = Holding(view, item)
        tell(item, now())
        self._acts = ui.element("section").classes("sg-part sg-answer")
        with self._acts:
            self._acts_title = text("h3", "Your answer")
            if view.may(NEEDS[item.kind]):
                offer(self)
            else:
                told = f"Your key may not answer this: it lacks {lacks(NEEDS[item.kind], view.session.caller.scopes)}."
                ui.label(told).classes("sg-quiet")
        if item.ended is not None:
            self._turn(item.ended, mine=False)
        self.tick()

    @property
    def touched(self) -> bool:
        """Whether something is typed that is still of use."""
        return not self._over and any(one.touched for one in self.fields)

    @property
    def segue(self) -> Segue:
        """The open system."""
        return self.view.segue

    def tick(self) -> None:
        """Say anew for how long it waits."""
        told = "" if self._over else waited(self.item.since, now())
        if self._waited.text != told:
            self._waited.set_text(told)

    async def check(self) -> None:
        """Turn it into what became of it, if somebody answered."""
        self.tick()
        if not self._over:
            await self._holding.check()
        if not self._over and not self._busy:
            became = await ended(self.segue, self.view.tenant, self.item)
            if became is not None and not self._busy:
                self._turn(became, mine=False)

    async def do(self, work: Work) -> None:
        """Do it in the operator's name; a second click while it is done does nothing."""
        if self._busy or self._over:
            return
        self._busy = True
        try:
            outcome = await self._attempt(work)
            became = None if outcome is None else await ended(self.segue, self.view.tenant, self.item)
        finally:
            self._busy = False
        if outcome is None:
            return
        if became is not None:
            self._turn(became, mine=outcome.is_ == "done")
            focus(self._told)
        elif outcome.says:
            with self.view.client:
                ui.notify(outcome.says, type="negative", multi_line=True, close_button="Close", timeout=0)

    async def _attempt(self, work: Work) -> Outcome | None:
        """None where it may not be done, which was told. What somebody else did before is not done again."""
        if await ended(self.segue, self.view.tenant, self.item) is not None:
            return Outcome(is_="gone")

        async def attempted(caller: Caller) -> Outcome:
            return await work(caller)

        outcome: Outcome | None = await self.view.act(NEEDS[self.item.kind], attempted)
        return outcome

    def _turn(self, became: str, *, mine: bool) -> None:
        """It is over: say how; what somebody else typed meanwhile can still be read and copied."""
        self._over = True
        self._holding.over()
        self.tick()
        self._words.set_text(became)
        show(self._told, True)
        typed = [one for one in self.fields if one.touched]
        if mine or not typed:
            show(self._acts, False)
            return
        self._acts_title.set_text("What you had entered")
        for one in self.fields:
            one.freeze()
        self._acts.classes("sg-over")
