"""A conversation with a running Segue, from a client's side. Start with `Conversation.ask`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from agent.ids import new_id
from api.client import Client, StreamLost
from api.following import EventReader
from api.terminal import CommandError

SILENCE_S = 120.0
"""A chat model may think for so long."""
KEPT = 40
"""Messages that are sent along."""


class Conversation:
    """Asks, answers interrupts, and keeps what was said."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._thread = new_id()
        self._messages: list[dict[str, str]] = []
        self.interrupts: list[dict[str, Any]] = []
        """What the last answer wants confirmed."""

    def ask(self, question: str) -> Iterator[dict[str, Any]]:
        """The events of AG-UI that answer it. Raises `CommandError`."""
        self._messages.append({"id": new_id(), "role": "user", "content": question})
        return self._go({})

    def answer(self, answers: Mapping[str, bool]) -> Iterator[dict[str, Any]]:
        """Go on after the interrupts: id -> yes or no. Raises `CommandError`."""
        resume = [
            {"interruptId": name, "status": "resolved", "payload": {"approved": yes}} for name, yes in answers.items()
        ]
        return self._go({"resume": resume})

    def _go(self, more: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        self.interrupts = []
        body = {
            "threadId": self._thread,
            "runId": new_id(),
            "messages": self._messages[-KEPT:],
            "tools": [],
            "context": [],
            "state": {},
            "forwardedProps": {},
            **more,
        }
        words = ""
        over = False
        try:
            for told in EventReader().read(self._client.lines_of("/v1/chat", body, SILENCE_S)):
                event = told.data
                match event.get("type"):
                    case "TEXT_MESSAGE_CONTENT":
                        words += str(event.get("delta", ""))
                    case "RUN_FINISHED":
                        over = True
                        self.interrupts = _interrupts(event)
                    case "RUN_ERROR":
                        over = True
                yield event
        except StreamLost as error:
            raise CommandError(f"The answer broke off: {error}") from error
        if not over:
            raise CommandError("The answer broke off: the server closed the stream.")
        if words:
            self._messages.append({"id": new_id(), "role": "assistant", "content": words})


def _interrupts(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    outcome = event.get("outcome")
    found = outcome.get("interrupts") if isinstance(outcome, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def shown_arguments(interrupt: Mapping[str, Any]) -> str:
    """The exact arguments that are confirmed, a line each."""
    metadata = interrupt.get("metadata")
    arguments = metadata.get("arguments") if isinstance(metadata, dict) else None
    if not isinstance(arguments, dict):
        return ""
    return "\n".join(f"  {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in arguments.items())
