"""Lessons and which decision was shown which. Start with `newest` and `apply`; `credits` says what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from agent.canonical import digest
from agent.store.dialects import unless_there
from agent.store.episodes import rewards_of
from agent.store.prepared import Prepared
from agent.store.tables import episodes, lessons, lessons_shown
from memory.lessons import lesson_text
from memory.rewards import combined
from memory.types import Condition, Distilled, Lesson, Rule, Support

MOST_KNOWN = 500
"""Newest versions of one event type that a distillation looks at."""
MOST_SHOWN = 1_000
"""Latest decisions' runs of one lesson from which its credit is read."""
STANDING = "standing"
"""Asked for as a state: shown or not, but not retired."""
SHOW = Prepared(unless_there(lessons_shown))
SHOWN_TO = Prepared(
    select(lessons_shown).where(lessons_shown.c.run == bindparam("of")).order_by(lessons_shown.c.lesson)
)
ADD = {name: add.returning(lessons.c.id) for name, add in unless_there(lessons).items()}


@dataclass(frozen=True, kw_only=True)
class Added:
    """A version that is to be stored."""

    lesson: Lesson
    before: Lesson | None
    """The version it takes the place of, as it was when this was decided."""


@dataclass(frozen=True, kw_only=True)
class Retired:
    """A version that is to be retired."""

    lesson: Lesson
    by: str
    reason: str
    broken_since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Credit:
    """What became of the runs whose decisions were shown a lesson, all its versions together."""

    shown: int = 0
    helped: int = 0
    """Did as it says, and turned out well."""
    hurt: int = 0
    """Did as it says, and did not."""
    otherwise: int = 0
    """Did otherwise, whatever came of it."""
    open: int = 0
    """No outcome is known yet."""


def rule_digest(rule: Rule) -> str:
    """What names a rule over all its versions; how it is worded and what it is held against is no part of it."""
    said = [[one.what, one.feature, one.value, one.least] for one in rule.conditions]
    return digest([rule.kind, rule.advice, list(rule.actions), sorted(said, key=str)])


def newest(connection: Connection, tenant: str, event_type: str, *, active: bool = False) -> tuple[Lesson, ...]:
    """The last version of each rule of an event type, latest first; with `active` those that may be shown only."""
    later = lessons.alias("later")
    query = (
        select(lessons)
        .outerjoin(later, later.c.replaces == lessons.c.id)
        .where(lessons.c.tenant == tenant, lessons.c.event_type == event_type, later.c.id.is_(None))
        .order_by(lessons.c.id.desc())
        .limit(MOST_KNOWN)
    )
    if active:
        query = query.where(lessons.c.state == "active")
    return tuple(_lesson(row) for row in connection.execute(query).mappings())


def find(connection: Connection, tenant: str, lesson: str) -> Lesson | None:
    """One version."""
    query = select(lessons).where(lessons.c.id == lesson, lessons.c.tenant == tenant)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _lesson(row)


def later(connection: Connection, lesson: Lesson) -> str | None:
    """The last version of the same rule, if it is another one."""
    query = (
        select(lessons.c.id)
        .where(
            lessons.c.tenant == lesson.tenant,
            lessons.c.event_type == lesson.event_type,
            lessons.c.rule == rule_digest(lesson.found.rule),
            lessons.c.version > lesson.version,
        )
        .order_by(lessons.c.version.desc())
    )
    return connection.execute(query.limit(1)).scalar_one_or_none()


def page(
    connection: Connection, tenant: str, event_type: str | None, state: str | None, cursor: str | None, limit: int
) -> tuple[Lesson, ...]:
    """Versions, newest first; with `STANDING` as their state all that are not retired, with None all."""
    query = select(lessons).where(lessons.c.tenant == tenant).order_by(lessons.c.id.desc()).limit(limit)
    if event_type is not None:
        query = query.where(lessons.c.event_type == event_type)
    if state is not None:
        query = query.where(lessons.c.state != "retired" if state == STANDING else lessons.c.state == state)
    if cursor is not None:
        query = query.where(lessons.c.id < cursor)
    return tuple(_lesson(row) for row in connection.execute(query).mappings())


def apply(connection: Connection, added: Sequence[Added], retired: Sequence[Retired], now: datetime) -> tuple[int, int]:
    """Retire, then add, what nobody changed meanwhile: how many were added, and how many retired for good.

    Left out is a version whose predecessor is no longer as it was, or of a rule that has got another one meanwhile.
    """
    gone = sum(_retire(connection, one, now) for one in retired)
    return sum(_add(connection, one, now) for one in added), gone


def _add(connection: Connection, one: Added, now: datetime) -> int:
    lesson, before = one.lesson, one.before
    if before is not None:
        current = find(connection, before.tenant, before.id)
        if current is None or current.state != before.state:
            return 0
    if later(connection, replace(lesson, version=lesson.version - 1)) is not None:
        return 0
    if before is not None and before.state != "retired":
        reason = f"replaced by version {lesson.version}"
        _retire(connection, Retired(lesson=before, by=lesson.written_by, reason=reason), now)
    # PostgreSQL's driver does not say how many rows were inserted.
    return int(connection.execute(ADD[connection.dialect.name], _values(lesson)).first() is not None)


def _retire(connection: Connection, one: Retired, now: datetime) -> int:
    return connection.execute(
        update(lessons)
        .where(lessons.c.id == one.lesson.id, lessons.c.state != "retired")
        .values(state="retired", retired_at=now, retired_by=one.by, reason=one.reason, broken_since=one.broken_since)
    ).rowcount


