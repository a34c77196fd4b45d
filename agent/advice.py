"""What a decider that reads is shown beside the evidence: like cases that went well, lessons. Start with `Advice.of`.

Nothing is shown where there is no evidence: a run that decides without memory sees none of it. How a case failed is
told by lessons alone, as what is shown gets copied.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from agent.actions import NOTHING
from agent.store import episodes, lessons, sources
from agent.store.database import Database
from agent.types import LikeCase
from agent.whereabouts import closeness
from memory.conditions import fits
from memory.lesson_settings import LessonSettings
from memory.recall import Memory, MemoryUnavailable
from memory.rewards import combined
from memory.types import ActionEvidence, Episode, Feature, Lesson

MOST_LESSONS = 6
MOST_CASES = 4
FRESH = timedelta(seconds=5)
"""For so long the lessons of an event type are not read again; another process may have changed them."""
KEPT = 256
"""Event types whose lessons are kept, and runs whose cases are."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The situation as far as it matters here."""

    run: str
    tenant: str
    event_type: str
    text: str
    features: Mapping[str, Feature]
    evidence: Mapping[str, ActionEvidence]
    tools: Collection[str]
    """Names of the permitted ones."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """What is shown."""

    cases: tuple[LikeCase, ...] = ()
    lessons: tuple[Lesson, ...] = ()


class Advice:
    """Looks up lessons and cases; keeps what the decisions of one run would look up again."""

    def __init__(
        self,
        database: Database,
        memory: Memory,
        goals: Mapping[str, float],
        clock: Callable[[], datetime],
        settings: LessonSettings | None = None,
    ) -> None:
        self._database = database
        self._memory = memory
        self._goals = goals
        self._clock = clock
        self._settings = settings or LessonSettings()
        self._lessons: OrderedDict[tuple[str, str], tuple[datetime, tuple[Lesson, ...]]] = OrderedDict()
        self._cases: OrderedDict[str, tuple[Mapping[str, ActionEvidence], tuple[LikeCase, ...]]] = OrderedDict()

    def forget(self) -> None:
        """Lessons have changed."""
        self._lessons.clear()

    async def of(self, asked: Asked) -> Given:
        """The cases and lessons for a situation."""
        if not asked.evidence:
            return Given()
        return Given(cases=await self._cases_of(asked), lessons=await self._lessons_of(asked))

    async def _lessons_of(self, asked: Asked) -> tuple[Lesson, ...]:
        standing = [one for one in await self._standing(asked) if _permitted(one, asked.tools)]
        middles = {str(c.value) for one in standing for c in one.found.rule.conditions if c.what == "like"}
        near: Mapping[str, float] = {}
        if middles:
            try:
                near = await closeness(
                    self._database,
                    self._memory,
                    tenant=asked.tenant,
                    event_type=asked.event_type,
                    text=asked.text,
                    ids=sorted(middles),
                )
            except MemoryUnavailable:
                near = {}
        fitting = [one for one in standing if fits(one.found.rule.conditions, asked.features, near)]
        return tuple(sorted(fitting, key=lambda one: (-sureness(one), one.id))[:MOST_LESSONS])

    async def _standing(self, asked: Asked) -> tuple[Lesson, ...]:
        kind, now = (asked.tenant, asked.event_type), self._clock()
        known = self._lessons.get(kind)
        if known is None or not timedelta(0) <= now - known[0] < FRESH:
            found = await self._database.read(lambda connection: _heard(connection, *kind))
            known = self._lessons[kind] = (now, found)
            if len(self._lessons) > KEPT:
                self._lessons.popitem(last=False)
        return known[1]

    async def _cases_of(self, asked: Asked) -> tuple[LikeCase, ...]:
        kept = self._cases.get(asked.run)
        if kept is None or kept[0] is not asked.evidence:
            kept = self._cases[asked.run] = (asked.evidence, await self._look_up(asked))
            if len(self._cases) > KEPT:
                self._cases.popitem(last=False)
        return kept[1]

    async def _look_up(self, asked: Asked) -> tuple[LikeCase, ...]:
        names = _heaviest(asked.evidence.values())
        found = await self._database.read(lambda connection: episodes.fetch(connection, asked.tenant, names))
        rewards = {one.id: combined(one.rewards, self._goals) for one in found}
        by_id = {one.id: one for one in found}
        cases = [
            LikeCase(
                episode=name,
                features=by_id[name].features,
                done=tuple(one.action for one in by_id[name].actions if one.done),
                reward=reward,
            )
            for name in names
            for reward in [rewards.get(name)]
            if reward is not None and reward >= self._settings.good and _all_in(by_id[name], asked.tools)
        ]
        return tuple(cases[:MOST_CASES])


def sureness(lesson: Lesson) -> float:
    """By how much the bound of its share of good runs is apart from the share of what it is held against."""
    support = lesson.found.support
    rest = support.rest_good / support.rest_total
    return support.low - rest if lesson.found.rule.advice == "do" else rest - support.high


def _heard(connection: Connection, tenant: str, event_type: str) -> tuple[Lesson, ...]:
    """Lessons that stand, but for those that a revoked source had a part in and that are not distilled anew yet."""
    found = lessons.newest(connection, tenant, event_type, active=True)
    told = {source for lesson in found for source in lesson.found.sources}
    silent = sources.revoked_among(connection, tenant, told) if told else frozenset()
    return tuple(lesson for lesson in found if silent.isdisjoint(lesson.found.sources))


def _permitted(lesson: Lesson, tools: Collection[str]) -> bool:
    return all(_may(action.split("[", 1)[0], tools) for action in lesson.found.rule.actions)


def _all_in(episode: Episode, tools: Collection[str]) -> bool:
    return all(_may(one.tool, tools) for one in episode.actions)


def _may(tool: str, tools: Collection[str]) -> bool:
    return tool in tools or tool == NOTHING.name


def _heaviest(evidence: Collection[ActionEvidence]) -> Sequence[str]:
    """Episodes by their place among those that speak about an action, heaviest first."""
    place: dict[str, int] = {}
    for said in evidence:
        for number, name in enumerate(said.episodes):
            place[name] = min(number, place.get(name, number))
    return sorted(place, key=lambda name: (place[name], name))
