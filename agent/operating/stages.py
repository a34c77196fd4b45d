"""What the supervisor's nodes do in the operators' chat: the same graph, with the operators' tools and no store.

Start with `ChatStages`. Nothing of it is durable: what it does is done by the functions behind the API, each of which
is repeatable by itself; a conversation that a crash cut off is begun anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from agent.canonical import digest
from agent.errors import Conflict, NotFound, Refused
from agent.graph import FINISHED, End, Turn
from agent.ids import new_id
from agent.operating.citing import unknown_ids, with_warning
from agent.operating.threads import Thread, Threads, Waiting
from agent.operating.types import (
    Asker,
    Asks,
    Began,
    Called,
    ChatEvent,
    Ended,
    Found,
    OperatorTool,
    Over,
    Returned,
    Said,
    Step,
    Thought,
    Toolbox,
    Wrote,
)
from agent.service import Segue
from agent.store.decisions import Pending
from agent.store.runs import Start
from agent.types import Budget, Call, CallResult, CallState, Decider, DeciderError, Decision, Event, Situation
from tools.arguments import check_arguments
from tools.errors import ToolError, shorten

ASKED = "operator.asked"
"""The type of what an operator says, as a decider sees it."""
DECISIONS = 6
CALLS = 12
TOKENS = 60_000
SECONDS = 90.0
DESCRIPTION = (
    "An operator of Segue asks about its runs, or wants something done. Look up what the answer needs with the "
    "functions, then answer in plain words. Name the ids of the runs the answer rests on. If the functions cannot "
    "answer it, say so, and what they can."
)
EARLIER = 12
"""Messages of the conversation before that a decider sees."""
EARLIER_CHARS = 1_000


@dataclass(frozen=True, kw_only=True)
class Answering:
    """A message that is answered."""

    asker: Asker
    thread: Thread
    before: Sequence[Said]
    """The conversation up to it."""
    tell: Callable[[ChatEvent], None]
    """Is told what happens, as it does."""


class ChatStages:
    """The stages of one answer."""

    def __init__(
        self,
        segue: Segue,
        decider: Decider,
        toolbox: Toolbox,
        threads: Threads,
        answering: Answering,
        clock: Callable[[], datetime],
    ) -> None:
        self._segue = segue
        self._decider = decider
        self._toolbox = {name: one for name, one in toolbox.items() if one.scope in answering.asker.scopes}
        self._threads = threads
        self._thread = answering.thread
        self._asker = answering.asker
        self._before = answering.before
        self._tell = answering.tell
        self._clock = clock
        self._began = clock()
        self._tokens = 0
        self._calls: dict[tuple[int, int], tuple[str, Call]] = {}
        self._suggestions: tuple[str, ...] = ()

    async def settle(self, start: Start) -> Pending:
        """What an operator has answered by now: calls that were confirmed go on, the others are turned down."""
        thread = self._thread
        act: list[int] = []
        for one in [*thread.waiting.values()]:
            if one.answer is None:
                return Pending(number=one.decision, act=(), wait=True)
            if one.answer and not self._threads.is_over(one.confirmation):
                self._calls[one.decision, one.index] = (one.id, one.call)
                act.append(one.index)
                continue
            why = "the operator said no" if not one.answer else "it was confirmed too late; ask again"
            del thread.waiting[one.confirmation.id]
            self._close(one.decision, one.index, one.id, one.call, "rejected", error=why)
        return Pending(number=thread.decision, act=tuple(act), wait=False)

    async def recall(self, run: str, *, fresh: bool, before: Situation | None) -> Situation:
        """The question, the conversation before it, and what was looked up so far; memory has no part in it."""
        thread = self._thread
        elapsed = (self._clock() - self._began).total_seconds()
        now = self._clock()
        earlier = [{"role": one.role, "text": shorten(one.text, EARLIER_CHARS)} for one in [*self._before][-EARLIER:]]
        event = Event(
            source="/segue/chat",
            id=run,
            type=ASKED,
            subject=self._asker.name,
            time=now,
            data={"question": thread.question, "now": now.isoformat(), "earlier": earlier},
        )
        return Situation(
            run=run,
            decision=thread.decision + 1,
            event=event,
            event_description=DESCRIPTION,
            text=thread.question,
            features={},
            goals={},
            tools=tuple(one.tool for one in self._toolbox.values()),
            bound={},
            playbook=None,
            evidence={},
            results=tuple(thread.results),
            budget=Budget(
                decisions=DECISIONS - thread.decision,
                calls=CALLS - len(thread.results),
                seconds=SECONDS - elapsed,
                tokens=TOKENS - self._tokens,
            ),
            events=(event,),
        )

    async def decide(self, start: Start, prepared: Situation | End) -> Turn:
        """Ask the decider; what it wants to look up is permitted, what it wants to do waits for a confirmation."""
        if isinstance(prepared, End):
            return Turn(number=0, end=prepared)
        thread, left = self._thread, prepared.budget
        if min(left.decisions, left.calls, left.tokens, left.seconds) <= 0:
            detail = "this question takes more than one answer may; ask for less at once"
            return Turn(number=thread.decision, end=End(status="stopped", code="limit", detail=detail))
        with self._step("decide"):
            try:
                decision = await self._decider.decide(prepared)
            except DeciderError as error:
                return Turn(number=thread.decision, end=End(status="failed", code=error.code, detail=error.detail))
            thread.decision += 1
            self._tokens += decision.tokens
            if decision.kind != "act":
                asked = decision.question
                said = decision.reason if asked is None else asked.text
                return Turn(number=thread.decision, end=End(status="done", code=FINISHED, detail=said))
            self._tell(Thought(reason=decision.reason, decided_by=decision.decided_by))
            return await self._checked(decision)

    @contextmanager
    def _step(self, step: Step) -> Iterator[None]:
        self._tell(Began(step=step))
        try:
            yield
        finally:
            self._tell(Ended(step=step))

    async def _checked(self, decision: Decision) -> Turn:
        thread = self._thread
        for refused in decision.refused:
            thread.results.append(refused)
        act: list[int] = []
        ask = False
        for index, call in enumerate(decision.calls):
            id_ = new_id()
            self._calls[thread.decision, index] = (id_, call)
            self._tell(Called(id=id_, tool=call.tool, arguments=call.arguments))
            one = self._toolbox.get(call.tool)
            why = "there is no such function" if one is None else "; ".join(check_arguments(one.tool, call.arguments))
            if one is None or why:
                self._close(thread.decision, index, id_, call, "refused", error=why)
            elif one.proposes is None:
                act.append(index)
            else:
                ask = await self._propose(one, index, id_, call) or ask
        return Turn(number=thread.decision, act=tuple(act), ask=ask)

    async def _propose(self, one: OperatorTool, index: int, id_: str, call: Call) -> bool:
        """Whether there is something to confirm."""
        thread = self._thread
        if one.proposes is None:
            raise RuntimeError(f"{call.tool} does nothing that must be confirmed")
        try:
            proposal = await one.proposes(self._segue, self._asker, call.arguments)
        except (ToolError, NotFound, Conflict, Refused) as error:
            self._close(thread.decision, index, id_, call, "failed", error=str(error))
            return False
        confirmation = self._threads.confirmation(proposal)
        exact = replace(call, arguments=proposal.arguments)
        thread.waiting[confirmation.id] = Waiting(
            confirmation=confirmation, decision=thread.decision, index=index, call=exact, id=id_
        )
        self._tell(Asks(confirmation=confirmation, call=id_))
        return True

    async def act(self, start: Start, number: int, indices: Sequence[int]) -> tuple[CallState, ...]:
        """Look up, or do what was confirmed, one after the other: an answer's few calls take no time."""
        with self._step("act"):
            return tuple([await self._perform(number, index) for index in indices])

    async def _perform(self, number: int, index: int) -> CallState:
        id_, call = self._calls[number, index]
        one = self._toolbox.get(call.tool)
        confirmed = next(
            (other for other in self._thread.waiting.values() if (other.decision, other.index) == (number, index)), None
        )
        if confirmed is not None:
            del self._thread.waiting[confirmed.confirmation.id]
        if one is None:
            # Asked for with a key that was given other scopes since.
            self._close(number, index, id_, call, "refused", error=f"your key does not permit {call.tool} any more")
            return "refused"
        if confirmed is not None and confirmed.confirmation.digest != digest([call.tool, call.arguments]):
            raise RuntimeError("what is to be done is not what was confirmed")
        work = one.reads if confirmed is None else one.does
        if work is None:
            raise RuntimeError(f"{call.tool} was not confirmed")
        try:
            found = await work(self._segue, self._asker, call.arguments)
        except (ToolError, NotFound, Conflict, Refused) as error:
            self._close(number, index, id_, call, "failed", error=str(error))
            return "failed"
        self._close(number, index, id_, call, "done", found=found)
        return "done"

    def _close(
        self,
        number: int,
        index: int,
        id_: str,
        call: Call,
        state: CallState,
        *,
        found: Found | None = None,
        error: str | None = None,
    ) -> None:
        if found is not None:
            self._suggestions = found.suggestions
        self._thread.results.append(
            CallResult(
                decision=number,
                index=index,
                call=call,
                state=state,
                result=None if found is None else {**found.data, "words": found.words},
                error=error,
                decided_by=self._decider.name,
            )
        )
        if state in ("done", "failed", "refused", "rejected"):
            self._tell(Returned(id=id_, state=state, found=found, error=error))

    async def record(self, start: Start, end: End, prepared: Situation | None = None) -> None:
        """Say the answer; there is nothing to remember of it."""
        if end.status == "done":
            thread = self._thread
            asked = [thread.question, *(said.text for said in self._before)]
            made_up = unknown_ids(end.detail, asked, thread.results)
            self._tell(Wrote(text=with_warning(end.detail, made_up)))
        ended: Literal["done", "failed"] = "done" if end.status == "done" else "failed"
        self._tell(Over(state=ended, code=end.code, detail=end.detail, suggestions=self._suggestions))
