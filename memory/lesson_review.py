"""What a new look at the episodes does to the lessons there are. Start with `review`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from memory.corroboration import STANDING, stands
from memory.lesson_settings import LessonSettings
from memory.lesson_tables import Table
from memory.lesson_trials import Told, split_of
from memory.lessons import adds, broken, distil, recount, text_of
from memory.types import Condition, Distilled, Lesson, Rule

GROWN = 0.25
"""A lesson gets a new version when it counts so much more, or less, than its last one did ..."""
MOVED = 0.1
"""... or when its share of good runs moved by so much."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A lesson that holds no more, and why."""

    lesson: Lesson
    reason: str
    broken_since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Review:
    new: tuple[Distilled, ...]
    """Rules no lesson says yet."""
    counted: tuple[tuple[Lesson, Distilled], ...]
    """Lessons that stand, with counts that changed."""
    ended: tuple[Ended, ...]


def review(
    said: Told, known: Sequence[Lesson], settings: LessonSettings, *, alone: Collection[str] | None = None
) -> Review:
    """Distil anew and hold the lessons against it; `known`: the last version of each, retired ones too.

    What an operator retired does not come again, nor anything narrower. What episodes spoke against comes again only
    from those since then.
    """
    standing = [one for one in known if one.state != "retired"]
    ended = [one for lesson in standing for one in [_broken(said, lesson, settings)] if one is not None]
    since = _since([*((one, one.broken_since) for one in known), *((one.lesson, one.broken_since) for one in ended)])
    seeds = {str(c.value) for one in known for c in one.found.rule.conditions if c.what == "like"}
    fresh = distil(said, settings, alone=alone, since=since, seeds=seeds)
    gone = {one.lesson.id for one in ended}
    counted: list[tuple[Lesson, Distilled]] = []
    for lesson in (one for one in standing if one.id not in gone):
        # One that was found after its action had changed was found in what came since, and is counted there.
        own = {action: moment for action, moment in since.items() if moment <= lesson.found_at}
        # A mark that goes must not come again with the next few outcomes.
        without = settings.alone if lesson.state == "uncorroborated" else STANDING
        now = recount(said, lesson.found.rule, settings, since=own, without=without)
        again = any(resembles(one.rule, lesson.found.rule) for one in fresh)
        end = None if again else _faded(said, lesson, now, fresh, settings)
        if end is not None:
            ended.append(end)
        elif _changed(lesson.found, now) or unshown(lesson, now) != (lesson.state == "uncorroborated"):
            counted.append((lesson, now))
    barred = [one.found.rule for one in known if one.state == "retired" and one.retired_by not in (None, "statistics")]
    said_already = [one.found.rule for one in standing if one.id not in {end.lesson.id for end in ended}]
    return Review(
        new=tuple(
            one
            for one in fresh
            if not any(resembles(one.rule, rule) for rule in said_already)
            and not any(resembles(one.rule, rule, narrower=True) for rule in barred)
        ),
        counted=tuple(counted),
        ended=tuple(ended),
    )


def unshown(lesson: Lesson, now: Distilled) -> bool:
    """Whether it is to be shown to nobody who decides; what an operator put into words is vouched for."""
    return now.leans_on is not None and lesson.origin != "operator"


def _since(spoken: Iterable[tuple[Lesson, datetime | None]]) -> Mapping[str, datetime]:
    """By action: from when on episodes count for new rules about it."""
    since: dict[str, datetime] = {}
    for lesson, moment in spoken:
        for action in lesson.found.rule.actions:
            if moment is not None:
                since[action] = max(moment, since.get(action, moment))
    return since


def resembles(rule: Rule, other: Rule, *, narrower: bool = False) -> bool:
    """Whether they say the same but for where a number is cut; with `narrower` also where `rule` asks for more."""
    if (rule.kind, rule.advice) != (other.kind, other.advice) or not _same_actions(rule, other):
        return False
    mine, theirs = [_name(one) for one in rule.conditions], [_name(one) for one in other.conditions]
    return set(theirs) <= set(mine) if narrower else sorted(mine, key=str) == sorted(theirs, key=str)


def _same_actions(rule: Rule, other: Rule) -> bool:
    if rule.kind == "order":
        return rule.actions == other.actions
    return set(rule.actions) == set(other.actions)


def _name(one: Condition) -> tuple[object, ...]:
    return (one.what, one.feature, *(() if one.what in ("at_least", "below") else (one.value,)))


def _broken(said: Told, lesson: Lesson, settings: LessonSettings) -> Ended | None:
    found = broken(said, lesson.found, settings, after=lesson.found_at)
    if found is None:
        return None
    good, total, since = found
    return Ended(lesson=lesson, reason=f"it no longer holds: {good} of its latest {total} kept", broken_since=since)


def _faded(
    said: Told, lesson: Lesson, now: Distilled, fresh: Sequence[Distilled], settings: LessonSettings
) -> Ended | None:
    """A lesson that is not found any more ends where its counts are no difference, or another says it better."""
    counts = now.support
    table = Table(good=counts.good, total=counts.total, rest_good=counts.rest_good, rest_total=counts.rest_total)
    if not stands(table, lesson.found.rule.advice, settings):
        reason = (
            f"it no longer stands out: {counts.good} of {counts.total}, against {counts.rest_good} of "
            f"{counts.rest_total}"
        )
        return Ended(lesson=lesson, reason=reason)
    if lesson.origin == "operator":
        return None
    same = [
        one
        for one in fresh
        if _same_actions(one.rule, lesson.found.rule) and (one.leans_on is None or now.leans_on is not None)
    ]
    better = [split_of(said, one.rule) for one in same]
    if same and not adds(said, split_of(said, lesson.found.rule), better, settings):
        return Ended(lesson=lesson, reason=f"another says it better: {text_of(same[0])}")
    return None


def _changed(before: Distilled, now: Distilled) -> bool:
    was, has = before.support, now.support
    grown = abs(has.total + has.rest_total - was.total - was.rest_total)
    if not has.total:
        return False
    return grown >= GROWN * (was.total + was.rest_total) or abs(has.good / has.total - was.good / was.total) >= MOVED
