"""What the chat sends is AG-UI: each event fits the SDK's models, and everything that begins ends, in order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

from ag_ui.core import Event
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from agent.operating.types import ChatEvent
from agent.operators import OperatorsChat
from agent.types import DeciderError
from api.agui import Telling, on_the_wire
from tests.operating.toys import ANN, NO_SEGUE, Toys, Wants
from tools.types import JsonObject

EVENT: TypeAdapter[Any] = TypeAdapter(Event)

values = st.sampled_from(["x", "nothing", "\ud800", "a\u2028b\r\n\ndata: {}", "<script>", ""])
arguments: st.SearchStrategy[JsonObject] = st.one_of(
    st.fixed_dictionaries({"what": values}), st.just({}), st.just({"strange": 1})
)
calls = st.tuples(st.sampled_from(["look", "fail", "act", "no_such_tool"]), arguments)
errors = st.just(DeciderError("model_unavailable", "nobody answers"))
turns = st.lists(st.one_of(st.lists(calls, max_size=4), errors), max_size=8)


async def _all(events: AsyncIterator[ChatEvent], telling: Telling) -> list[dict[str, Any]]:
    sent = [on_the_wire(telling.begin())]
    async for event in events:
        sent += [on_the_wire(one) for one in telling.of(event)]
    return [_read(one) for one in sent]


def _read(sent: bytes) -> dict[str, Any]:
    """One event off the wire, as the SDK's models take it."""
    head, _, rest = sent.partition(b"\n")
    assert rest == b"\n", "one line, then the empty one that ends it"
    found: dict[str, Any] = json.loads(head.removeprefix(b"data: "))
    EVENT.validate_python(found)
    return found


def check_lifecycle(events: Sequence[dict[str, Any]], carried: frozenset[str]) -> frozenset[str]:
    """Raise `AssertionError` unless everything that begins ends, in order, within one run.

    `carried`: calls of the run before that wait to be confirmed; the answer is those that wait now.
    """
    kinds = [one["type"] for one in events]
    assert kinds[0] == "RUN_STARTED"
    assert kinds[-1] in ("RUN_FINISHED", "RUN_ERROR")
    assert sum(kind.startswith("RUN_") for kind in kinds) == 2
    open_: dict[str, str] = {}
    ended_calls = set(carried)
    for one in events:
        match one["type"].rsplit("_", 1):
            case [what, "START"]:
                name = str(one.get("toolCallId") if what == "TOOL_CALL" else one["messageId"])
                assert what not in open_, f"{what} begins within another"
                open_[what] = name
            case [what, "CONTENT" | "ARGS"]:
                assert open_[what] == one.get("toolCallId", one.get("messageId"))
            case [what, "END"]:
                assert open_.pop(what) == one.get("toolCallId", one.get("messageId"))
                ended_calls |= {one["toolCallId"]} if what == "TOOL_CALL" else set()
            case ["STEP", "STARTED"]:
                assert "STEP" not in open_
                open_["STEP"] = one["stepName"]
            case ["STEP", "FINISHED"]:
                assert open_.pop("STEP") == one["stepName"]
            case ["TOOL_CALL", "RESULT"]:
                ended_calls.remove(one["toolCallId"])
            case _:
                pass
    assert not open_, f"{open_} never ends"
    outcome = events[-1].get("outcome", {})
    waiting = frozenset(one["toolCallId"] for one in outcome.get("interrupts", ()))
    assert ended_calls == waiting or kinds[-1] == "RUN_ERROR", "a call has a result, or waits to be confirmed"
    return waiting


async def _converse(wanted: Any, yes: Sequence[bool]) -> tuple[list[list[dict[str, Any]]], Toys]:
    toys = Toys()
    chat = OperatorsChat(NO_SEGUE, lambda _: Wants(wanted), toys.box(), lambda: datetime.now(UTC))
    runs = [await _all(chat.ask(ANN, "t", "what?"), Telling("t", "r0"))]
    while interrupts := runs[-1][-1].get("outcome", {}).get("interrupts"):
        answers = {one["id"]: yes[len(runs) % len(yes)] for one in interrupts}
        runs.append(await _all(chat.answer(ANN, "t", answers), Telling("t", f"r{len(runs)}")))
    return runs, toys


@settings(max_examples=60, deadline=None)
@given(turns, st.lists(st.booleans(), min_size=1, max_size=3))
def test_every_answer_is_a_whole_run_of_valid_events(wanted: Any, yes: Sequence[bool]) -> None:
    runs, toys = asyncio.run(_converse(wanted, yes))
    waiting: frozenset[str] = frozenset()
    for events in runs:
        waiting = check_lifecycle(events, waiting)
    asked = [one for events in runs for one in events[-1].get("outcome", {}).get("interrupts", ())]
    assert len(toys.done) <= len(asked), "nothing is done that was not asked"
    if not any(yes):
        assert not toys.done


async def test_a_confirmed_act_is_done_once_with_exactly_what_was_shown() -> None:
    runs, toys = await _converse([[("act", {"what": "x"})]], [True])
    (interrupt,) = runs[0][-1]["outcome"]["interrupts"]
    assert interrupt["metadata"]["arguments"] == toys.done[0] == {"what": "x", "by": "ann"}
    assert len(toys.done) == 1
    assert runs[1][-1]["outcome"] == {"type": "success"}
