"""The operators' chat as AG-UI says it (https://docs.ag-ui.com): events of the official SDK. Start with `Telling.of`.

A run of AG-UI is one answer. What is to be confirmed is an interrupt, at which the run ends; the next one brings the
answer in `resume`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from ag_ui.core import (
    BaseEvent,
    CustomEvent,
    Interrupt,
    ReasoningEndEvent,
    ReasoningMessageContentEvent,
    ReasoningMessageEndEvent,
    ReasoningMessageStartEvent,
    ReasoningStartEvent,
    RunErrorEvent,
    RunFinishedEvent,
    RunFinishedInterruptOutcome,
    RunFinishedSuccessOutcome,
    RunStartedEvent,
    StepFinishedEvent,
    StepStartedEvent,
    TextMessageContentEvent,
    TextMessageEndEvent,
    TextMessageStartEvent,
    ToolCallArgsEvent,
    ToolCallEndEvent,
    ToolCallResultEvent,
    ToolCallStartEvent,
)

from agent.ids import new_id
from agent.operating.types import (
    Asks,
    Began,
    Called,
    Card,
    ChatEvent,
    Confirmation,
    Ended,
    Over,
    Returned,
    Thought,
    Wrote,
)
from agent.store.queries import iso

CARDS = "segue.cards"
"""Name of the event with what an answer is about: `[{kind, id, title, detail}]`."""
SUGGESTIONS = "segue.suggestions"
"""Name of the event with questions that follow: `[text]`."""
CONFIRMATION = "confirmation"
"""Reason of every interrupt."""
ANSWER_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"approved": {"type": "boolean"}},
    "required": ["approved"],
    "additionalProperties": False,
}


class Telling:
    """Turns the events of one answer into AG-UI's."""

    def __init__(self, thread: str, run: str) -> None:
        self._thread = thread
        self._run = run
        self._interrupts: list[Interrupt] = []

    def begin(self) -> BaseEvent:
        """What comes first."""
        return RunStartedEvent(thread_id=self._thread, run_id=self._run)

    def of(self, event: ChatEvent) -> Iterator[BaseEvent]:
        """What says the same."""
        match event:
            case Began():
                yield StepStartedEvent(step_name=event.step)
            case Ended():
                yield StepFinishedEvent(step_name=event.step)
            case Thought():
                yield from _reasoning(event)
            case Called():
                yield ToolCallStartEvent(tool_call_id=event.id, tool_call_name=event.tool)
                yield ToolCallArgsEvent(tool_call_id=event.id, delta=json.dumps(event.arguments, default=dict))
                yield ToolCallEndEvent(tool_call_id=event.id)
            case Returned():
                yield ToolCallResultEvent(
                    message_id=new_id(), tool_call_id=event.id, content=_content(event), role="tool"
                )
                if event.found is not None and event.found.cards:
                    yield _cards(event.found.cards)
            case Asks():
                self._interrupts.append(_interrupt(event.confirmation, event.call))
                if event.confirmation.proposal.cards:
                    yield _cards(event.confirmation.proposal.cards)
            case Wrote():
                yield from _text(event.text)
            case Over():
                yield from self._over(event)

    def _over(self, event: Over) -> Iterator[BaseEvent]:
        if event.state == "failed":
            yield RunErrorEvent(message=event.detail, code=event.code)
            return
        if event.suggestions:
            yield CustomEvent(name=SUGGESTIONS, value=list(event.suggestions))
        outcome: RunFinishedInterruptOutcome | RunFinishedSuccessOutcome = RunFinishedSuccessOutcome()
        if event.state == "waiting":
            outcome = RunFinishedInterruptOutcome(interrupts=self._interrupts)
        yield RunFinishedEvent(thread_id=self._thread, run_id=self._run, outcome=outcome)


def on_the_wire(event: BaseEvent) -> bytes:
    """As a server-sent event; plain ASCII, so that no text in it can end a line."""
    said = event.model_dump(by_alias=True, exclude_none=True)
    return f"data: {json.dumps(said, separators=(',', ':'), default=dict)}\n\n".encode("ascii")


def _reasoning(event: Thought) -> Iterator[BaseEvent]:
    name = new_id()
    yield ReasoningStartEvent(message_id=name)
    yield ReasoningMessageStartEvent(message_id=name, role="reasoning")
    if event.reason:
        yield ReasoningMessageContentEvent(message_id=name, delta=event.reason)
    yield ReasoningMessageEndEvent(message_id=name)
    yield ReasoningEndEvent(message_id=name)


def _text(text: str) -> Iterator[BaseEvent]:
    name = new_id()
    yield TextMessageStartEvent(message_id=name, role="assistant")
    if text:
        yield TextMessageContentEvent(message_id=name, delta=text)
    yield TextMessageEndEvent(message_id=name)


def _content(event: Returned) -> str:
    """The result for a program; its words are the answer's."""
    told: dict[str, Any] = {"state": event.state}
    if event.error is not None:
        told["error"] = event.error
    if event.found is not None:
        told["result"] = event.found.data
    return json.dumps(told, default=dict)


def _cards(cards: tuple[Card, ...]) -> CustomEvent:
    return CustomEvent(name=CARDS, value=[asdict(card) for card in cards])


def _interrupt(asked: Confirmation, call: str) -> Interrupt:
    proposal = asked.proposal
    return Interrupt(
        id=asked.id,
        reason=CONFIRMATION,
        message=f"{proposal.title}. {proposal.consequence}",
        tool_call_id=call,
        response_schema=dict(ANSWER_SCHEMA),
        expires_at=iso(asked.expires_at),
        metadata={
            "tool": proposal.tool,
            "arguments": json.loads(json.dumps(proposal.arguments, default=dict)),
            "digest": asked.digest,
            "title": proposal.title,
            "consequence": proposal.consequence,
        },
    )
