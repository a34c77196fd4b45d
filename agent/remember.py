"""What happens to memory after a run: its episode is indexed, and outcomes are joined and graded.

Start with `Remembering`.

Both are caught up by the sweep: the store knows what is not indexed or not joined yet, whatever crashed in between.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from agent.expressions import Expression, ExpressionError
from agent.portfolio.model import OutcomeType, Portfolio
from agent.store import episodes, outcomes
from agent.store.database import Database
from agent.store.outcomes import NewOutcome
from agent.types import Event
from memory.episodes import EpisodeError
from memory.recall import Memory, MemoryUnavailable
from memory.types import Episode
from tools.types import JsonValue

log = logging.getLogger(__name__)

BATCH = 200

GRADING_VARIABLES = frozenset({"event", "data", "subject"})


class Remembering:
    """Keeps the index and the joined outcomes up with the store."""

    def __init__(
        self, database: Database, portfolio: Portfolio, memory: Memory | None, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._portfolio = portfolio
        self._memory = memory
        self._clock = clock
        self._failure: str | None = None
        self.on_joined: Callable[[str], None] | None = None
        """Called with the run after an outcome was joined to it."""

    @property
    def failure(self) -> str | None:
        """Why memory could not be kept up the last time; None when it could."""
        return self._failure

    async def remember(self, episode: Episode) -> None:
        """Let memory know an episode; what it cannot take now is caught up, what it never takes is left out."""
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
        """Index and join whatever is still open."""
        if self._memory is not None:
            await self._index(self._memory)
        for outcome in await self._database.read(lambda connection: outcomes.new_outcomes(connection, BATCH)):
            await self._join(outcome)

    async def _index(self, memory: Memory) -> None:
        """Write memory's tail to the index; with an empty tail, look what a crash or a fault kept from memory."""
        refused: list[str] = []
        try:
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
            return
        if indexed:
            await self._database.write(lambda connection: episodes.mark_indexed(connection, indexed))

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
        return await self._database.read(lambda connection: episodes.page(connection, None, last, BATCH))

    async def _mark(self, indexed: Sequence[str]) -> None:
        await self._database.write(lambda connection: episodes.mark_indexed(connection, indexed))

    async def _join(self, outcome: NewOutcome) -> None:
        kind = self._portfolio.outcomes.get(outcome.event.type)
        now = self._clock()
        graded: dict[str, float] = {}
        mistake: str | None = None
        if kind is None:
            mistake = f"the portfolio has no outcome type {outcome.event.type!r} any more"
        else:
            try:
                graded = grade(outcome.event, kind)
            except ExpressionError as error:
                mistake = str(error)

        def join(connection: Connection) -> str | None:
            run = None if kind is None else outcomes.cause(connection, outcome, kind.events, kind.window_s)
            outcomes.join(connection, outcome, run=run, graded=graded, mistake=mistake, now=now)
            return run

        run = await self._database.write(join)
        if run is not None and self.on_joined is not None:
            self.on_joined(run)


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
