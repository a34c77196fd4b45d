"""Lessons as operators and analysts see them: listed with their credit, reworded, retired. Start with `Lessons`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from agent.acts import Thing
from agent.distilling import Distilling
from agent.doors import doer
from agent.errors import Conflict, NotFound
from agent.ids import new_id
from agent.portfolio.mistakes import suggest
from agent.portfolio.model import Portfolio
from agent.store import activity, lessons
from agent.store.database import Database
from agent.store.lessons import Added, Credit, Retired
from agent.store.queries import Page, Shown, iso
from memory.lesson_settings import LessonSettings
from memory.lessons import lesson_text
from memory.types import Lesson


class Lessons:
    """The lessons of every tenant."""

    def __init__(
        self,
        database: Database,
        portfolio: Portfolio,
        distilling: Distilling,
        clock: Callable[[], datetime],
        changed: Callable[[], None],
        settings: LessonSettings | None = None,
    ) -> None:
        """`changed` is called after an operator changed one."""
        self._database = database
        self._portfolio = portfolio
        self._distilling = distilling
        self._clock = clock
        self._changed = changed
        self._settings = settings or LessonSettings()

    async def page(
        self, tenant: str, event_type: str | None, state: str | None, cursor: str | None, limit: int
    ) -> Page:
        """Versions, newest first, each with what became of the runs it was shown to."""

        def read(connection: Connection) -> tuple[tuple[Lesson, ...], list[Credit]]:
            found = lessons.page(connection, tenant, event_type, state, cursor, limit + 1)
            return found, self._credits(connection, found[:limit])

        found, credit = await self._database.read(read)
        shown = [_shown(*pair) for pair in zip(found[:limit], credit, strict=True)]
        return Page(items=shown, next=shown[-1]["id"] if len(found) > limit else None)

    async def show(self, tenant: str, lesson: str) -> Shown:
        """One version. Raises `NotFound`."""

        def read(connection: Connection) -> Shown:
            found = _known(connection, tenant, lesson)
            return _shown(found, *self._credits(connection, [found]))

        return await self._database.read(read)

    async def edit(self, tenant: str, lesson: str, words: str, *, by: str) -> Shown:
        """A new version in an operator's words, the counts added as ever; a retired lesson stands again, and one
        that leans on a single source is shown: the operator vouches for it.

        Raises `NotFound`, and `Conflict` for a version that has a later one.
        """
        now, name = self._clock(), new_id()
        done_by = doer(tenant, by, now)

        def edit(connection: Connection) -> None:
            found = _last(connection, tenant, lesson)
            edited = replace(
                found,
                id=name,
                version=found.version + 1,
                state="active",
                words=words,
                origin="operator",
                written_by=by,
                tokens=0,
                created_at=now,
                replaces=found.id,
                retired_at=None,
                retired_by=None,
                reason=None,
                broken_since=None,
                # What spoke against it before has been seen by the operator.
                found_at=found.found_at if found.state != "retired" else now,
            )
            added, _ = lessons.apply(connection, [Added(lesson=edited, before=found)], (), now)
            if not added:
                raise Conflict(f"lesson {lesson!r} was changed meanwhile; look at it again")
            before, after = lesson_text(found), lesson_text(edited)
            about = Thing(kind="lesson", id=name)
            activity.write(
                connection, done_by, "lesson_edited", about, type=found.event_type, before=before, after=after
            )

        await self._database.write(edit)
        self._changed()
        return await self.show(tenant, name)

    async def retire(self, tenant: str, lesson: str, *, by: str, reason: str | None) -> Shown:
        """Show it no more; the next distillation does not bring it back. Raises `NotFound`, `Conflict`."""
        now = self._clock()
        done_by = doer(tenant, by, now)

        def retire(connection: Connection) -> None:
            found = _last(connection, tenant, lesson)
            wanted = Retired(lesson=found, by=by, reason=reason or "retired by an operator")
            if lessons.apply(connection, (), [wanted], now) != (0, 1):
                raise Conflict(f"lesson {lesson!r} is retired already: {found.reason}")
            about, before = Thing(kind="lesson", id=lesson), lesson_text(found)
            activity.write(
                connection, done_by, "lesson_retired", about, type=found.event_type, before=before, reason=reason
            )

        await self._database.write(retire)
        self._changed()
        return await self.show(tenant, lesson)

    async def distil(self, tenant: str, event_type: str | None) -> list[Shown]:
        """Distil now, one event type or all; what it did to each. Raises `NotFound`, `MemoryUnavailable`."""
        if event_type is not None and event_type not in self._portfolio.events:
            hint = suggest(event_type, self._portfolio.events, "The portfolio has no event types.")
            raise NotFound(f"there is no event type {event_type!r}. {hint}")
        kinds = sorted(self._portfolio.events) if event_type is None else [event_type]
        return [{"type": kind, **asdict(await self._distilling.distil(tenant, kind))} for kind in kinds]

    def _credits(self, connection: Connection, found: tuple[Lesson, ...] | list[Lesson]) -> list[Credit]:
        return lessons.credits(connection, found, self._portfolio.goals, self._settings.good)


def _known(connection: Connection, tenant: str, lesson: str) -> Lesson:
    found = lessons.find(connection, tenant, lesson)
    if found is None:
        raise NotFound(f"there is no lesson {lesson!r}. 'segue memory lessons --all' lists them.")
    return found


def _last(connection: Connection, tenant: str, lesson: str) -> Lesson:
    found = _known(connection, tenant, lesson)
    later = lessons.later(connection, found)
    if later is not None:
        raise Conflict(f"lesson {lesson!r} is version {found.version}, and there is a later one: {later!r}")
    return found


def _shown(lesson: Lesson, credit: Credit) -> Shown:
    found = lesson.found
    counts: dict[str, Any] = asdict(found.support)
    return {
        "id": lesson.id,
        "event_type": lesson.event_type,
        "version": lesson.version,
        "state": lesson.state,
        "text": lesson_text(lesson),
        "words": lesson.words,
        "kind": found.rule.kind,
        "advice": found.rule.advice,
        "against": found.rule.against,
        "actions": list(found.rule.actions),
        "conditions": [lessons.condition_json(one) for one in found.rule.conditions],
        "support": counts,
        "episodes": list(found.episodes),
        "sources": dict(found.sources),
        "subjects": found.subjects,
        "origin": lesson.origin,
        "written_by": lesson.written_by,
        "tokens": lesson.tokens,
        "credit": asdict(credit),
        "created_at": iso(lesson.created_at),
        "retired_at": iso(lesson.retired_at),
        "retired_by": lesson.retired_by,
        "reason": lesson.reason,
        "replaces": lesson.replaces,
    }
