"""A dialog that says what would be done, takes a line of text, and does it. Start with `ask`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from nicegui import ui
from nicegui.events import GenericEventArguments

from api.console.frame import View, button
from api.console.parts import box, text
from api.console.sent import LONGEST_REASON, SENT, fields

REASON = "Reason (kept beside it)"


def ask(
    view: View,
    title: str,
    verb: str,
    act: Callable[[str], Awaitable[bool]],
    *,
    lines: Sequence[str] = (),
    label: str = REASON,
    value: str = "",
    longest: int = LONGEST_REASON,
) -> None:
    """`act` gets what was written, without what stands around it; the dialog closes if it answers that it was done."""
    with view.client, ui.dialog(value=True) as dialog, box("div"), box("form", "sg-dialog") as form:
        text("h2", title)
        for one in lines:
            text("p", one)
        text("label", label).props('for="asked-text"')
        made = box("input", "sg-field").props('id="asked-text" name="said" autocomplete="off"')
        made.props["maxlength"] = str(longest)
        # As an attribute, so that no redrawing sets it again over what is typed.
        made.props["^value"] = value
        with box("div", "sg-row"):
            text("button", verb, "sg-button sg-first").props('type="submit"')
            button("Leave it", dialog.close)

    async def go(event: GenericEventArguments) -> None:
        if await act(fields(event).get("said", "").strip()):
            dialog.close()

    form.on("submit", go, js_handler=SENT)
    dialog.on("hide", dialog.delete, args=[])
