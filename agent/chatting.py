"""Opens the operators' chat beside an open Segue. Start with `open_chat`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from agent.operating.planner import ChatPlanner
from agent.operating.toolbox import toolbox
from agent.operating.types import Asker
from agent.operators import OperatorsChat
from agent.service import Segue
from agent.types import Decider
from agent.wiring import Settings


@asynccontextmanager
async def open_chat(
    segue: Segue, settings: Settings, clock: Callable[[], datetime] | None = None
) -> AsyncIterator[OperatorsChat]:
    """With the chat model that decides for runs where there is one, else with the Planner."""
    now = clock or _now
    async with AsyncExitStack() as stack:
        tools = toolbox()
        model = None if settings.model is None else _model(stack, settings, settings.model)

        def decider(asker: Asker) -> Decider:
            return model or ChatPlanner(segue.memories.similarities, segue.names, tools, asker, now)

        yield OperatorsChat(segue, decider, tools, now)


def _model(stack: AsyncExitStack, settings: Settings, name: str) -> Decider:
    # Imported only where a model answers: the OpenAI client takes as long to import as everything else together.
    from agent.deciders.chat import ChatDecider
    from agent.operating.model import conversation, offered

    decider = ChatDecider(
        model=name,
        base_url=settings.environment.get("OPENAI_BASE_URL"),
        api_key=settings.environment.get("OPENAI_API_KEY"),
        render=conversation,
        offer=offered,
    )
    stack.push_async_callback(decider.aclose)
    return decider


def _now() -> datetime:
    return datetime.now(UTC)