def kinds_of(connection: Connection, runs: Sequence[str]) -> Mapping[tuple[str, str], int]:
    """Tenant and event type of the episodes of these runs, with how many of each."""
    query = (
        select(episodes.c.tenant, episodes.c.event_type, func.count())
        .where(episodes.c.id.in_(list(runs)))
        .group_by(episodes.c.tenant, episodes.c.event_type)
    )
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}


def kinds(connection: Connection) -> list[tuple[str, str]]:
    """Tenant and event type of all episodes."""
    query = select(episodes.c.tenant, episodes.c.event_type).distinct()
    return [(row[0], row[1]) for row in connection.execute(query)]


def show(connection: Connection, run: str, decision: int, shown: Sequence[str]) -> None:
    """A decision was shown these."""
    if shown:
        SHOW.many(connection, [{"run": run, "decision": decision, "lesson": lesson} for lesson in shown])


def shown_to(connection: Connection, run: str) -> Mapping[int, list[str]]:
    """The lessons each decision of a run was shown."""
    found: dict[int, list[str]] = {}
    for row in SHOWN_TO.on(connection, {"of": run}):
        found.setdefault(row.decision, []).append(row.lesson)
    return found


def credits(connection: Connection, asked: Sequence[Lesson], goals: Mapping[str, float], good: float) -> list[Credit]:
    """What became of each, read off the rewards known by now: a correction corrects it."""
    return [_credit(connection, one, goals, good) for one in asked]


def _credit(connection: Connection, lesson: Lesson, goals: Mapping[str, float], good: float) -> Credit:
    versions = select(lessons.c.id).where(
        lessons.c.tenant == lesson.tenant,
        lessons.c.event_type == lesson.event_type,
        lessons.c.rule == rule_digest(lesson.found.rule),
    )
    query = (
        select(lessons_shown.c.run)
        .where(lessons_shown.c.lesson.in_(versions))
        .distinct()
        .order_by(lessons_shown.c.run.desc())
        .limit(MOST_SHOWN)
    )
    runs = list(connection.execute(query).scalars())
    if not runs:
        return Credit()
    taken = {
        row.id: [one["action"] for one in row.actions if one.get("done", True)]
        for row in connection.execute(select(episodes.c.id, episodes.c.actions).where(episodes.c.id.in_(runs)))
    }
    graded = rewards_of(connection, runs)
    helped = hurt = otherwise = 0
    for run in runs:
        reward = combined(graded.get(run, {}), goals)
        if reward is None or run not in taken:
            continue
        followed = follows(lesson.found.rule, taken[run])
        helped += followed and reward >= good
        hurt += followed and reward < good
        otherwise += not followed
    return Credit(
        shown=len(runs), helped=helped, hurt=hurt, otherwise=otherwise, open=len(runs) - helped - hurt - otherwise
    )


def follows(rule: Rule, actions: Sequence[str]) -> bool:
    """Whether a run that took these actions, in that order, did as the rule says."""
    taken = [actions.index(one) if one in actions else -1 for one in rule.actions]
    if rule.kind == "order":
        return min(taken) >= 0 and taken == sorted(taken)
    return (min(taken) >= 0) is (rule.advice == "do")


def _values(lesson: Lesson) -> dict[str, Any]:
    found, rule = lesson.found, lesson.found.rule
    return {
        "id": lesson.id,
        "tenant": lesson.tenant,
        "event_type": lesson.event_type,
        "rule": rule_digest(rule),
        "version": lesson.version,
        "state": lesson.state,
        "text": lesson_text(lesson),
        "words": lesson.words,
        "kind": rule.kind,
        "advice": rule.advice,
        "against": rule.against,
        "actions": list(rule.actions),
        "conditions": [condition_json(one) for one in rule.conditions],
        **asdict(found.support),
        "episodes": list(found.episodes),
        "sources": dict(found.sources),
        "subjects": found.subjects,
        "origin": lesson.origin,
        "written_by": lesson.written_by,
        "tokens": lesson.tokens,
        "created_at": lesson.created_at,
        "found_at": lesson.found_at,
        "retired_at": lesson.retired_at,
        "retired_by": lesson.retired_by,
        "reason": lesson.reason,
        "replaces": lesson.replaces,
        "broken_since": lesson.broken_since,
    }


def condition_json(one: Condition) -> dict[str, Any]:
    """A condition as data."""
    if one.what == "like":
        return {"what": one.what, "episode": one.value, "least": one.least, "words": list(one.words)}
    return {"what": one.what, "feature": one.feature, "value": one.value}


def _condition(told: Mapping[str, Any]) -> Condition:
    if told["what"] == "like":
        return Condition(what="like", value=told["episode"], least=told["least"], words=tuple(told["words"]))
    return Condition(what=told["what"], feature=told["feature"], value=told["value"])


def _lesson(row: Mapping[Any, Any]) -> Lesson:
    rule = Rule(
        kind=row["kind"],
        advice=row["advice"],
        against=row["against"],
        actions=tuple(row["actions"]),
        conditions=tuple(_condition(one) for one in row["conditions"]),
    )
    counts = ("good", "total", "rest_good", "rest_total", "low", "high", "p")
    plain = ("id", "tenant", "event_type", "version", "state", "words", "origin", "written_by", "tokens")
    times = ("created_at", "found_at", "retired_at", "retired_by", "reason", "replaces", "broken_since")
    return Lesson(
        **{name: row[name] for name in (*plain, *times)},
        found=Distilled(
            rule=rule,
            support=Support(**{name: row[name] for name in counts}),
            episodes=tuple(row["episodes"]),
            sources=row["sources"],
            subjects=row["subjects"],
        ),
    )
