"""The one place where the parts are put together. Start with `open_segue`.

Clock, ids and randomness are bound here, once; everything is opened and closed by one context manager.
"""

from __future__ import annotations

import logging
import os
import random
import socket
from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from agent.accepting import Accepting
from agent.advice import Advice
from agent.breaker import BreakerSettings, GuardedTools
from agent.dead_letters import DeadLetters
from agent.deciders.planner import Planner
from agent.deciders.planner_settings import PlannerSettings
from agent.directory import cache_dir
from agent.dispatcher import Dispatcher
from agent.distilling import Distilling
from agent.drifting import Drifting
from agent.housekeeping import Housekeeping
from agent.ids import new_id
from agent.judging import Judging
from agent.leases import Leases
from agent.ledger import Ledger, Patience
from agent.lessons import Lessons
from agent.memories import Memories
from agent.pausing import Pauses
from agent.place import Place, open_memory, open_place
from agent.portfolio.load import complete, load_portfolio
from agent.portfolio.model import Portfolio
from agent.portfolio.opening import tool_sources
from agent.reading_ahead import read_ahead
from agent.recording import Recording, Retrying
from agent.remember import Remembering
from agent.revoking import Sources
from agent.service import Segue
from agent.situation import Situations
from agent.stages import RunStages
from agent.store import episodes, progress
from agent.store.database import Database
from agent.store.notices import Notices
from agent.store.workers import Worker
from agent.switching import Switches
from agent.tidying import Tidying
from agent.types import Decider
from agent.uplifts import Uplifts
from agent.watching import Watching
from memory.embedding import Embedder
from memory.recall import Memory
from tools.registry import ToolRegistry

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the one who starts Segue decides."""

    portfolio: tuple[Path, ...]
    data: Path
    database_url: str | None = None
    """PostgreSQL for our tables and DBOS's; None: two SQLite files in the data directory."""
    chroma_url: str | None = None
    """A Chroma server for the index, so that several processes can work on one PostgreSQL database."""
    model: str | None = None
    """Name of a chat model; None: the Planner decides."""
    memory: bool = True
    """Whether decisions see evidence; episodes are written in any case."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What `${NAME}` in portfolios and the model's address and key are read from."""
    patience: Patience = field(default_factory=Patience)
    retrying: Retrying = field(default_factory=Retrying)
    kind: Literal["serve", "worker"] = "serve"
    runs_at_once: int = 64
    """Runs this process handles at the same time; 0 leaves them to workers."""
    breaker: BreakerSettings = field(default_factory=BreakerSettings)
    max_queued: int = 100_000
    """Queued runs beyond which no new event is accepted; see `agent.pressure`."""
    max_streams: int = 256
    """Streams of runs that may be open at once."""


@asynccontextmanager
async def open_segue(
    settings: Settings, decider: Decider | None = None, embedder: Embedder | None = None
) -> AsyncIterator[Segue]:
    """Open everything, recover what a crash left, and close it all at the end.

    `decider` and `embedder` take the place of the configured ones. Raises `PortfolioError`, `SourceError`,
    `DataDirectoryBusy` and `SchemaError` with messages fit to print.
    """
    async with AsyncExitStack() as stack:
        loaded = load_portfolio(settings.portfolio, settings.environment)
        place = await open_place(stack, settings.data, settings.database_url, settings.chroma_url)
        database = place.database
        registry = await ToolRegistry.open(tool_sources(loaded, documents=place.directory.documents))
        stack.push_async_callback(registry.aclose)
        tools = GuardedTools(registry, settings.breaker, _now)
        portfolio = complete(loaded, registry.tools)
        memory = await open_memory(stack, place, embedder or _open_embedder(settings, place), _now)
        if settings.memory:
            await read_ahead(database, memory, portfolio.goals)
        decides = decider or _decider(stack, settings, portfolio, memory)
        parts = _Parts(settings=settings, place=place, portfolio=portfolio, tools=tools, memory=memory, decides=decides)
        learning = await _learning(stack, parts)
        dispatcher = _dispatcher(parts, learning)
        if place.shared:
            stack.push_async_callback((await Notices.listen(place.engine_url, dispatcher.wake)).aclose)
        stack.push_async_callback(dispatcher.aclose)
        await dispatcher.open()
        accepting = await _accepting(stack, settings, database, portfolio, dispatcher)
        yield _segue(parts, learning, dispatcher, accepting, _watching(stack, settings, database))


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """What was opened first, and most of the rest is made of."""

    settings: Settings
    place: Place
    portfolio: Portfolio
    tools: GuardedTools
    memory: Memory
    decides: Decider


