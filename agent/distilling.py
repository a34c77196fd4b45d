"""Distils lessons from graded episodes, on demand and in the background. Start with `Distilling.distil`.

In the background an event type is looked at again when `EVERY_OUTCOMES` outcomes were joined to its runs since the last
time, or any `AT_LEAST_S` ago, one type after the other and none more often than every `EVERY_S` seconds; after a start
each is looked at once.
Counting is done by a thread, on the latest episodes alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from agent.background import Background
from agent.ids import new_id
from agent.judging import OPERATORS
from agent.portfolio.model import Portfolio
from agent.store import lessons, tellers
from agent.store.database import Database
from agent.store.lessons import Added, Retired
from agent.whereabouts import vectors
from agent.wording import Word, Worded
from memory.lesson_review import Review, review, unshown
from memory.lesson_settings import LessonSettings
from memory.lesson_trials import Told, look
from memory.recall import Memory, MemoryUnavailable
from memory.types import Distilled, Episode, Lesson
from tools.types import Tool

EVERY_OUTCOMES = 25
EVERY_S = 30.0
AT_LEAST_S = 600.0
STATISTICS = "statistics"
PATIENCE_S = 10.0
"""For so long whoever revoked a source waits for the lessons to follow."""
MOST_WORDED = 10
"""New lessons of one distillation that a chat model is asked to word."""
MOST_NOTED = 10_000
"""Runs with new outcomes that wait to be looked up."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What a distillation did."""

    added: int
    """New lessons and new versions of known ones."""
    retired: int
    episodes: int
    """Graded episodes it looked at."""


