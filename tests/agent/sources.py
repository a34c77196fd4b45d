"""Companies that heard of the same customers from several sources, for tests of revocation. Start with `live`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.events import RawEvent
from agent.service import Segue
from agent.store.queries import Shown
from tests.agent.company import Company, Script, call
from tests.agent.test_outcomes import joined

HONEST, LIAR = "/shop", "/liar"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
MESSAGES = ("the parcel is late", "nobody answers my letters", "the lamp is broken", "I was billed twice")


@dataclass(frozen=True, kw_only=True)
class Told:
    """Something a source says of a customer: an event, which is answered by one tool, or how it ended."""

    source: str
    id: str
    subject: str
    tool: str | None = None
    message: str = ""
    loyalty: float | None = None


def story(count: int = 10) -> list[Told]:
    """The honest source's customers are well served by pausing mail; the liar's, and the liar's word on them, not.

    How some of the liar's customers ended, the honest source says.
    """
    told: list[Told] = []
    served = ((HONEST, HONEST, "pause_mail", 0.9), (LIAR, HONEST, "book_call", 1.0), (LIAR, LIAR, "pause_mail", 0.0))
    for number in range(count):
        message = MESSAGES[number % len(MESSAGES)]
        for source, grader, tool, loyalty in served:
            subject = f"{source}-{tool}-{number}"
            told.append(Told(source=source, id=f"e{subject}", subject=subject, tool=tool, message=message))
            told.append(Told(source=grader, id=f"o{subject}", subject=subject, loyalty=loyalty))
        slandered = f"{HONEST}-pause_mail-{number}"
        told.append(Told(source=LIAR, id=f"slander{slandered}", subject=slandered, loyalty=0.1))
    return told


async def live(company: Company, script: Script, told: Iterable[Told]) -> None:
    """Let all of it happen, one after the other."""
    for one in told:
        script.entries = [[call(one.tool)]] if one.tool else []
        await tell(company, one)
    await joined_all(company.segue)


async def tell(company: Company, one: Told) -> str:
    """Send it, and wait for the run; the run's or outcome's id."""
    is_event = one.loyalty is None
    data: dict[str, Any] = {"message": one.message} if is_event else {"loyalty": one.loyalty}
    event = RawEvent(
        source=one.source,
        id=one.id,
        type="customer.upset" if is_event else "customer.stayed",
        subject=one.subject,
        time=NOW if is_event else NOW + timedelta(hours=1),
        data=data,
    )
    (accepted,) = await company.segue.accept("default", [event])
    if accepted.run is not None:
        await company.ended(accepted.run)
    return accepted.run or accepted.outcome or ""


async def joined_all(segue: Segue) -> None:
    """Nothing waits to be joined."""
    await joined(segue)
    while (await segue.memories.outcomes("default", "new", None, 1)).items:
        await asyncio.sleep(0.02)


async def decided(company: Company, id: str = "new") -> Shown:
    """What is decided for another customer of the honest source, episodes by their event's id."""
    run = await tell(company, Told(source=HONEST, id=id, subject=id, message="my lamp is broken"))
    shown = await company.segue.run("default", run)
    names = await by_event(company.segue)
    return {
        "status": shown["status"],
        "asked": [one["question"] for one in shown["approvals"]],
        "evidence": [{**one, "episodes": [names[each] for each in one["episodes"]]} for one in shown["evidence"]],
        "decisions": [
            {
                "reason": one["reason"],
                "calls": [(each["tool"], each["arguments"], each["verdict"]) for each in one["calls"]],
                "candidates": [
                    {**each, "episodes": [names[name] for name in each["episodes"]]} for each in one["candidates"]
                ],
            }
            for one in shown["decisions"]
        ],
    }


async def found(segue: Segue) -> list[tuple[str, float, dict[str, float]]]:
    """What a search finds: event, similarity, rewards."""
    near = await segue.memories.search("default", "customer.upset", "my lamp is broken", 30)
    return [(one["event_id"], one["similarity"], one["rewards"]) for one in near]


async def by_event(segue: Segue) -> dict[str, str]:
    """Event id of each episode."""
    items: list[Shown] = []
    cursor: str | None = None
    while True:
        page = await segue.memories.episodes("default", cursor, 200)
        items += page.items
        cursor = page.next
        if cursor is None:
            return {one["id"]: one["event_id"] for one in items}