@dataclass(frozen=True, kw_only=True)
class _Learning:
    """What follows from outcomes."""

    switches: Switches
    uplifts: Uplifts
    advice: Advice
    distilling: Distilling
    tidying: Tidying
    drifting: Drifting
    remembering: Remembering

    async def revised(self, tenant: str) -> None:
        """Other sources speak than before."""
        await self.drifting.anew(tenant)
        await self.distilling.anew(tenant)


async def _learning(stack: AsyncExitStack, parts: _Parts) -> _Learning:
    database, portfolio, memory = parts.place.database, parts.portfolio, parts.memory
    switches = Switches(database, portfolio.events, _now)
    uplifts = Uplifts(database, portfolio, switches)
    advice = Advice(database, memory, portfolio.goals, _now)
    distilling = await _distilling(stack, parts, advice)
    tidying = Tidying(database, memory, portfolio.goals, _now)
    stack.push_async_callback(tidying.aclose)
    await tidying.open()
    drifting = Drifting(database, memory, portfolio.events, portfolio.goals, _now)
    stack.push_async_callback(drifting.aclose)
    await drifting.open()
    learners = (uplifts.look_again, distilling.joined, drifting.joined)
    return _Learning(
        switches=switches,
        uplifts=uplifts,
        advice=advice,
        distilling=distilling,
        tidying=tidying,
        drifting=drifting,
        remembering=Remembering(database, portfolio, memory, _now, learners),
    )


def _segue(
    parts: _Parts, learning: _Learning, dispatcher: Dispatcher, accepting: Accepting, watching: Watching
) -> Segue:
    database, portfolio = parts.place.database, parts.portfolio
    names = parts.tools.tools
    return Segue(
        database=database,
        portfolio=portfolio,
        registry=parts.tools,
        memories=Memories(database, portfolio, parts.memory, learning.remembering),
        switches=learning.switches,
        uplifts=learning.uplifts,
        judging=Judging(database, portfolio.outcomes, _now, dispatcher.outcome_came),
        sources=Sources(database, learning.remembering, _now, learning.revised),
        drifting=learning.drifting,
        lessons=Lessons(database, portfolio, learning.distilling, _now, learning.advice.forget),
        housekeeping=Housekeeping(database, portfolio, learning.tidying, learning.remembering, _now),
        dispatcher=dispatcher,
        remembering=learning.remembering,
        pauses=Pauses(database, tools=names, events=portfolio.events, clock=_now, wake=dispatcher.wake),
        dead=DeadLetters(database, _now, dispatcher.wake),
        accepting=accepting,
        watching=watching,
        clock=_now,
        decided_by=parts.decides.name,
        uses_memory=parts.settings.memory,
    )


async def _accepting(
    stack: AsyncExitStack, settings: Settings, database: Database, portfolio: Portfolio, dispatcher: Dispatcher
) -> Accepting:
    accepting = Accepting(database, portfolio, dispatcher, _now, max_queued=settings.max_queued)
    stack.push_async_callback(accepting.aclose)
    await accepting.open()
    return accepting


def _watching(stack: AsyncExitStack, settings: Settings, database: Database) -> Watching:
    watching = Watching(lambda followed: _marks(database, followed), most=settings.max_streams)
    stack.push_async_callback(watching.aclose)
    database.after_commit(watching.changed)
    return watching


