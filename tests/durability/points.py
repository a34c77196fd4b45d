"""The named points of an event's path at which a process can be killed. Start with `Fuse`.

A point is a word of `WRITES`, of the calls or of the engine, and where in it: `claim.before` (nothing done),
`claim.within` (every statement executed, nothing committed), `claim.after` (committed). `claim.after#2` is the second
time it is passed. A write without a word fails the life that makes it, so that none is forgotten.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from functools import partial
from types import CodeType
from typing import Any

import httpx
from dbos._sys_db import SystemDatabase

from agent.store.database import Database
from agent.types import Decider, Decision, Situation
from memory.index import EpisodeIndex
from tools.registry import ToolRegistry

WRITES: Mapping[str, str | None] = {
    "Accepting._accept.store": "accept",
    "Dispatcher._dispatch": "start",
    "Dispatcher._go_on": "replace",
    "Dispatcher._go": "give-back",
    "Leases.take_over.take": "takeover",
    "Leases.leave.leave": "handover",
    "RunStages.settle.settle": "park",
    "RunStages.decide": "decision",
    "Ledger.perform": "claim",
    "Ledger._finish.end": "result",
    "Ledger._finish_late.end": "late-result",
    "Segue.answer": "answer",
    "Segue.settle.work": "settle",
    "Segue.cancel.work": "cancel",
    "Pauses.pause.pause": "pause",
    "Pauses.resume.resume": "resume",
    "Switches.switch.turn": "switch",
    "Switches.stop_harm.stop": "stop-harm",
    "DeadLetters.replay.work": "replay",
    "DeadLetters.discard.work": "discard",
    "Judging.outcome.take": "judge",
    "Sources.revoke": "revoke",
    "Sources.restore": "restore",
    # The index follows what was revoked, whenever.
    "LeavingOut._take_out": None,
    "LeavingOut._take_in": None,
    # A note beside the path of events.
    "Assigning.assign.assign": None,
    "Recording.record.close": "episode",
    "Remembering._join.join": "join",
    "Remembering._index": "indexed",
    # Comes by the clock, whatever happens.
    "Leases.renew": None,
    # Not in the path of an event: the index is made anew on demand, or because it cannot be read.
    "Remembering._mark": None,
    # Lessons are distilled beside the path of events, and changed by operators.
    "Distilling._write": None,
    # So are changes of actions looked for.
    "Drifting.look": None,
    "Lessons.edit.edit": None,
    "Lessons.retire.retire": None,
    # Housekeeping goes on beside the path of events, and is asked for by operators.
    "Tidying._take_out": None,
    "Tidying._put": None,
    "Tidying._gather_some": None,
    "Tidying._retell_some": None,
    "Tidying._forget": None,
    "Housekeeping.keep.keep": None,
    # Acts that change nothing else, and what was started with.
    "Activity.note.note": None,
    "Activity.started.note": None,
    # Pruning is no part of an event's path; it has tests of its own.
    "_remove": None,
    "_remove_some": None,
    "_remove_activity": None,
    "forget_index": None,
}
"""Function that writes -> the word for what it writes; None for what is no part of an event's path.

