"""Who did what: a line for each act, written in the act's own transaction. Start with `write`, then `page`.

So there is no act without its line, and no line of an act that failed. An act that changes nothing, as it was done
before, writes none. Lines are numbered as they come; the database refuses to change them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, func, insert, select

from agent.acts import Act, Thing, ThingKind
from agent.doors import Doer, Door
from agent.storable import clean
from agent.store.halving import SLACK, last_before
from agent.store.queries import Page, Shown, iso
from agent.store.tables import activity, activity_pruning, runs
from tools.types import JsonValue

LONGEST = 2_000
"""Characters of a text in `detail`."""
SEARCHED = 8_192
"""Characters of the names that a search looks through."""


@dataclass(frozen=True, kw_only=True)
class ActivityFilter:
    """Which lines; None means any."""

    who: str | None = None
    act: Act | None = None
    door: Door | None = None
    kind: ThingKind | None = None
    about: str | None = None
    run: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""
    words: str | None = None
    """Part of a name: of who did it, or of what it is about."""


def write(connection: Connection, doer: Doer, act: Act, thing: Thing, **detail: JsonValue) -> None:
    """Add the line of an act that this transaction does. Of `detail` what is None is left out, and texts are cut.

    `detail` says what was given or changed in few words: never a key, nor the values of arguments or of data.
    """
    subject, event_type = _of(connection, thing.run)
    told = {name: _cut(value) for name, value in detail.items() if value is not None}
    names = (doer.name, thing.id, thing.run, subject, event_type, told.get("tool"), told.get("type"))
    connection.execute(
        insert(activity).values(
            tenant=doer.tenant,
            at=doer.at,
            who=doer.name,
            door=doer.door,
            act=act,
            kind=thing.kind,
            about=thing.id,
            run=thing.run,
            subject=subject,
            event_type=event_type,
            named=_small("\n".join(dict.fromkeys(str(one) for one in names if one)))[:SEARCHED],
            detail=told,
        )
    )


def page(connection: Connection, tenant: str, wanted: ActivityFilter, cursor: int | None, limit: int) -> Page:
    """Lines, newest first, from the newest or from before the line that `cursor` numbers."""
    rows = find(connection, tenant, wanted, before=cursor, limit=limit + 1)
    return Page(items=rows[:limit], next=str(rows[limit - 1]["id"]) if len(rows) > limit else None)


def find(
    connection: Connection,
    tenant: str,
    wanted: ActivityFilter,
    *,
    before: int | None = None,
    after: int = 0,
    limit: int,
) -> list[Shown]:
    """The newest lines numbered between the two, both exclusive."""
    low, high = _bounds(connection, wanted, before, after)
    columns = [column for column in activity.c if column.name not in ("tenant", "named")]
    query = select(*columns).where(activity.c.tenant == tenant, *_conditions(wanted))
    numbered = query.where(activity.c.id > low, activity.c.id <= high)
    return [_row(row) for row in connection.execute(numbered.order_by(activity.c.id.desc()).limit(limit)).mappings()]


def names(connection: Connection, tenant: str, limit: int) -> list[str]:
    """Who ever did something, in their order."""
    found: list[str] = []
    # One look into the index for each name, however many lines each has.
    while len(found) < limit:
        query = select(func.min(activity.c.who)).where(activity.c.tenant == tenant)
        last = connection.execute(query.where(activity.c.who > found[-1]) if found else query).scalar_one()
        if last is None:
            break
        found.append(last)
    return found


def remove(connection: Connection, before: datetime) -> int:
    """Remove the lines of all tenants of before a time; how many."""
    connection.execute(insert(activity_pruning).values(before=before))
    removed = connection.execute(delete(activity).where(activity.c.at < before)).rowcount
    connection.execute(delete(activity_pruning))
    return removed


def count(connection: Connection, before: datetime) -> int:
    """How many `remove` would remove."""
    return connection.execute(select(func.count()).select_from(activity).where(activity.c.at < before)).scalar_one()


def _of(connection: Connection, run: str | None) -> tuple[str | None, str | None]:
    if run is None:
        return None, None
    row = connection.execute(select(runs.c.subject, runs.c.event_type).where(runs.c.id == run)).one_or_none()
    return (None, None) if row is None else (row.subject, row.event_type)


def _cut(value: JsonValue) -> Any:
    if isinstance(value, str):
        return clean(value[:LONGEST])
    if isinstance(value, Sequence):
        return [_cut(one) for one in value]
    return value


def _small(words: str) -> str:
    return words.casefold()


def _conditions(wanted: ActivityFilter) -> list[ColumnElement[bool]]:
    equal = (
        (activity.c.who, wanted.who),
        (activity.c.act, wanted.act),
        (activity.c.door, wanted.door),
        (activity.c.kind, wanted.kind),
        (activity.c.about, wanted.about),
        (activity.c.run, wanted.run),
    )
    found: list[ColumnElement[bool]] = [column == value for column, value in equal if value is not None]
    if wanted.since is not None:
        found.append(activity.c.at >= wanted.since)
    if wanted.until is not None:
        found.append(activity.c.at < wanted.until)
    if wanted.words is not None:
        found.append(activity.c.named.contains(_small(wanted.words), autoescape=True))
    return found


def _bounds(connection: Connection, wanted: ActivityFilter, before: int | None, after: int) -> tuple[int, int]:
    """Numbers of lines: after the first, up to the second."""
    newest = connection.execute(select(func.max(activity.c.id))).scalar_one_or_none() or 0
    low, high = after, newest if before is None else min(newest, before - 1)
    if wanted.since is not None:
        low = max(low, last_before(connection, activity.c.id, activity.c.at, wanted.since - SLACK, newest))
    if wanted.until is not None:
        high = min(high, last_before(connection, activity.c.id, activity.c.at, wanted.until + SLACK, newest))
    return low, high


def _row(row: RowMapping) -> Shown:
    return {
        "id": row["id"],
        "at": iso(row["at"]),
        "who": row["who"],
        "door": row["door"],
        "act": row["act"],
        "kind": row["kind"],
        "about": row["about"],
        "run": row["run"],
        "subject": row["subject"],
        "event_type": row["event_type"],
        "detail": row["detail"],
    }
