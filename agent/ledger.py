"""The ledger around a tool call: claim before, result after, and what a call in doubt becomes.

Start with `Ledger.perform`.

A key that is found claimed was claimed by a process that is gone: the call is in doubt. A call in doubt is repeated
under its own key if the tool is idempotent or only reads, and is `unknown` otherwise.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from agent.store.database import Database
from agent.store.history import NONSENSE
from agent.store.ledger import Claim, Effect, asked, claim, find, finish, finish_late, refuse_call
from agent.store.queue import paused
from agent.store.runs import Start, Superseded, hold, is_mine
from agent.types import CallState, EffectState
from tools.registry import ToolRegistry
from tools.types import Answer, Answered, Declined, InDoubt, JsonValue, Nonsense, Tool

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How often and how long a call is tried again under its own key."""

    attempts: int = 3
    backoff_s: float = 0.2
    """Wait before the second attempt; doubles, with jitter."""
    longest_retry_after_s: float = 10.0
    """A tool that asks for a longer wait is told to the decider instead."""


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


class Ledger:
    """Carries out the calls of a run, each at most once per key."""

    def __init__(
        self,
        database: Database,
        registry: ToolRegistry,
        clock: Callable[[], datetime],
        patience: Patience,
        jitter: random.Random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock
        self._patience = patience
        self._jitter = jitter
        self._sleep = sleep
        self._reads = frozenset(name for name, tool in registry.tools.items() if tool.governance.effect == "read")

    async def perform(self, start: Start, decision: int, index: int) -> CallState:
        """Carry out one permitted call, or find out how it already ended. Never raises for what the tool does.

        Raises `Superseded` when the run is another's by now, `Held` while the call is paused.
        """
        claimed = await self._database.write(
            lambda connection: self._claim(connection, start, decision, index, self._clock())
        )
        if claimed is None:
            return "refused"
        effect = claimed.effect
        if claimed.kind == "known" and effect.state != "claimed":
            return _settled(effect.state)
        ending = await self._carry_out(start, effect, in_doubt=claimed.kind == "known")
        return await self._finish(start, effect, ending)

    async def _carry_out(self, start: Start, effect: Effect, *, in_doubt: bool) -> _Ending:
        tool = self._registry.tools.get(effect.tool)
        if tool is None:
            return _without_tool(effect, sent=in_doubt)
        if in_doubt and not _repeatable(tool):
            error = "the call was cut off in the middle and the tool is not idempotent: it may have happened"
            return _Ending(state="unknown", result=None, error=error, attempts=1)
        return await self._try(start, tool, effect, in_doubt=in_doubt)

    async def _finish(self, start: Start, effect: Effect, ending: _Ending) -> CallState:
        def end(connection: Connection) -> Effect:
            hold(connection, start)
            return finish(
                connection,
                effect.key,
                state=ending.state,
                result=ending.result,
                error=ending.error,
                attempts=ending.attempts,
                now=self._clock(),
            )

        try:
            return _settled((await self._database.write(end)).state)
        except Superseded:
            if ending.state == "done":
                result, attempts = ending.result, ending.attempts
                await self._database.write(
                    lambda connection: finish_late(
                        connection, effect.key, result=result, attempts=attempts, now=self._clock()
                    )
                )
            raise

    def _claim(self, connection: Connection, start: Start, decision: int, index: int, now: datetime) -> Claim | None:
        """The claim; None if the call is refused by now, or the run is to be cancelled."""
        cancelled_by = hold(connection, start)
        wanted = asked(connection, start.run, decision, index, reads=self._reads)
        if wanted is None:
            return None
        known = find(connection, wanted.key)
        if known is not None and known.state != "claimed":
            return Claim(kind="known", effect=known)
        if cancelled_by is not None:
            if known is None:
                refuse_call(connection, start.run, decision, index, f"{cancelled_by} has cancelled the run")
            return None
        reason = paused(connection, wanted.tenant, wanted.event_type, wanted.tool)
        if reason is not None:
            raise Held(reason)
        claimed = claim(connection, wanted, start.owner, now)
        if claimed.kind == "blocked":
            key = claimed.effect.key
            why = f"effect {key!r} of the same call is in doubt until an operator has settled it"
            refuse_call(connection, start.run, decision, index, why)
            return None
        return claimed

    async def _try(self, start: Start, tool: Tool, effect: Effect, *, in_doubt: bool) -> _Ending:
        """Call until the tool says what became of it. `in_doubt`: an earlier attempt under this key may have acted."""
        answer: Answer = InDoubt(error="never tried")
        attempts = 0
        while attempts < self._patience.attempts:
            if attempts:
                await self._sleep(self._wait(attempts, answer))
                await self._check_mine(start)
            attempts += 1
            answer = await self._registry.call(tool.name, effect.arguments, key=effect.key)
            in_doubt = in_doubt or isinstance(answer, InDoubt)
            if not self._again(tool, answer, in_doubt=in_doubt):
                break
            log.info("call %s of %s will be repeated under its key: %s", effect.key, tool.name, answer)
        return _ending(tool, answer, attempts, in_doubt=in_doubt)

    async def _check_mine(self, start: Start) -> None:
        """Just before sending again: while this process slept, another may have taken the run for lost."""
        if not await self._database.read(lambda connection: is_mine(connection, start)):
            raise Superseded(start)

    def _again(self, tool: Tool, answer: Answer, *, in_doubt: bool) -> bool:
        match answer:
            case Answered():
                return False
            case Declined(retry_after_s=wait):
                asked_to_wait = wait is not None and wait <= self._patience.longest_retry_after_s
                return asked_to_wait or (in_doubt and _repeatable(tool))
            case Nonsense() | InDoubt():
                return _repeatable(tool)

    def _wait(self, attempts: int, answer: Answer) -> float:
        if isinstance(answer, Declined) and answer.retry_after_s is not None:
            return answer.retry_after_s
        exponential: float = self._patience.backoff_s * 2 ** (attempts - 1)
        return exponential * self._jitter.uniform(0.5, 1.5)


def _repeatable(tool: Tool) -> bool:
    return tool.governance.idempotent or tool.governance.effect == "read"


def _without_tool(effect: Effect, *, sent: bool) -> _Ending:
    """What becomes of a call whose tool the portfolio has lost since."""
    gone = f"there is no tool {effect.tool!r} any more"
    if sent and effect.like is not None:
        error = f"{gone}, and the call was cut off in the middle: it may have happened"
        return _Ending(state="unknown", result=None, error=error, attempts=1)
    return _Ending(state="failed", result=None, error=gone, attempts=0)


def _ending(tool: Tool, answer: Answer, attempts: int, *, in_doubt: bool) -> _Ending:
    """What the last answer makes of the effect. Only an answer that says what was done resolves a doubt."""
    if isinstance(answer, Answered):
        return _Ending(state="done", result=answer.result, error=None, attempts=attempts)
    error = f"{NONSENSE}: {answer.error}" if isinstance(answer, Nonsense) else answer.error
    unknown = in_doubt and tool.governance.effect == "write"
    return _Ending(state="unknown" if unknown else "failed", result=None, error=error, attempts=attempts)


def _settled(state: EffectState) -> CallState:
    if state == "claimed":
        raise RuntimeError("a finished effect cannot be merely claimed")
    return state
