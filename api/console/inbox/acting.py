"""What an answer to something that waits comes to. Start with `attempt`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from agent.errors import Conflict, NotFound, Refused
from agent.service import GivenAnswer, Segue
from api.access import Caller
from api.console.inbox.reading import Item, split
from api.console.sent import reason_of
from tools.types import JsonObject, JsonValue


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`done`; `gone` where somebody was first; `refused` by policy, or as it cannot be taken."""

    is_: Literal["done", "gone", "refused"]
    says: str = ""


Work = Callable[[Caller], Awaitable[Outcome]]


async def attempt(work: Awaitable[Any]) -> Outcome:
    """Do it, and say what came of it."""
    try:
        await work
    except (Conflict, NotFound) as error:
        return Outcome(is_="gone", says=str(error))
    except Refused as error:
        return Outcome(is_="refused", says=str(error))
    return Outcome(is_="done")


def approve(segue: Segue, item: Item, tool: str, arguments: JsonObject, reason: str) -> Work:
    """Yes to exactly these arguments, whatever the store holds by now."""

    async def work(caller: Caller) -> Outcome:
        chosen = tool if item.kind == "question" else None
        given = GivenAnswer(approved=True, tool=chosen, arguments=arguments, reason=reason_of(reason), by=caller.name)
        return await attempt(segue.answer(caller.tenant, item.id, given))

    return work


def reject(segue: Segue, item: Item, reason: str) -> Work:
    """No."""

    async def work(caller: Caller) -> Outcome:
        given = GivenAnswer(approved=False, reason=reason_of(reason), by=caller.name)
        return await attempt(segue.answer(caller.tenant, item.id, given))

    return work


def settle(segue: Segue, item: Item, state: Literal["done", "failed"], result: JsonValue, reason: str) -> Work:
    """What became of an effect that nobody was sure of."""

    async def work(caller: Caller) -> Outcome:
        told = segue.settle(
            caller.tenant, item.id, state=state, result=result, reason=reason_of(reason), by=caller.name
        )
        return await attempt(told)

    return work


def replay(segue: Segue, item: Item) -> Work:
    """Handle the run of a dead letter again."""

    async def work(caller: Caller) -> Outcome:
        return await attempt(segue.dead.replay(caller.tenant, item.id, by=caller.name))

    return work


def discard(segue: Segue, item: Item, reason: str) -> Work:
    """Give a dead letter up."""

    async def work(caller: Caller) -> Outcome:
        return await attempt(segue.dead.discard(caller.tenant, item.id, by=caller.name, reason=reason_of(reason)))

    return work


def resume(segue: Segue, item: Item) -> Work:
    """End a pause; one that was ended by somebody else is gone."""

    async def work(caller: Caller) -> Outcome:
        scope, name = split(item.id)
        ended = await segue.pauses.resume(caller.tenant, scope, name, by=caller.name)
        return Outcome(is_="done" if ended["resumed"] else "gone")

    return work
