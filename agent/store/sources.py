"""Sources of events and outcomes, and those an operator has revoked. Start with `revoke`, then `silenced`.

The row of a revoked source is the truth for every process: whoever reads episodes or rewards asks for it in the same
statement (`silenced`), or in the same transaction (`revoked_among`). `episodes.left_out` is only the index's side of
it: whether the index is meant not to hold the episode. It follows within a second (`behind`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    insert,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError

from agent.store import crowd_marks
from agent.store.dialects import INSERT, among, listed
from agent.store.prepared import Prepared
from agent.store.tables import episodes, inbox
from agent.store.tables import revoked_sources as revoked
from tools.types import JsonObject


def silenced(tenant: Any, source: Any) -> ColumnElement[bool]:
    """Whether the source of a row is revoked now; `tenant` and `source` are its columns or bound values.

    On the path of every decision: in a table of a few rows that is one look into its primary key.
    """
    return exists().where(revoked.c.tenant == tenant, revoked.c.source == source, revoked.c.revoked.is_(True))


REVISION = Prepared(
    select(func.coalesce(func.sum(revoked.c.changes), 0).label("revision")).where(revoked.c.tenant == bindparam("t"))
)
AMONG = Prepared(
    {
        name: select(revoked.c.source).where(
            revoked.c.tenant == bindparam("t"), revoked.c.revoked.is_(True), among(revoked.c.source, "of", name)
        )
        for name in INSERT
    }
)
OF_EPISODES = Prepared(
    {
        name: select(episodes.c.id, episodes.c.tenant, episodes.c.event_type).where(
            among(episodes.c.id, "of", name), silenced(episodes.c.tenant, episodes.c.source)
        )
        for name in INSERT
    }
)
BEHIND = select(revoked.c.tenant, revoked.c.source, revoked.c.revoked).where(
    exists().where(
        episodes.c.tenant == revoked.c.tenant,
        episodes.c.source == revoked.c.source,
        episodes.c.left_out == case((revoked.c.revoked.is_(True), false()), else_=true()),
    )
)


def revision(connection: Connection, tenant: str) -> int:
    """A number that grows with each revocation and each restoration; what was recalled under another is out of date."""
    return int(REVISION.on(connection, {"t": tenant}).one().revision)


def revoked_among(connection: Connection, tenant: str, sources: Collection[str]) -> frozenset[str]:
    """Those of the sources that are revoked now."""
    if not sources:
        return frozenset()
    return frozenset(AMONG.on(connection, {"t": tenant, "of": listed(connection, sources)}).scalars())


@dataclass(frozen=True, kw_only=True)
class Silent:
    """An episode whose source is revoked."""

    id: str
    tenant: str
    event_type: str


def silent_episodes(connection: Connection, ids: Sequence[str]) -> tuple[Silent, ...]:
    """Those of the episodes, of any tenant, whose source is revoked now."""
    if not ids:
        return ()
    rows = OF_EPISODES.on(connection, {"of": listed(connection, ids)})
    return tuple(Silent(id=row.id, tenant=row.tenant, event_type=row.event_type) for row in rows)


def is_known(connection: Connection, tenant: str, source: str) -> bool:
    """Whether an event or an outcome ever came from it."""
    query = select(inbox.c.seq).where(inbox.c.tenant == tenant, inbox.c.source == source).limit(1)
    return connection.execute(query).first() is not None


@dataclass(frozen=True, kw_only=True)
class Change:
    """What an operator says about a source."""

    tenant: str
    source: str
    by: str
    reason: str | None
    at: datetime


def revoke(connection: Connection, wanted: Change) -> bool:
    """Let nothing that came from the source speak; False if that is so already."""
    return _change(connection, wanted, revoked_now=True)


def restore(connection: Connection, wanted: Change) -> bool:
    """Let it speak again, and its episodes be indexed; False if it was not revoked."""
    if not _change(connection, wanted, revoked_now=False):
        return False
    take_in(connection, wanted.tenant, wanted.source)
    return True


def _change(connection: Connection, wanted: Change, *, revoked_now: bool) -> bool:
    same = and_(revoked.c.tenant == wanted.tenant, revoked.c.source == wanted.source)
    query = select(revoked.c.revoked, revoked.c.changes, revoked.c.history).where(same).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        if not revoked_now:
            return False
        if not _first(connection, wanted):
            return _change(connection, wanted, revoked_now=True)
        crowd_marks.regraded(connection, wanted.tenant, wanted.source)
        return True
    if row.revoked == revoked_now:
        return False
    crowd_marks.regraded(connection, wanted.tenant, wanted.source)
    values = {"revoked": revoked_now, "changes": row.changes + 1, **_said(wanted)}
    connection.execute(
        update(revoked).where(same).values(**values, history=[*row.history, _entry(wanted, revoked_now=revoked_now)])
    )
    return True


def _first(connection: Connection, wanted: Change) -> bool:
    """Store the first revocation of a source; False if somebody else just did."""
    row = {"tenant": wanted.tenant, "source": wanted.source, "revoked": True, "changes": 1, **_said(wanted)}
    try:
        with connection.begin_nested():
            connection.execute(insert(revoked).values(**row, history=[_entry(wanted, revoked_now=True)]))
    except IntegrityError:
        return False
    return True


def _said(wanted: Change) -> dict[str, Any]:
    return {"by": wanted.by, "reason": wanted.reason, "since": wanted.at}


def _entry(wanted: Change, *, revoked_now: bool) -> JsonObject:
    state = "revoked" if revoked_now else "restored"
    at = wanted.at.isoformat().replace("+00:00", "Z")
    return {"at": at, "state": state, "by": wanted.by, "reason": wanted.reason}


@dataclass(frozen=True, kw_only=True)
class Behind:
    """A source whose episodes are not all in the index, or out of it, as they should be."""

    tenant: str
    source: str
    revoked: bool


def behind(connection: Connection) -> tuple[Behind, ...]:
    """The sources that the index has still to follow."""
    return tuple(
        Behind(tenant=row.tenant, source=row.source, revoked=row.revoked) for row in connection.execute(BEHIND)
    )


def to_leave_out(connection: Connection, of: Behind, limit: int) -> tuple[Silent, ...]:
    """Episodes of a revoked source that the index may hold."""
    query = select(episodes.c.id, episodes.c.event_type).where(_of(of.tenant, of.source, left_out=False)).limit(limit)
    return tuple(Silent(id=row.id, tenant=of.tenant, event_type=row.event_type) for row in connection.execute(query))


def leave_out(connection: Connection, ids: Sequence[str]) -> None:
    """The index holds these no more, and is not to take them in."""
    connection.execute(update(episodes).where(episodes.c.id.in_(list(ids))).values(left_out=True, indexed=False))


def take_in(connection: Connection, tenant: str, source: str) -> None:
    """The index is to hold the source's episodes again."""
    connection.execute(update(episodes).where(_of(tenant, source, left_out=True)).values(left_out=False))


def to_follow(connection: Connection, tenant: str, source: str) -> int:
    """How many episodes of the source the index has still to forget, or to take in."""
    now = connection.execute(select(silenced(tenant, source))).scalar_one()
    waiting = _of(tenant, source, left_out=False)
    if not now:
        waiting = and_(waiting, episodes.c.indexed.is_(False), episodes.c.tidied.is_(None))
    return connection.execute(select(func.count()).where(waiting)).scalar_one()


def _of(tenant: str, source: str, *, left_out: bool) -> ColumnElement[bool]:
    return and_(
        episodes.c.tenant == tenant,
        episodes.c.source == source,
        episodes.c.left_out.is_(True) if left_out else episodes.c.left_out.is_(False),
    )
