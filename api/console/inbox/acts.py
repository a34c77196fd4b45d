"""What can be done about each thing that waits, with what it leads to. Start with `offer`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol

from nicegui import ui

from agent.service import Segue
from api.console.frame import button
from api.console.inbox import acting
from api.console.inbox.acting import Work
from api.console.inbox.argument_form import ArgumentForm
from api.console.inbox.parts import Box, show, text
from api.console.inbox.question import QuestionForm
from api.console.inbox.reading import Item, Wanted
from api.console.schema_form import form_of
from api.strict_json import JsonTextError, check_storable, read_json
from api.terminal import line
from tools.arguments import MAX_DEPTH
from tools.types import JsonValue

WHY = "Kept with your answer, and told to who decides."


class Typed(Protocol):
    """Something that was typed into."""

    @property
    def touched(self) -> bool:
        """Whether it is not as it was."""

    def freeze(self) -> None:
        """Leave it to be read."""


class Doing(Protocol):
    """Where acts are done."""

    item: Item
    fields: list[Typed]

    @property
    def segue(self) -> Segue:
        """The open system."""

    async def do(self, work: Work) -> None:
        """Do it in the operator's name, and show what came of it."""


def offer(doing: Doing) -> None:
    """The form and the buttons for this kind."""
    {"call": _call, "question": _question, "effect": _effect, "letter": _letter, "pause": _pause}[doing.item.kind](
        doing
    )


def _buttons(*acts: tuple[str, str, Callable[[], Awaitable[None]]], leads: Sequence[str] = ()) -> list[ui.element]:
    """Buttons with what each leads to; a look is `first`, `bad` or nothing."""
    made = []
    with ui.element("div").classes("sg-acts"):
        for (words, look, act), lead in zip(acts, leads, strict=True):
            with ui.element("div").classes("sg-act"):
                one = button(words, act, first=look == "first")
                if look == "bad":
                    one.classes("sg-danger")
                ui.label(lead).classes("sg-quiet sg-small")
                made.append(one)
    return made


def _reason(doing: Doing, hint: str = WHY) -> Box:
    box = Box("Reason (may be left out)", hint=hint)
    doing.fields.append(box)
    return box


def _call(doing: Doing) -> None:
    item, call = doing.item, doing.item.calls[0]
    tool = line(call.tool, 80)
    changed = ui.label().classes("sg-said")
    form: ArgumentForm | None = None

    def tell() -> None:
        changes = form.changes() if form is not None else []
        changed.set_text("Your changes: " + "; ".join(changes) if changes else "")
        show(changed, bool(changes))
        words = "Approve with your changes" if changes else "Approve"
        if label.text != words:
            label.set_text(words)

    async def yes() -> None:
        arguments = form.read() if form is not None and form.touched else call.arguments
        if arguments is not None:
            await doing.do(acting.approve(doing.segue, item, call.tool, arguments, reason.typed))

    async def no() -> None:
        await doing.do(acting.reject(doing.segue, item, reason.typed))

    if call.known is not None:
        with ui.element("details").classes("sg-edit"):
            text("summary", "Change the arguments")
            form = ArgumentForm(form_of(call.known["parameters"], call.arguments, item.bound), changed=tell)
            doing.fields.append(form)
        changed.move(target_index=-1)
    reason = _reason(doing)
    approve, _ = _buttons(
        ("Approve", "first", yes),
        ("Say no", "bad", no),
        leads=(_on_yes(call), f"{tool} is not called. Who decides is told, and the run goes on without it."),
    )
    label = next(one for one in approve.descendants() if isinstance(one, ui.label))
    show(changed, False)


def _on_yes(call: Wanted) -> str:
    once = f"{line(call.tool, 80)} is called once with exactly these arguments, then the run goes on."
    if call.known is not None and not call.known["idempotent"] and call.known["effect"] == "write":
        once += " If the line breaks in the middle it is not tried again, but comes back here as in doubt."
    return once


def _question(doing: Doing) -> None:
    item = doing.item
    tools = {str(one["name"]): one for one in doing.segue.tools()}
    form = QuestionForm(item, tools)
    doing.fields.append(form)

    async def yes() -> None:
        chosen = form.read()
        if chosen is not None:
            await doing.do(acting.approve(doing.segue, item, *chosen, reason.typed))

    async def no() -> None:
        await doing.do(acting.reject(doing.segue, item, reason.typed))

    reason = _reason(doing)
    _buttons(
        ("Do what is chosen", "first", yes),
        ("None of these", "bad", no),
        leads=(
            "What you chose is called once with these arguments, then the run goes on.",
            "None of them is called. Who decides is told, and the run goes on.",
        ),
    )


def _effect(doing: Doing) -> None:
    item = doing.item
    tool = line(item.calls[0].tool, 80)
    result = Box("Its result, as JSON (may be left out)", hint="What the tool would have answered.", lines=True)
    doing.fields.append(result)
    reason = _reason(doing, "Kept with the effect: where you looked, for one.")

    async def settle(state: Literal["done", "failed"], value: JsonValue) -> None:
        await doing.do(acting.settle(doing.segue, item, state, value, reason.typed))

    async def happened() -> None:
        try:
            value = _json(result.typed)
        except JsonTextError as error:
            result.wrong([str(error)])
            return
        result.wrong([])
        await settle("done", value)

    async def did_not() -> None:
        if result.typed.strip():
            result.wrong(["What did not happen has no result. Empty this, or say that it happened."])
            return
        await settle("failed", None)

    _buttons(
        ("It happened", "", happened),
        ("It did not happen", "", did_not),
        leads=(
            f"{tool} counts as carried out and is not called again for this. The run goes on.",
            "The same call may be made again. The run goes on.",
        ),
    )


def _json(typed: str) -> JsonValue:
    if not typed.strip():
        return None
    check_storable(typed, "the text")
    value: JsonValue = read_json(typed.encode(), depth=MAX_DEPTH)
    check_storable(value, "the text")
    return value


def _letter(doing: Doing) -> None:
    item = doing.item
    reason = _reason(doing, "Of giving it up.")

    async def again() -> None:
        await doing.do(acting.replay(doing.segue, item))

    async def discard() -> None:
        await doing.do(acting.discard(doing.segue, item, reason.typed))

    _buttons(
        ("Handle it again", "first", again),
        ("Give it up", "bad", discard),
        leads=(
            "The run goes back into the queue. What it did stays done; its limits count anew.",
            "The run stays as it ended, and is not handled again. It is kept with its history.",
        ),
    )


def _pause(doing: Doing) -> None:
    item = doing.item

    async def resume() -> None:
        await doing.do(acting.resume(doing.segue, item))

    lead = f"The pause ends for everybody, and what it holds goes on. As long as it stands: {_holds(item)}."
    _buttons(("End the pause", "first", resume), leads=(lead,))


def _holds(item: Item) -> str:
    scope, name = item.row["scope"], line(item.row["name"], 80)
    return {
        "all": "no run is started and no further call begins",
        "tool": f"no further call of {name} begins, and runs about to call it wait",
        "event": f"runs of {name} wait in the queue; its events are still accepted",
    }[scope]
