"""Actions that turn out otherwise from some moment on, as they were last looked for. Start with `replace_all`.

They are worked out anew from the graded episodes, so no row is ever corrected: those of an event type are replaced as a
whole. What was worked out before a source was revoked or restored is as good as not there, until it is done again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from agent.store import crowd_marks
from agent.store.dialects import INSERT, among, listed
from agent.store.prepared import Prepared
from agent.store.tables import changes, revoked_sources
from memory.drift import Change

_REVISION = (
    select(func.coalesce(func.sum(revoked_sources.c.changes), 0))
    .where(revoked_sources.c.tenant == changes.c.tenant)
    .scalar_subquery()
)
# On the path of every decision.
STANDING = Prepared(
    {
        name: select(changes).where(
            changes.c.tenant == bindparam("t"),
            among(changes.c.event_type, "of", name),
            changes.c.revision == _REVISION,
        )
        for name in INSERT
    }
)


@dataclass(frozen=True, kw_only=True)
class Noted:
    """A change as it is kept."""

    change: Change
    event_type: str
    noted_at: datetime
    """When it was first kept."""


def standing(connection: Connection, tenant: str, event_types: Collection[str]) -> Mapping[str, Sequence[Change]]:
    """By event type the changes that count now."""
    found: dict[str, list[Change]] = {}
    if event_types:
        for row in STANDING.on(connection, {"t": tenant, "of": listed(connection, event_types)}).mappings():
            found.setdefault(row["event_type"], []).append(_change(row))
    return found


def page(connection: Connection, tenant: str, event_types: Collection[str]) -> list[Noted]:
    """The same, latest first, with when each was noted."""
    rows = STANDING.on(connection, {"t": tenant, "of": listed(connection, event_types)}).mappings()
    found = [_noted(row) for row in rows]
    return sorted(found, key=lambda one: (one.change.at, one.change.action), reverse=True)


def replace_all(
    connection: Connection,
    tenant: str,
    event_type: str,
    found: Sequence[Change],
    *,
    revision: int,
    since: datetime | None,
    now: datetime,
) -> list[Change] | None:
    """Keep these in place of all others of the event type; those that were not known before are returned.

    `since`: too little from before was looked at to say what changed until then, and what was found of it stays, unless
    other sources speak by now. The answer is None where another process was faster.
    """
    same = (changes.c.tenant == tenant, changes.c.event_type == event_type)
    rows = list(connection.execute(select(changes).where(*same).order_by(changes.c.number)).mappings())
    before = [_noted(row) for row in rows]
    older: list[Noted] = []
    if since is not None and rows and rows[0]["revision"] == revision:
        older = [one for one in before if one.change.at < since]
        found = [one for one in found if one.at >= since]
    noted = [Noted(change=one, event_type=event_type, noted_at=_first_noted(one, before, now)) for one in found]
    wanted = [*older, *noted]
    if wanted == before and all(row["revision"] == revision for row in rows):
        return []
    try:
        with connection.begin_nested():
            connection.execute(delete(changes).where(*same))
            values = [
                {"tenant": tenant, "number": number, "revision": revision, **_values(one)}
                for number, one in enumerate(wanted)
            ]
            if values:
                connection.execute(insert(changes), values)
            crowd_marks.drifted(connection, tenant, event_type)
    except IntegrityError:
        return None
    return [one.change for one in noted if one.noted_at == now]


def _first_noted(change: Change, before: Sequence[Noted], now: datetime) -> datetime:
    """A late outcome may move a change a little: it is the same one where they overlap."""
    return min((one.noted_at for one in before if _same(one.change, change)), default=now)


def _same(one: Change, other: Change) -> bool:
    whose = (one.action, one.source) == (other.action, other.source)
    way = (one.found > one.expected) is (other.found > other.expected)
    return whose and way and one.at <= other.found_at and other.at <= one.found_at


_PLAIN = ("action", "source", "at", "found_at", "expected", "found", "before", "since", "log_odds")


def _values(noted: Noted) -> dict[str, Any]:
    plain = {name: getattr(noted.change, name) for name in _PLAIN}
    return {"event_type": noted.event_type, "noted_at": noted.noted_at, "apart": list(noted.change.apart), **plain}


def _noted(row: Mapping[Any, Any]) -> Noted:
    return Noted(change=_change(row), event_type=row["event_type"], noted_at=row["noted_at"])


def _change(row: Mapping[Any, Any]) -> Change:
    return Change(**{name: row[name] for name in _PLAIN}, apart=tuple(row["apart"]))