class Distilling(Background):
    """Keeps the lessons up with the episodes."""

    def __init__(
        self,
        database: Database,
        portfolio: Portfolio,
        memory: Memory,
        tools: Mapping[str, Tool],
        clock: Callable[[], datetime],
        *,
        changed: Callable[[], None],
        word: Word | None = None,
        settings: LessonSettings | None = None,
    ) -> None:
        """`changed` is called after lessons were written."""
        self._database = database
        self._portfolio = portfolio
        self._memory = memory
        self._tools = tools
        self._clock = clock
        self._changed = changed
        self._word = word
        self._settings = settings or LessonSettings()
        self._joined: list[str] = []
        self._waiting: Counter[tuple[str, str]] = Counter()
        self._looked_at: dict[tuple[str, str], float] = {}
        """When by the loop's clock."""
        self._at_work = asyncio.Lock()

    async def joined(self, runs: Sequence[str]) -> None:
        """Outcomes were joined to these runs."""
        self._joined.extend(runs[: max(0, MOST_NOTED - len(self._joined))])

    async def distil(self, tenant: str, event_type: str) -> Changes:
        """Look at the graded episodes of an event type, and write what that changes. Raises `MemoryUnavailable`."""
        async with self._at_work:
            found, told_by = await self._database.read(
                lambda connection: tellers.graded(connection, tenant, event_type, self._settings.most_episodes)
            )
            known = await self._database.read(lambda connection: lessons.newest(connection, tenant, event_type))
            texts = await self._vectors(tenant, event_type, found)
            said, looked = await asyncio.to_thread(self._review, found, told_by, texts, known)
            if not said.episodes:
                return await self._write([], _unfounded(known), self._clock(), 0)
            worded = await self._worded(event_type, looked.new)
            now = self._clock()
            latest = said.episodes[-1].closed_at
            added = [
                *(self._new(tenant, event_type, one, worded, known, latest) for one in looked.new),
                *(self._again(lesson, counts) for lesson, counts in looked.counted),
            ]
            retired = [
                Retired(lesson=one.lesson, by=STATISTICS, reason=one.reason, broken_since=one.broken_since)
                for one in looked.ended
            ]
            return await self._write(added, retired, now, len(said.episodes))

    async def anew(self, tenant: str) -> None:
        """Look at all event types of a tenant, as others speak now; what takes long is left to the background."""
        self._changed()
        kinds = [kind for kind in await self._all_kinds() if kind[0] == tenant]
        self._waiting.update(dict.fromkeys(kinds, EVERY_OUTCOMES))
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                for kind in kinds:
                    with _told():
                        await self.distil(*kind)
                        del self._waiting[kind]

    async def _write(
        self, added: Sequence[Added], retired: Sequence[Retired], now: datetime, looked_at: int
    ) -> Changes:
        if not added and not retired:
            return Changes(added=0, retired=0, episodes=looked_at)
        made, gone = await self._database.write(lambda connection: lessons.apply(connection, added, retired, now))
        self._changed()
        return Changes(added=made, retired=gone, episodes=looked_at)

    async def _vectors(
        self, tenant: str, event_type: str, found: Sequence[Episode]
    ) -> Mapping[str, NDArray[np.float32]] | None:
        """Where no episode has a feature, texts must tell them apart."""
        if any(one.features for one in found):
            return None
        names = [one.id for one in found]
        return await vectors(self._database, self._memory, tenant=tenant, event_type=event_type, ids=names)

    def _review(
        self,
        found: Sequence[Episode],
        told_by: Mapping[str, frozenset[str]],
        texts: Mapping[str, NDArray[np.float32]] | None,
        known: Sequence[Lesson],
    ) -> tuple[Told, Review]:
        verified = {name for name, sources in told_by.items() if all(one.startswith(OPERATORS) for one in sources)}
        said = look(found, self._portfolio.goals, self._settings, texts, tellers=told_by, verified=verified)
        return said, review(said, known, self._settings, alone=self._writes(said.taken))

    def _writes(self, actions: Collection[str]) -> frozenset[str]:
        """Reading is done everywhere, so how it turned out says something of the situation, and nothing of it."""
        tools = {action: self._tools.get(action.split("[", 1)[0]) for action in actions}
        return frozenset(action for action, tool in tools.items() if tool is None or tool.governance.effect == "write")

    async def _worded(self, event_type: str, new: Sequence[Distilled]) -> Mapping[str, Worded]:
        """A chat model's wording of new rules by their digest; those it has none for keep the statistical text.

        What leans on one source alone reaches no model, this one neither.
        """
        kind = self._portfolio.events.get(event_type)
        if self._word is None or kind is None:
            return {}
        shown = [one for one in new if one.leans_on is None][:MOST_WORDED]
        return {lessons.rule_digest(one.rule): await self._word(one, kind.description) for one in shown}

    def _new(
        self,
        tenant: str,
        event_type: str,
        found: Distilled,
        worded: Mapping[str, Worded],
        known: Sequence[Lesson],
        latest: datetime,
    ) -> Added:
        name = lessons.rule_digest(found.rule)
        before = next((one for one in known if lessons.rule_digest(one.found.rule) == name), None)
        said = worded.get(name)
        by_model = said is not None and said.words is not None
        lesson = Lesson(
            id=new_id(),
            tenant=tenant,
            event_type=event_type,
            version=1 if before is None else before.version + 1,
            state="active",
            words=said.words if said is not None else None,
            found=found,
            origin="model" if by_model else "statistics",
            written_by=said.model if said is not None and by_model else STATISTICS,
            tokens=said.tokens if said is not None else 0,
            created_at=self._clock(),
            found_at=latest,
            replaces=before.id if before is not None else None,
        )
        return Added(lesson=_marked(lesson), before=before)

    def _again(self, lesson: Lesson, counts: Distilled) -> Added:
        """The same words with the counts of now."""
        again = replace(
            lesson,
            id=new_id(),
            version=lesson.version + 1,
            found=counts,
            tokens=0,
            created_at=self._clock(),
            replaces=lesson.id,
        )
        return Added(lesson=_marked(again), before=lesson)

    async def _for_ever(self) -> None:
        """One event type after the other, those with most new outcomes first."""
        first = True
        while True:
            await asyncio.sleep(EVERY_S)
            with _told():
                if first:
                    self._waiting.update(await self._all_kinds())
                    first = False
                await self._due()

    async def _due(self) -> None:
        runs, self._joined = self._joined, []
        if runs:
            self._waiting.update(await self._database.read(lambda connection: lessons.kinds_of(connection, runs)))
        now = asyncio.get_running_loop().time()
        for kind, waiting in self._waiting.most_common():
            if waiting >= EVERY_OUTCOMES or now - self._looked_at.get(kind, 0.0) >= AT_LEAST_S:
                with _told():
                    await self.distil(*kind)
                    self._looked_at[kind] = now
                    del self._waiting[kind]

    async def _all_kinds(self) -> Mapping[tuple[str, str], int]:
        found = await self._database.read(lessons.kinds)
        return dict.fromkeys(found, EVERY_OUTCOMES)


@contextmanager
def _told() -> Iterator[None]:
    """The store may be full or locked for a while: the loop must outlive it and say so, and other types go on."""
    try:
        yield
    except MemoryUnavailable as error:
        log.warning("lessons wait until memory can be asked: %s", error)
    except Exception:
        log.exception("lessons could not be distilled, trying again")


def _marked(lesson: Lesson) -> Lesson:
    """With its state, and why it is not shown, as its counts say."""
    if not unshown(lesson, lesson.found):
        return replace(lesson, state="active", reason=None)
    others = "another source must bear it out, or operators' outcomes by themselves, or an operator's words"
    return replace(
        lesson, state="uncorroborated", reason=f"it does not stand without {lesson.found.leans_on}: {others}"
    )


def _unfounded(known: Sequence[Lesson]) -> list[Retired]:
    """What nothing speaks for any more, but for what an operator put into words."""
    why = "no episode speaks of it any more"
    return [
        Retired(lesson=one, by=STATISTICS, reason=why)
        for one in known
        if one.state != "retired" and one.origin != "operator"
    ]