def _dispatcher(parts: _Parts, learning: _Learning) -> Dispatcher:
    """All that handles runs."""
    settings, place = parts.settings, parts.place
    return Dispatcher(
        place.database,
        _stages(parts, learning),
        learning.remembering,
        Leases(place.database, _worker(settings, place), _now, shared=place.shared),
        _now,
        {name: kind.queueing for name, kind in parts.portfolio.events.items()},
        url=place.engine_url,
        most=settings.runs_at_once,
    )


def _stages(parts: _Parts, learning: _Learning) -> RunStages:
    settings, portfolio, tools, decides = parts.settings, parts.portfolio, parts.tools, parts.decides
    database = parts.place.database
    planner = decides if isinstance(decides, Planner) else None
    recording = Recording(
        database,
        portfolio,
        learning.remembering,
        _now,
        tools.tools,
        decided_by=decides.name,
        retrying=settings.retrying,
        jitter=random.Random(),
    )
    memory = parts.memory if settings.memory else None
    # The Planner goes by evidence, and reads nothing.
    advice = learning.advice if planner is None else None
    situations = Situations(database, portfolio, tools.tools, memory, _now, advice)
    ledger = Ledger(database, tools, _now, settings.patience, random.Random())
    return RunStages(database, portfolio, situations, decides, ledger, recording, _now, shadow=planner)


async def _distilling(stack: AsyncExitStack, parts: _Parts, advice: Advice) -> Distilling:
    """Keeps lessons up in the background; a chat model words them where one is configured."""
    settings, word = parts.settings, None
    if settings.model is not None:
        from agent.deciders.chat_wording import ChatWording

        wording = ChatWording(
            model=settings.model,
            base_url=settings.environment.get("OPENAI_BASE_URL"),
            api_key=settings.environment.get("OPENAI_API_KEY"),
        )
        stack.push_async_callback(wording.aclose)
        word = wording.word
    distilling = Distilling(
        parts.place.database,
        parts.portfolio,
        parts.memory,
        parts.tools.tools,
        _now,
        changed=advice.forget,
        word=word,
    )
    stack.push_async_callback(distilling.aclose)
    await distilling.open()
    return distilling


async def rebuild_memory(settings: Settings, progress: Callable[[int, int], None]) -> int:
    """Recreate the index from the store, under the data directory's lock; `progress` gets (done, total)."""
    async with AsyncExitStack() as stack:
        place = await open_place(stack, settings.data, settings.database_url, settings.chroma_url)
        memory = await open_memory(stack, place, _open_embedder(settings, place), _now, discard=True)
        total = await place.database.read(episodes.count)
        nothing = Portfolio(goals={}, sources=(), chains=(), events={}, outcomes={})
        return await Remembering(place.database, nothing, memory, _now).rebuild(lambda done: progress(done, total))


def _open_embedder(settings: Settings, place: Place) -> Embedder:
    return Embedder.open(cache_dir(settings.environment, place.directory.path))


def _worker(settings: Settings, place: Place) -> Worker:
    return Worker(id=new_id(), kind=settings.kind, host=socket.gethostname(), process=os.getpid(), memory=place.memory)


async def _marks(database: Database, followed: Sequence[str]) -> Mapping[str, Hashable]:
    return await database.read(lambda connection: progress.marks(connection, followed))


def _now() -> datetime:
    return datetime.now(UTC)


def _decider(stack: AsyncExitStack, settings: Settings, portfolio: Portfolio, memory: Memory) -> Decider:
    if settings.model is None:
        return Planner(memory.similarities, PlannerSettings())
    # Imported only where a model decides: the OpenAI client takes as long to import as everything else together.
    from agent.deciders.chat import ChatDecider
    from agent.deciders.reflex import ReflexDecider

    decider = ChatDecider(
        model=settings.model,
        base_url=settings.environment.get("OPENAI_BASE_URL"),
        api_key=settings.environment.get("OPENAI_API_KEY"),
    )
    stack.push_async_callback(decider.aclose)
    reflexes = {name: kind.learning.reflex for name, kind in portfolio.events.items() if kind.learning.reflex}
    return ReflexDecider(decider, reflexes) if reflexes else decider
