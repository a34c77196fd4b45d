"""The ledger around a tool call: claim before, result after, and what a call in doubt becomes.

Start with `Ledger.perform`.

A key that is found claimed was claimed by a process that is gone: the call is in doubt. A call in doubt is repeated
under its own key if the tool is idempotent or only reads, and is `unknown` otherwise.

A tool that keeps failing is left alone for a while (`breaker`); one that is held (paused) is not called at all.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from agent.breaker import GuardedTools, NotSent
from agent.store.database import Database
from agent.store.history import NONSENSE
from agent.store.large import Stored, pack
from agent.store.ledger import Claim, Effect, asked, claim, finish, finish_late, found, refuse_call
from agent.store.queue import hindrance, paused, pausing
from agent.store.runs import Start, Superseded, hold, is_mine
from agent.types import CallState, EffectState
from agent.verifying import own_result
from tools.types import Answer, Answered, Declined, InDoubt, JsonValue, Nonsense, Tool

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How often and how long a call is tried again under its own key."""

    attempts: int = 3
    backoff_s: float = 0.2
    """Wait before the second attempt; doubles, with jitter. Added to what a tool asks for with Retry-After."""
    longest_backoff_s: float = 10.0
    longest_retry_after_s: float = 10.0
    """A tool that asks for a longer wait is not called again by this effect; the decider is told."""


class Held(Exception):
    """The call must not be made now, and nothing was claimed: its tool, its event type or everything is paused."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        """As in `runs.held`."""


@dataclass(frozen=True, kw_only=True)
class _Ending:
    state: EffectState
    result: JsonValue
    error: str | None
    attempts: int
    verified: float | None = None
    """The tool's own word on it, see `own_result`."""