Where one function makes several writes, a name that only this one uses follows a colon.
"""

LOOKS = frozenset({"start", "takeover"})
"""Writes that mostly find nothing to do: only when they found something has a point been passed."""

ENGINE = {
    "init_workflow": "engine-start",
    "record_operation_result": "engine-step",
    "update_workflow_outcome": "engine-end",
}
"""What the durable engine writes of its own."""

KEY = "Idempotency-Key"

UNNAMED = 3
"""How a life ends that makes a write without a word."""


class Unnamed(Exception):
    """A write that has no word in `WRITES`."""


def word_of(place: str, names: frozenset[str]) -> str | None:
    """The word for a write made at `place` (a qualified name) that uses `names`. Raises `Unnamed`."""
    place = place.replace(".<locals>", "").replace(".<lambda>", "")
    if place in WRITES:
        return WRITES[place]
    for known, word in WRITES.items():
        function, _, used = known.partition(":")
        if function == place and used in names:
            return word
    raise Unnamed(f"the write in {place!r} has no word in tests/durability/points.py; uses {sorted(names)}")


def names_in(code: CodeType) -> frozenset[str]:
    """Names a function uses."""
    return frozenset((*code.co_names, *code.co_freevars))


class Fuse:
    """Names the points a life passes and kills it at one of them."""

    def __init__(self, *, die_on: str | None, die_at: int | None, last_words: Callable[[], None]) -> None:
        """`die_on`: name and count of the point. `die_at`: number of the point from 1. Neither: no death."""
        self._die_on = die_on
        self._die_at = die_at
        self._last_words = last_words
        self._passing = threading.Lock()
        self.passed: list[str] = []
        self.accepts = "accept"
        """The word for what the driver sends at the moment."""
        self.armed = True
        """Whether points are counted; not any more once the story is told."""

    def point(self, name: str) -> None:
        """Pass one point, or die there."""
        with self._passing:
            if not self.armed:
                return
            count = sum(one.rpartition("#")[0] == name for one in self.passed) + 1
            self.passed.append(f"{name}#{count}")
            if self._die_at == len(self.passed) or self._die_on == self.passed[-1]:
                self._last_words()
                os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """Put points around everything that outlives the process."""
        _replace(Database, "write", self._around_write)
        _replace(ToolRegistry, "call", self._around_call)
        _replace(httpx.AsyncClient, "send", self._around_send)
        _replace(EpisodeIndex, "add", self._around_index)
        for name, word in ENGINE.items():
            if hasattr(SystemDatabase, name):
                _replace(SystemDatabase, name, partial(self._around_engine, word))

    def _around_write(self, original: Callable[..., Awaitable[Any]]) -> Any:
        async def write(database: Database, work: Callable[..., Any], **named: Any) -> Any:
            word = self._word(work)
            if word is None:
                return await original(database, work, **named)
            looks = word in LOOKS

            def within(connection: Any) -> Any:
                result = work(connection)
                if not looks or _found(result):
                    self.point(f"{word}.within")
                return result

            if not looks:
                self.point(f"{word}.before")
            result = await original(database, within, **named)
            if not looks or _found(result):
                self.point(f"{word}.after")
            return result

        return write

    def _word(self, work: Callable[..., Any]) -> str | None:
        try:
            word = word_of(work.__qualname__, names_in(work.__code__))
        except Unnamed as error:
            # An exception would be taken for the store's own and tried again.
            print(error, file=sys.stderr, flush=True)
            os._exit(UNNAMED)
        return self.accepts if word == "accept" else word

    def _around_call(self, original: Callable[..., Awaitable[Any]]) -> Any:
        async def call(registry: ToolRegistry, name: str, *given: Any, **named: Any) -> Any:
            self.point(f"send-{name}.before")
            _tool.set(name)
            answer = await original(registry, name, *given, **named)
            self.point(f"receive-{name}.after")
            return answer

        return call

    def _around_send(self, original: Callable[..., Awaitable[Any]]) -> Any:
        async def send(client: httpx.AsyncClient, request: httpx.Request, **named: Any) -> Any:
            if KEY in request.headers:
                request.extensions["trace"] = self._traced(request.extensions.get("trace"), _tool.get())
            return await original(client, request, **named)

        return send

    def _traced(self, inner: Callable[..., Awaitable[None]] | None, tool: str) -> Callable[..., Awaitable[None]]:
        async def trace(event: str, info: Mapping[str, object]) -> None:
            if inner is not None:
                await inner(event, info)
            if event.endswith("send_request_body.complete"):
                self.point(f"send-{tool}.after")
            if event.endswith("receive_response_headers.complete"):
                self.point(f"receive-{tool}.before")

        return trace

    def _around_index(self, original: Callable[..., Awaitable[Any]]) -> Any:
        async def add(index: EpisodeIndex, *given: Any, **named: Any) -> Any:
            self.point("index.before")
            result = await original(index, *given, **named)
            self.point("index.after")
            return result

        return add

    def _around_engine(self, word: str, original: Callable[..., Any]) -> Any:
        def engine_write(*given: Any, **named: Any) -> Any:
            self.point(f"{word}.before")
            result = original(*given, **named)
            self.point(f"{word}.after")
            return result

        return engine_write


def _found(result: Any) -> bool:
    return bool(getattr(result, "starts", result))


_tool: ContextVar[str] = ContextVar("tool", default="unknown")


class PointedDecider:
    """A decider with points around each of its answers: the model call."""

    def __init__(self, decider: Decider, fuse: Fuse) -> None:
        self.name = decider.name
        self._decider = decider
        self._fuse = fuse

    async def decide(self, situation: Situation) -> Decision:
        """What the decider behind it decides."""
        self._fuse.point("model.before")
        decision = await self._decider.decide(situation)
        self._fuse.point("model.after")
        return decision


def _replace(owner: Any, name: str, around: Callable[[Any], Any]) -> None:
    setattr(owner, name, around(getattr(owner, name)))
