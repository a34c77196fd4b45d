"""What a person can do about a run: cancel it, settle an effect in doubt, judge it. Start with `RunActs`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Literal, cast

from nicegui import ui
from nicegui.events import GenericEventArguments

from agent.accepting import BatchError
from agent.errors import Refused
from agent.judging import thumb
from api.access import Caller
from api.console.frame import View, button
from api.console.parts import box, text
from api.console.sent import LONGEST_REASON, SENT, fields, reason_of
from api.strict_json import JsonTextError, read_json
from tools.types import JsonValue

DEEPEST = 32


class RunActs:
    """Of one run. Whoever acts is checked on the server, whatever the page has offered."""

    def __init__(self, view: View, run: str, after: Callable[[], Awaitable[None]]) -> None:
        self._view = view
        self._run = run
        self._after = after
        self._judge: ui.element | None = None
        with box("div", "sg-row sg-maybe") as self._bar:
            button("Cancel this run", self._ask_to_cancel)
        self._bar.set_visibility(False)

    def show(self, *, open_: bool, judged: bool) -> None:
        """Offer what makes sense as the run is."""
        may = self._view.may("steer")
        for element, offered in ((self._bar, may and open_), (self._judge, judged)):
            if element is not None and element.visible != offered:
                element.set_visibility(offered)

    def gone(self) -> None:
        """The run was pruned while it was looked at."""
        self.show(open_=False, judged=False)

    async def _ask_to_cancel(self) -> None:
        with self._view.client, ui.dialog(value=True) as dialog, box("div", "sg-dialog"):
            text("h2", "Cancel this run?")
            text("p", "No call begins any more; one in flight is waited for. What was done stays done.")
            with box("div", "sg-row"):
                button("Cancel the run", partial(self._cancel_now, dialog), first=True)
                button("Let it go on", dialog.close)
        dialog.on("hide", dialog.delete, args=[])

    async def _cancel_now(self, dialog: ui.dialog) -> None:
        dialog.close()
        await self._do("steer", self._cancelled, "The run is cancelled")

    async def _cancelled(self, caller: Caller) -> Any:
        return await self._view.segue.cancel(caller.tenant, self._run, by=caller.name)

    def settle(self, key: str, title: str) -> None:
        """Ask what became of an effect in doubt."""
        with self._view.client, ui.dialog(value=True) as dialog, box("div"), box("form", "sg-dialog") as form:
            text("h2", "What became of it?")
            text("p", f"{title}, and nobody knows whether it happened. Look it up where the tool works, then say so.")
            text("label", "It").props('for="settle-state"')
            with box("select", "sg-field").props('id="settle-state" name="state"'):
                text("option", "happened (done)").props('value="done"')
                text("option", "did not happen (failed)").props('value="failed"')
            text("label", "What the tool would have answered, as JSON, if you know it").props('for="settle-result"')
            box("textarea", "sg-field sg-mono").props('id="settle-result" name="result" rows="3"')
            text("label", "Reason").props('for="settle-reason"')
            box("input", "sg-field").props(f'id="settle-reason" name="reason" maxlength="{LONGEST_REASON}"')
            with box("div", "sg-row"):
                text("button", "Settle it", "sg-button sg-first").props('type="submit"')
                button("Not now", dialog.close)
        form.on("submit", partial(self._settle_now, key, dialog), js_handler=SENT)
        dialog.on("hide", dialog.delete, args=[])

    async def _settle_now(self, key: str, dialog: ui.dialog, event: GenericEventArguments) -> None:
        given = fields(event)

        async def work(caller: Caller) -> Any:
            state, result = given.get("state"), _json(given.get("result", ""))
            if state not in ("done", "failed"):
                raise Refused("say whether it is done or failed")
            if state == "failed" and result is not None:
                raise Refused("an effect that failed has no result: take it away, or say that it is done")
            return await self._view.segue.settle(
                caller.tenant,
                key,
                state=cast("Literal['done', 'failed']", state),
                result=result,
                reason=reason_of(given.get("reason")),
                by=caller.name,
            )

        if await self._do("steer", work, "The effect is settled"):
            dialog.close()

    def judging(self) -> None:
        """The form for a thumb, where it may be given."""
        if not self._view.may("steer"):
            return
        with box("section", "sg-card").props('aria-label="Judge"') as self._judge:
            text("h2", "Was this run good?")
            text("p", "It counts for goals that no outcome has graded. A second one takes the place of the first.")
            with box("form", "sg-row") as form:
                with box("div", "sg-grow"):
                    text("label", "Reason, if you like", "sg-quiet sg-small").props('for="thumb-reason"')
                    made = box("input", "sg-field").props(
                        f'id="thumb-reason" name="reason" maxlength="{LONGEST_REASON}"'
                    )
                    made.props("autocomplete=off")
                for which, words in (("up", "Well done"), ("down", "Badly done")):
                    text("button", words, "sg-button").props(f'type="submit" name="which" value="{which}"')
            form.on("submit", self._judged, js_handler=SENT)

    async def _judged(self, event: GenericEventArguments) -> None:
        given = fields(event)

        async def work(caller: Caller) -> Any:
            which = given.get("which")
            if which not in ("up", "down"):
                raise Refused("say whether it was well or badly done")
            said = thumb(cast("Literal['up', 'down']", which), reason_of(given.get("reason")), id=None, by=caller.name)
            try:
                return await self._view.segue.judging.outcome(caller.tenant, self._run, said)
            except BatchError as error:
                raise Refused(str(error)) from error

        await self._do("steer", work, "The judgement is stored; it is graded in a moment")

    async def _do(self, scope: Literal["steer"], work: Callable[[Caller], Awaitable[Any]], told: str) -> bool:
        """Whether it was done."""
        if await self._view.act(scope, work) is None:
            return False
        with self._view.client:
            ui.notify(told, type="positive")
        await self._after()
        return True


def _json(given: str) -> JsonValue:
    if not given.strip():
        return None
    try:
        return cast("JsonValue", read_json(given.encode("utf-8", "replace"), depth=DEEPEST))
    except JsonTextError as error:
        raise Refused(f'the result is no JSON: {error}. Right: such as {{"sent": true}}') from error
