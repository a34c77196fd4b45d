"""Builds that are broken on purpose, to see that the show catches them. Start with `install`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from agent.store.database import Database
from tests.durability.points import names_in, word_of
from tools.registry import ToolRegistry
from tools.types import Tool

Broken: TypeAlias = Literal["claim-after-call", "retry-unknown"]

WITHOUT_POINTS: Callable[..., Awaitable[Any]] = Database.write


def install(kind: Broken) -> None:
    """Break this process; points are installed already."""
    if kind == "claim-after-call":
        _claim_after_call()
    else:
        _retry_unknown()


class _Owed:
    """The claim of a decision's calls, written when all of them have been answered."""

    def __init__(self, claim: Callable[[], Awaitable[Any]]) -> None:
        self._claim = claim
        self._open = 0
        self._written = asyncio.Event()

    def sent(self) -> None:
        self._open += 1

    async def answered(self) -> None:
        self._open -= 1
        if self._open == 0:
            await self._claim()
            self._written.set()
        await self._written.wait()


def _claim_after_call() -> None:
    """A claim is worked out before the calls but only written once the tools have answered."""
    write: Callable[..., Awaitable[Any]] = Database.write
    call: Callable[..., Awaitable[Any]] = ToolRegistry.call
    owed: ContextVar[_Owed | None] = ContextVar("owed", default=None)

    async def write_claims_later(database: Database, work: Callable[..., Any], **named: Any) -> Any:
        if word_of(work.__qualname__, names_in(work.__code__)) != "claim":
            return await write(database, work, **named)

        def work_out(connection: Any) -> Any:
            savepoint = connection.begin_nested()
            result = work(connection)
            savepoint.rollback()
            return result

        owed.set(_Owed(lambda: write(database, work, **named)))
        return await WITHOUT_POINTS(database, work_out, **named)

    async def call_then_claim(registry: ToolRegistry, *given: Any, **named: Any) -> Any:
        claims = owed.get()
        if claims is not None:
            claims.sent()
        answer = await call(registry, *given, **named)
        if claims is not None:
            await claims.answered()
        return answer

    setattr(Database, "write", write_claims_later)  # noqa: B010
    setattr(ToolRegistry, "call", call_then_claim)  # noqa: B010


def _retry_unknown() -> None:
    """Every tool counts as idempotent, so that a call in doubt is repeated."""
    tools: Any = ToolRegistry.__dict__["tools"].fget

    def all_idempotent(registry: ToolRegistry) -> Mapping[str, Tool]:
        return {
            name: replace(tool, governance=replace(tool.governance, idempotent=True))
            for name, tool in tools(registry).items()
        }

    setattr(ToolRegistry, "tools", property(all_idempotent))  # noqa: B010
