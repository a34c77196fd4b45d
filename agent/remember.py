"""What happens to memory after a run: its episode is indexed, and outcomes are joined and graded.

Start with `Remembering`.

Both are caught up by the sweep: the store knows what is not indexed or not joined yet, whatever crashed in between.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection

from agent.expressions import Expression, ExpressionError
from agent.leaving_out import LeavingOut
from agent.portfolio.model import OutcomeType, Portfolio
from agent.store import episodes, outcomes
from agent.store.database import Database
from agent.store.outcomes import NewOutcome
from agent.thumbs import THUMB, thumb_reward
from agent.types import Event
from memory.episodes import EpisodeError
from memory.recall import Memory, MemoryUnavailable
from memory.types import Episode
from tools.types import JsonValue

log = logging.getLogger(__name__)

BATCH = 200

MOST_EARLY = 10_000
"""Runs with outcomes that are known, so that those which close afterwards are told of."""

FOLLOWED_S = 0.5
"""Of each sweep, for what was revoked."""

Learner: TypeAlias = Callable[[Sequence[str]], Awaitable[None]]
"""Is told of runs with a new outcome; once more after a crash in between, or never."""

GRADING_VARIABLES = frozenset({"event", "data", "subject"})


class Remembering:
    """Keeps the index and the joined outcomes up with the store."""

    def __init__(
        self,
        database: Database,
        portfolio: Portfolio,
        memory: Memory | None,
        clock: Callable[[], datetime],
        learners: Sequence[Learner] = (),
    ) -> None:
        """`learners` hear of the runs that outcomes were joined to, again when such a run closes."""
        self._database = database
        self._portfolio = portfolio
        self._memory = memory
        self._clock = clock
        self._learners = learners
        self._leaving_out = None if memory is None else LeavingOut(database, memory)
        self._early: OrderedDict[str, None] = OrderedDict()
        """Runs with outcomes, the latest last; a run may get one before it has an episode."""
        self._closed: list[str] = []
        """Such runs that have closed since."""
        self._failure: str | None = None
        self._behind: str | None = None
        """Why the index does not follow what was revoked."""

    @property
    def failure(self) -> str | None:
        """Why memory could not be kept up the last time; None when it could."""
        return self._failure or self._behind

    async def remember(self, episode: Episode) -> None:
        """Let memory know an episode; what it cannot take now is caught up, what it never takes is left out."""
        if self._early.pop(episode.id, False) is None:
            self._closed.append(episode.id)
        if self._memory is None:
            return
        try:
            await self._memory.remember(episode)
        except MemoryUnavailable as error:
            self._failure = str(error)
            log.warning("memory is not available, episode %s waits in the store: %s", episode.id, error)
        except EpisodeError as error:
            log.error("memory does not take an episode: %s", error)

    async def catch_up(self) -> None:
        """Index and join whatever is still open, and let the index follow what was revoked or restored."""
        if self._memory is not None:
            await self._index(self._memory)
            await self.follow_sources(FOLLOWED_S)
        found = await self._database.read(lambda connection: outcomes.new_outcomes(connection, BATCH))
        joined = [run for run in [await self._join(outcome) for outcome in found] if run is not None]
        for run in joined:
            self._early[run] = None
        while len(self._early) > MOST_EARLY:
            self._early.popitem(last=False)
        closed, self._closed = self._closed, []
        if joined or closed:
            for learner in self._learners:
                await learner([*joined, *closed])

    async def follow_sources(self, seconds: float) -> None:
        """Take episodes of revoked sources out of the index, for at most so long; the sweep does the rest."""
        if self._leaving_out is None:
            return
        try:
            await self._leaving_out.follow(seconds)
            self._behind = None
        except MemoryUnavailable as error:
            self._behind = str(error)
            log.warning("memory is not available, what was revoked is still in the index, and unheard: %s", error)

    async def index_now(self, seconds: float) -> None:
        """Index what waits, for at most so long; the sweep does the rest."""
        until = time.monotonic() + seconds
        while self._memory is not None and time.monotonic() < until:
            if not await self._index(self._memory):
                return

    async def _index(self, memory: Memory) -> bool:
        """Write memory's tail to the index; with an empty tail, look what a crash or a fault kept from memory.

        The answer is whether anything was written.
        """
        refused: list[str] = []
        try:
            if memory.tail_size and self._leaving_out is not None:
                await self._leaving_out.clean_tail()
            if not memory.tail_size:
                for episode in await self._database.read(lambda connection: episodes.unindexed(connection, BATCH)):
                    try:
                        await memory.remember(episode)
                    except EpisodeError as error:
                        log.error("memory does not take an episode: %s", error)
                        refused.append(episode.id)
            indexed = (*refused, *await memory.flush())
            self._failure = None
        except MemoryUnavailable as error:
            self._failure = str(error)
            log.warning("memory is not available, episodes wait in the store: %s", error)
            return False
        if indexed:
            await self._database.write(lambda connection: episodes.mark_indexed(connection, indexed))
        return bool(indexed)

    async def rebuild(self, progress: Callable[[int], None]) -> int:
        """Recreate the index from the store; the number of episodes it then holds.

        If it breaks off, what is missing in the index is caught up like any other episode.
        """
        if self._memory is None:
            return 0
        held: list[str] = []
        await self._database.write(episodes.forget_index, long=True)
        done = await self._memory.rebuild(self._every_episode(held), progress)
        for start in range(0, len(held), BATCH):
            await self._mark(held[start : start + BATCH])
        return done

    async def _every_episode(self, held: list[str]) -> AsyncIterator[Episode]:
        page = await self._page_after("")
        while page:
            for episode in page:
                held.append(episode.id)
                yield episode
            page = await self._page_after(page[-1].id)

    async def _page_after(self, last: str) -> tuple[Episode, ...]:
        return await self._database.read(lambda connection: episodes.indexable(connection, last, BATCH))

    async def _mark(self, indexed: Sequence[str]) -> None:
        await self._database.write(lambda connection: episodes.mark_indexed(connection, indexed))

    async def _join(self, outcome: NewOutcome) -> str | None:
        """The run it was joined to, if there is one."""
        kind = self._portfolio.outcomes.get(outcome.event.type)
        now = self._clock()
        graded: dict[str, float] = {}
        mistake: str | None = None
        if outcome.run is not None and outcome.event.type == THUMB:
            graded = thumb_reward(outcome.event)
        elif kind is None:
            mistake = f"the portfolio has no outcome type {outcome.event.type!r} any more"
        else:
            try:
                graded = grade(outcome.event, kind)
            except ExpressionError as error:
                mistake = str(error)

        def join(connection: Connection) -> str | None:
            run = outcome.run
            if run is None and kind is not None:
                run = outcomes.cause(connection, outcome, kind.events, kind.window_s)
            outcomes.join(connection, outcome, run=run, graded=graded, mistake=mistake, now=now)
            return run

        return await self._database.write(join)


def grade(event: Event, kind: OutcomeType) -> dict[str, float]:
    """Reward in [0, 1] per goal. Raises `ExpressionError`."""
    context: dict[str, JsonValue] = {
        "event": {
            "id": event.id,
            "source": event.source,
            "type": event.type,
            "subject": event.subject,
            "time": event.time.isoformat(),
        },
        "data": event.data,
        "subject": event.subject,
    }
    return {goal: Expression.parse(source, GRADING_VARIABLES).reward(context) for goal, source in kind.grade.items()}
