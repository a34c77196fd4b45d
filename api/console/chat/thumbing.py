"""Thumbs on an answer about exactly one run: they become an outcome of that run. Start with `judge` and `ThumbView`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui
from nicegui.events import GenericEventArguments

from agent.accepting import BatchError
from agent.errors import Conflict, Refused
from agent.judging import thumb
from agent.service import Segue
from agent.thumbs import Thumb
from api.access import Caller
from api.console.chat.linking import run_page
from api.console.chat.making import put, refocus, said
from api.console.chat.turns import Judged, Turn
from api.console.frame import button, link
from api.console.sent import LONGEST_REASON, reason_of
from api.terminal import clean

WORDS: dict[Thumb, str] = {"up": "did well", "down": "did badly"}
Says = Callable[[Thumb, str], Awaitable[None]]


async def judge(segue: Segue, caller: Caller, turn: Turn, which: Thumb, reason: str) -> None:
    """Store the thumb as the latest outcome of the run. Raises `NotFound`, `Conflict`, `Refused`."""
    run, why = turn.about, reason_of(reason)
    if run is None:
        raise Conflict("this answer is not about exactly one run")
    try:
        taken = await segue.judging.outcome(caller.tenant, run, thumb(which, why, id=None, by=caller.name))
    except BatchError as error:
        raise Refused(str(error)) from error
    turn.judged = Judged(run=run, which=which, reason=why, outcome=str(taken["outcome"]))


class ThumbView:
    """Two buttons, a reason after one is pressed, and what was recorded."""

    def __init__(self, turn: Turn, says: Says) -> None:
        self._turn = turn
        self._says = says
        self._shown: Judged | None = None
        with put("div", "sg-thumbs"):
            with put("div", "sg-row"):
                ui.label("How did this run do?").classes("sg-quiet sg-small")
                self._button("up", "thumb_up")
                self._button("down", "thumb_down")
            self._form = put("div")
            self._told = put("div", "sg-small", role="status")

    def update(self) -> None:
        """Say what was recorded, here or in another tab."""
        judged = self._turn.judged
        if judged is None or judged == self._shown:
            return
        self._shown = judged
        self._form.clear()
        self._told.clear()
        why = f', because "{clean(judged.reason)}"' if judged.reason else ""
        with self._told:
            ui.label(f"Recorded: it {WORDS[judged.which]}{why}. This is now an outcome of run ").classes("sg-inline")
            link(judged.run, run_page(judged.run) or "").classes("sg-mono")
            ui.label(f" (outcome {judged.outcome}); another thumb takes its place.").classes("sg-inline")

    def _button(self, which: Thumb, icon: str) -> None:
        made = button(f"It {WORDS[which]}", lambda: self._ask(which)).classes("sg-slim sg-iconed")
        with made:
            ui.icon(icon).move(target_index=0)

    def _ask(self, which: Thumb) -> None:
        self._form.clear()
        with self._form, put("div", "sg-row"):
            field = put("input", "sg-field sg-grow", type="text", maxlength=str(LONGEST_REASON))
            field.props["aria-label"] = field.props["placeholder"] = f"Why it {WORDS[which]} (optional)"

            async def record(event: GenericEventArguments) -> None:
                await self._says(which, said(event))

            value = f"getHtmlElement({field.id}).value"
            field.on("keydown.enter.prevent", record, js_handler=f"() => emit({value})")
            with put("button", "sg-button sg-first", type="button") as save:
                ui.label("Record it")
            save.on("click", record, js_handler=f"() => emit({value})")

            def cancel() -> None:
                self._form.clear()
                refocus()

            button("Cancel", cancel)
        ui.run_javascript(f"getHtmlElement({field.id}).focus()")
