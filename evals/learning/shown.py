"""What reaches a chat model, measured by a scripted one that follows it at a stated rate. Start with `measure`.

The whole product runs: events by the door, the chat decider over HTTP, the ledger, outcomes, lessons. The same events
come to each arm; what a real model would make of what it is shown is not claimed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean

from agent.deciders.chat import ChatDecider
from agent.deciders.chat_messages import CHARACTERS_PER_TOKEN
from agent.events import RawEvent
from agent.service import Segue
from agent.wiring import Settings, open_segue
from evals.learning.carriers import REGIONS, delivers
from evals.learning.follower import MODEL, Asked, Follower
from evals.worlds.kit.loopback import on_loopback
from memory.embedding import Embedder

PORTFOLIO = Path(__file__).parent / "shown.yaml"
TENANT = "default"
SOURCE = "/warehouse"
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
DISTILLED = 20
"""Events between two distillations, which the product makes by the clock."""
POLL_S = 0.02
ENDED = frozenset({"done", "stopped", "failed", "cancelled", "waiting"})


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A model, and whether it is shown anything."""

    name: str
    follows: float
    memory: bool = True


ARMS = (
    Arm(name="nothing_shown", follows=1.0, memory=False),
    Arm(name="follows_0.7", follows=0.7),
    Arm(name="follows_1.0", follows=1.0),
)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How one arm did on one stream."""

    arm: str
    success: float
    """Share of events that turned out well."""
    second_half: float
    tokens: float
    """Mean length of the system message, in tokens of four characters."""
    most_tokens: float
    lessons: float
    """Mean number shown, of the second half."""
    lessons_in_the_end: tuple[str, ...]
    helped: int
    """Runs that did as a lesson they were shown says, and turned out well, over all lessons."""
    hurt: int


async def measure(
    seed: int, events: int, folder: Path, embedder: Embedder, arms: Sequence[Arm] = ARMS
) -> tuple[Figures, ...]:
    """Play the same stream with each arm, each with data of its own in the folder."""
    return tuple([await play(arm, seed, events, folder / arm.name, embedder) for arm in arms])


async def play(arm: Arm, seed: int, events: int, folder: Path, embedder: Embedder) -> Figures:
    """One arm on the stream of a seed."""
    follower = Follower(rate=arm.follows, seed=seed)
    regions = random.Random(seed).choices(sorted(REGIONS), k=events)
    settings = Settings(portfolio=(PORTFOLIO,), data=folder, memory=arm.memory)
    good: list[bool] = []
    async with on_loopback(follower.app) as address:
        decider = ChatDecider(model=MODEL, base_url=f"{address}/v1")
        async with open_segue(settings, decider, embedder) as segue:
            for number, region in enumerate(regions):
                good.append(await _one(segue, seed, number, region))
                if arm.memory and number % DISTILLED == DISTILLED - 1:
                    await segue.lessons.distil(TENANT, None)
            lessons = (await segue.lessons.page(TENANT, None, "active", None, 100)).items
        await decider.aclose()
    half = events // 2
    return Figures(
        arm=arm.name,
        success=fmean(good),
        second_half=fmean(good[half:]),
        tokens=fmean(_tokens(one) for one in follower.asked),
        most_tokens=max(_tokens(one) for one in follower.asked),
        lessons=fmean(one.lessons for one in follower.asked[half:]),
        lessons_in_the_end=tuple(one["text"] for one in lessons),
        helped=sum(one["credit"]["helped"] for one in lessons),
        hurt=sum(one["credit"]["hurt"] for one in lessons),
    )


async def _one(segue: Segue, seed: int, number: int, region: str) -> bool:
    """An event, its run, and its outcome, joined."""
    subject, time = f"o-{number}", BEGIN + timedelta(minutes=10 * number)
    event = RawEvent(
        source=SOURCE, id=f"packed-{number}", type="order.packed", subject=subject, time=time, data={"region": region}
    )
    (accepted,) = await segue.accept(TENANT, [event])
    while (run := await segue.run(TENANT, str(accepted.run)))["status"] not in ENDED:
        await asyncio.sleep(POLL_S)
    arrived = any(delivers(seed, number, region, one["tool"]) for one in run["effects"])
    outcome = RawEvent(
        source=SOURCE,
        id=f"arrived-{number}",
        type="order.arrived",
        subject=subject,
        time=time + timedelta(minutes=5),
        data={"arrived": arrived},
    )
    await segue.accept(TENANT, [outcome])
    while (await segue.memories.outcomes(TENANT, "new", None, 1)).items:
        await asyncio.sleep(POLL_S)
    return arrived


def _tokens(asked: Asked) -> float:
    return asked.characters / CHARACTERS_PER_TOKEN