class Ledger:
    """Carries out the calls of a run, each at most once per key."""

    def __init__(
        self,
        database: Database,
        tools: GuardedTools,
        clock: Callable[[], datetime],
        patience: Patience,
        jitter: random.Random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._tools = tools
        self._clock = clock
        self._patience = patience
        self._jitter = jitter
        self._sleep = sleep
        self._reads = frozenset(name for name, tool in tools.tools.items() if tool.governance.effect == "read")

    async def perform(self, start: Start, decision: int, indices: Sequence[int]) -> tuple[CallState, ...]:
        """Carry out permitted calls of one decision at once, or find out how they ended already; a state each.

        Never raises for what a tool does. Raises `Superseded` when the run is another's by now; `Held` when one of the
        calls is paused, once the others have ended.
        """
        # Sent at once: a crash between claim and call leaves a doubt behind that nothing justifies.
        claims = await self._database.write(
            lambda connection: self._claim(connection, start, decision, indices, self._clock()), at_once=True
        )
        # When one fails the others are waited for: what follows a failure must not meet a call in flight.
        ends = await asyncio.gather(*(self._go_through(start, claim) for claim in claims), return_exceptions=True)
        states: list[CallState] = []
        for end in ends:
            if isinstance(end, BaseException):
                raise end
            states.append(end)
        return tuple(states)

    async def _go_through(self, start: Start, claimed: Claim | Held | None) -> CallState:
        if claimed is None:
            return "refused"
        if isinstance(claimed, Held):
            raise claimed
        effect = claimed.effect
        if claimed.kind == "known" and effect.state != "claimed":
            return _settled(effect.state)
        ending = await self._carry_out(start, effect, in_doubt=claimed.kind == "known")
        return await self._finish(start, effect, ending)

    async def _carry_out(self, start: Start, effect: Effect, *, in_doubt: bool) -> _Ending:
        tool = self._tools.tools.get(effect.tool)
        if tool is None:
            return _without_tool(effect, sent=in_doubt)
        if in_doubt and not _repeatable(tool):
            error = "the call was cut off in the middle and the tool is not idempotent: it may have happened"
            return _Ending(state="unknown", result=None, error=error, attempts=1)
        return await self._try(start, tool, effect, in_doubt=in_doubt)

    async def _finish(self, start: Start, effect: Effect, ending: _Ending) -> CallState:
        result = await pack(ending.result)

        def end(connection: Connection) -> EffectState:
            return finish(
                connection,
                start,
                effect,
                state=ending.state,
                result=result,
                error=ending.error,
                attempts=ending.attempts,
                verified=ending.verified,
                now=self._clock(),
            )

        try:
            return _settled(await self._database.write(end))
        except Superseded:
            if ending.state == "done":
                await self._finish_late(effect.key, result, ending)
            raise

    async def _finish_late(self, key: str, result: Stored, ending: _Ending) -> None:
        """What a tool told a worker that has lost the run is the truth all the same."""

        def end(connection: Connection) -> None:
            attempts, verified = ending.attempts, ending.verified
            finish_late(connection, key, result=result, attempts=attempts, verified=verified, now=self._clock())

        await self._database.write(end)

    def _claim(
        self, connection: Connection, start: Start, decision: int, indices: Sequence[int], now: datetime
    ) -> list[Claim | Held | None]:
        """A claim for each call; None if it is refused by now, or the run is to be cancelled."""
        cancelled_by = hold(connection, start)
        wanted = asked(connection, start.run, decision, reads=self._reads)
        known = found(connection, start.run, decision)
        pauses = pausing(connection, start.run)
        told: dict[int, Claim | Held | None] = {}
        fresh: list[Effect] = []
        for index in indices:
            effect, before = wanted[index], known.get(index)
            if effect is None:
                told[index] = None
            elif before is not None and before.state != "claimed":
                told[index] = Claim(kind="known", effect=before)
            elif cancelled_by is not None:
                told[index] = None
                if before is None:
                    refuse_call(connection, start.run, decision, index, f"{cancelled_by} has cancelled the run")
            elif (reason := hindrance(pauses, effect.event_type, effect.tool)) and self._might_send(before):
                told[index] = Held(reason)
            elif before is not None:
                told[index] = Claim(kind="known", effect=before)
            else:
                fresh.append(effect)
        for one, claimed in zip(fresh, claim(connection, fresh, start.owner, now), strict=True):
            told[one.index] = None if claimed.kind == "blocked" else claimed
            if claimed.kind == "blocked":
                why = f"effect {claimed.effect.key!r} of the same call is in doubt until an operator has settled it"
                refuse_call(connection, start.run, decision, one.index, why)
        return [told[index] for index in indices]

    async def _try(self, start: Start, tool: Tool, effect: Effect, *, in_doubt: bool) -> _Ending:
        """Call until the tool says what became of it. `in_doubt`: an earlier attempt under this key may have acted."""
        answer: Answer | None = InDoubt(error="the call was cut off in the middle") if in_doubt else None
        attempts = 0
        while attempts < self._patience.attempts:
            if attempts:
                await self._sleep(self._wait(attempts, answer))
            said = await self._send(start, tool, effect, attempts)
            if isinstance(said, NotSent):
                attempts = max(attempts, 1) if in_doubt else attempts
                answer = _unsent(answer, said)
                break
            attempts += 1
            answer = said
            in_doubt = in_doubt or isinstance(answer, InDoubt)
            if not self._again(tool, answer, in_doubt=in_doubt):
                break
            log.info("call %s of %s may be repeated under its key: %s", effect.key, tool.name, answer)
        ending = _ending(tool, answer, attempts, in_doubt=in_doubt)
        if ending.state == "unknown":
            return ending
        return replace(ending, verified=own_result(tool, effect.arguments, answer))

    async def _send(self, start: Start, tool: Tool, effect: Effect, attempts: int) -> Answer | NotSent:
        reason = (
            await self._database.read(lambda connection: self._hinders(connection, start, effect), brief=True)
            if attempts
            else None
        )
        if reason is not None:
            return NotSent(why=f"{tool.name} is paused: {reason}")
        return await self._tools.call(tool.name, effect.arguments, key=effect.key)

    def _hinders(self, connection: Connection, start: Start, effect: Effect) -> str | None:
        """Just before sending again: while this process slept, another may have taken the run for lost."""
        if not is_mine(connection, start):
            raise Superseded(start)
        return paused(connection, effect.tenant, effect.event_type, effect.tool)

    def _might_send(self, known: Effect | None) -> bool:
        """Whether a call goes out, or went out and would be repeated; the others only have their end written."""
        if known is None:
            return True
        tool = self._tools.tools.get(known.tool)
        return tool is not None and _repeatable(tool)

    def _again(self, tool: Tool, answer: Answer, *, in_doubt: bool) -> bool:
        match answer:
            case Answered():
                return False
            case Nonsense():
                return _repeatable(tool)
            case Declined() | InDoubt() if (answer.retry_after_s or 0.0) > self._patience.longest_retry_after_s:
                return False
            case Declined():
                did_nothing = answer.retry_after_s is not None or answer.tells == "unwell"
                return _repeatable(tool) if in_doubt else did_nothing
            case InDoubt():
                return _repeatable(tool)

    def _wait(self, attempts: int, answer: Answer | None) -> float:
        """Never sooner than the tool asked for, and not all at the same moment."""
        asked_s = answer.retry_after_s if isinstance(answer, Declined | InDoubt) else None
        exponential: float = min(self._patience.backoff_s * 2 ** (attempts - 1), self._patience.longest_backoff_s)
        return (asked_s or 0.0) + exponential * self._jitter.uniform(0.5, 1.5)


def _unsent(before: Answer | None, said: NotSent) -> Answer:
    """What is left to say when no (further) attempt is made."""
    if before is None or isinstance(before, Answered):
        return Declined(error=said.why, tells="nothing")
    return replace(before, error=f"{before.error}; not sent again: {said.why}")


def _repeatable(tool: Tool) -> bool:
    return tool.governance.idempotent or tool.governance.effect == "read"


def _without_tool(effect: Effect, *, sent: bool) -> _Ending:
    """What becomes of a call whose tool the portfolio has lost since."""
    gone = f"there is no tool {effect.tool!r} any more"
    if sent and effect.like is not None:
        error = f"{gone}, and the call was cut off in the middle: it may have happened"
        return _Ending(state="unknown", result=None, error=error, attempts=1)
    return _Ending(state="failed", result=None, error=gone, attempts=0)


def _ending(tool: Tool, answer: Answer | None, attempts: int, *, in_doubt: bool) -> _Ending:
    """What the last answer makes of the effect. Only an answer that says what was done resolves a doubt."""
    if answer is None:
        raise RuntimeError("a call needs at least one attempt")
    if isinstance(answer, Answered):
        return _Ending(state="done", result=answer.result, error=None, attempts=attempts)
    error = f"{NONSENSE}: {answer.error}" if isinstance(answer, Nonsense) else answer.error
    unknown = in_doubt and tool.governance.effect == "write"
    return _Ending(state="unknown" if unknown else "failed", result=None, error=error, attempts=attempts)


def _settled(state: EffectState) -> CallState:
    if state == "claimed":
        raise RuntimeError("a finished effect cannot be merely claimed")
    return state
