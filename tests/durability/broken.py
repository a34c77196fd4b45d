"""Builds that are broken on purpose, to see that the show catches them. Start with `install`."""

from __future__ import annotations

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


def _claim_after_call() -> None:
    """A claim is worked out before the call but only written once the tool has answered."""
    write: Callable[..., Awaitable[Any]] = Database.write
    call: Callable[..., Awaitable[Any]] = ToolRegistry.call
    owed: ContextVar[Callable[[], Awaitable[Any]] | None] = ContextVar("owed", default=None)

    async def write_claims_later(database: Database, work: Callable[..., Any], **named: Any) -> Any:
        if word_of(work.__qualname__, names_in(work.__code__)) != "claim":
            return await write(database, work, **named)

        def work_out(connection: Any) -> Any:
            savepoint = connection.begin_nested()
            result = work(connection)
            savepoint.rollback()
            return result

        owed.set(lambda: write(database, work, **named))
        return await WITHOUT_POINTS(database, work_out, **named)

    async def call_then_claim(registry: ToolRegistry, *given: Any, **named: Any) -> Any:
        answer = await call(registry, *given, **named)
        claim = owed.get()
        if claim is not None:
            await claim()
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
