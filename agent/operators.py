"""The operators' chat: words in, looked-up answers and confirmed acts out. Start with `OperatorsChat.ask`.

It is no second engine: the graph of a run with the operators' tools (`agent.operating`). It reads through the functions
the API uses, acts only through those behind its routes, after a confirmation of the exact arguments, never calls a
company's tool itself and writes no episodes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from agent.doors import through
from agent.errors import Conflict, NotFound
from agent.graph import build_graph, first_state
from agent.ids import new_id
from agent.operating.stages import Answering, ChatStages
from agent.operating.threads import Thread, Threads
from agent.operating.types import Asker, ChatEvent, Over, Said, Toolbox
from agent.service import Segue
from agent.store.runs import Start
from agent.types import Decider

log = logging.getLogger(__name__)

MOST_CHARS = 4_000
"""Of one question."""


class OperatorsChat:
    """Answers operators, each conversation one message at a time."""

    def __init__(
        self, segue: Segue, decider: Callable[[Asker], Decider], toolbox: Toolbox, clock: Callable[[], datetime]
    ) -> None:
        """`decider` routes the questions of one operator and words the answers."""
        self._segue = segue
        self._decider = decider
        self._toolbox = toolbox
        self._clock = clock
        self._threads = Threads(clock)
        self.scopes = {name: one.scope for name, one in toolbox.items()}
        """By what the chat can do: the scope that it needs, asked for again when it is done."""
        self.answering = 0
        """Answers being made now."""

    async def ask(
        self, asker: Asker, thread: str, question: str, before: Sequence[Said] = ()
    ) -> AsyncGenerator[ChatEvent]:
        """Answer a question, as it goes; `before` is the conversation up to it.

        What an earlier answer of the thread asked to be confirmed, and was not, is dropped. Raises `Conflict` while
        another message of the thread is being answered.
        """
        kept = self._free(asker, thread)
        kept.begin(question[:MOST_CHARS])
        async for event in self._go(asker, kept, before):
            yield event

    async def answer(
        self, asker: Asker, thread: str, answers: Mapping[str, bool], before: Sequence[Said] = ()
    ) -> AsyncGenerator[ChatEvent]:
        """Go on with what waited for a confirmation: id -> yes or no, one for each that waits.

        Raises `NotFound` where such a confirmation does not wait in this operator's conversation (any more), and
        `Conflict` where one that waits is not answered.
        """
        kept = self._free(asker, thread)
        unknown = sorted(answers.keys() - kept.waiting.keys())
        if unknown:
            raise NotFound(f"nothing waits under the confirmation {unknown[0][:80]!r}; ask again")
        missing = sorted(kept.waiting.keys() - answers.keys())
        if missing:
            raise Conflict(f"the confirmation {missing[0]!r} is not answered; answer all that wait at once")
        for name, yes in answers.items():
            kept.waiting[name].answer = yes
        kept.segment += 1
        async for event in self._go(asker, kept, before):
            yield event

    def _free(self, asker: Asker, thread: str) -> Thread:
        kept = self._threads.of(asker, thread)
        if kept.busy:
            raise Conflict("another message of this conversation is being answered; wait for it, or stop it")
        return kept

    async def _go(self, asker: Asker, thread: Thread, before: Sequence[Said]) -> AsyncGenerator[ChatEvent]:
        told: asyncio.Queue[ChatEvent | None] = asyncio.Queue()
        stages = ChatStages(
            self._segue,
            self._decider(asker),
            self._toolbox,
            self._threads,
            Answering(asker=asker, thread=thread, before=before, tell=told.put_nowait),
            self._clock,
        )
        thread.busy = True
        self.answering += 1
        start = Start(run=new_id(), segment=thread.segment, owner=asker.name)
        working = asyncio.create_task(self._run(stages, start, thread, told))
        try:
            while (event := await told.get()) is not None:
                yield event
            await working
        finally:
            # Whoever stops listening stops the answer.
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
            thread.busy = False
            self.answering -= 1

    async def _run(
        self, stages: ChatStages, start: Start, thread: Thread, told: asyncio.Queue[ChatEvent | None]
    ) -> None:
        try:
            with through("chat"):
                await build_graph(stages).ainvoke(first_state(start))
            if thread.waiting:
                told.put_nowait(Over(state="waiting", code="confirm", detail="waits for a confirmation"))
        except Exception:
            log.exception("an answer of the operators' chat failed")
            told.put_nowait(Over(state="failed", code="internal", detail="the answer broke off; see Segue's log"))
        finally:
            told.put_nowait(None)
