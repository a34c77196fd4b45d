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
from agent.store.large import pack
from agent.store.ledger import Claim, Effect, asked, claim, finish, refuse_call
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

    async def perform(self, run: str, decision: int, index: int) -> CallState:
        """Carry out one permitted call, or find out how it already ended. Never raises for what the tool does."""
        now = self._clock()
        claimed = await self._database.write(lambda connection: self._claim(connection, run, decision, index, now))
        if claimed is None:
            return "refused"
        effect = claimed.effect
        if claimed.kind == "blocked":
            return await self._refuse(run, decision, index, effect)
        tool = self._registry.tools.get(effect.tool)
        if claimed.kind == "known" and effect.state != "claimed":
            return _settled(effect.state)
        if tool is None:
            ending = _without_tool(effect, sent=claimed.kind == "known")
        elif claimed.kind == "known" and not _repeatable(tool):
            ending = _Ending(
                state="unknown",
                result=None,
                error="the call was cut off in the middle and the tool is not idempotent: it may have happened",
                attempts=1,
            )
        else:
            ending = await self._try(tool, effect, in_doubt=claimed.kind == "known")
        result = await pack(ending.result)
        done = await self._database.write(
            lambda connection: finish(
                connection,
                effect.key,
                state=ending.state,
                result=result,
                error=ending.error,
                attempts=ending.attempts,
                now=self._clock(),
            )
        )
        return _settled(done.state)

    def _claim(self, connection: Connection, run_id: str, decision: int, index: int, now: datetime) -> Claim | None:
        """The claim; None if the call was refused since the decision was made."""
        reads = frozenset(name for name, tool in self._registry.tools.items() if tool.governance.effect == "read")
        wanted = asked(connection, run_id, decision, index, reads=reads)
        return None if wanted is None else claim(connection, wanted, now)

    async def _refuse(self, run: str, decision: int, index: int, blocking: Effect) -> CallState:
        why = f"effect {blocking.key!r} of the same call is in doubt until an operator has settled it"
        await self._database.write(lambda connection: refuse_call(connection, run, decision, index, why))
        return "refused"

    async def _try(self, tool: Tool, effect: Effect, *, in_doubt: bool) -> _Ending:
        """Call until the tool says what became of it. `in_doubt`: an earlier attempt under this key may have acted."""
        answer: Answer = InDoubt(error="never tried")
        attempts = 0
        while attempts < self._patience.attempts:
            if attempts:
                await self._sleep(self._wait(attempts, answer))
            attempts += 1
            answer = await self._registry.call(tool.name, effect.arguments, key=effect.key)
            in_doubt = in_doubt or isinstance(answer, InDoubt)
            if not self._again(tool, answer, in_doubt=in_doubt):
                break
            log.info("call %s of %s will be repeated under its key: %s", effect.key, tool.name, answer)
        return _ending(tool, answer, attempts, in_doubt=in_doubt)

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
