"""What housekeeping looks for in the store, and what it writes there. Start with `gatherings`, `oldest` and `forget`.

An episode is tidied away (`episodes.tidied`) as `member` of a crowd that another speaks for, or forgotten: `old`,
`harmful`, `unused`. From that commit on it is unheard. Its row says since when and why, and that the index may still
hold it (`indexed`), which then is to forget it (`behind`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from agent.store import crowds as gathered
from agent.store import episodes as stored
from agent.store.crowd_marks import changed
from agent.store.dialects import INSERT, among, listed
from agent.store.prepared import Prepared
from agent.store.queries import Shown, iso
from agent.store.runs import OPEN
from agent.store.sources import Silent
from agent.store.tables import crowds, episodes, runs
from memory.crowds import place
from memory.types import Episode

Forgotten: TypeAlias = Literal["old", "harmful", "unused"]
Tidied: TypeAlias = Literal["member", "old", "harmful", "unused"]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """The episodes that are tidied together."""

    tenant: str
    event_type: str

    @property
    def own(self) -> ColumnElement[bool]:
        """Its rows of the table of episodes."""
        return and_(episodes.c.tenant == self.tenant, episodes.c.event_type == self.event_type)


HERE = (episodes.c.tidied.is_(None), episodes.c.left_out.is_(False))
"""The index is meant to hold it."""
SETTLED = ~exists().where(runs.c.id == episodes.c.id, runs.c.status.in_(("failed", *OPEN)))
"""What its run did cannot change any more: one that failed may be replayed."""
ALONE: ColumnElement[bool] = literal_column(
    "episodes.place IS NOT NULL AND episodes.crowd IS NULL AND episodes.tidied IS NULL"
)


def behind(connection: Connection, limit: int) -> tuple[Silent, ...]:
    """Episodes that were tidied away and that the index may still hold."""
    query = select(episodes.c.id, episodes.c.tenant, episodes.c.event_type).where(
        literal_column("episodes.indexed AND episodes.tidied IS NOT NULL")
    )
    rows = connection.execute(query.limit(limit))
    return tuple(Silent(id=row.id, tenant=row.tenant, event_type=row.event_type) for row in rows)


def left(connection: Connection, ids: Sequence[str]) -> None:
    """The index holds these no more."""
    connection.execute(
        update(episodes).where(episodes.c.id.in_(list(ids)), episodes.c.tidied.is_not(None)).values(indexed=False)
    )


def unplaced(connection: Connection, kind: Kind, limit: int) -> Mapping[str, str]:
    """The places of episodes that were not worked out yet."""
    query = select(episodes).where(kind.own, literal_column("episodes.place IS NULL")).limit(limit)
    rows = connection.execute(query).mappings()
    return {row["id"]: place(stored.as_episode(row, {})) for row in rows}


def put(connection: Connection, places: Mapping[str, str]) -> None:
    """Keep these places."""
    statement = update(episodes).where(episodes.c.id == bindparam("name")).values(place=bindparam("where"))
    connection.execute(statement, [{"name": name, "where": where} for name, where in places.items()])


@dataclass(frozen=True, kw_only=True)
class Gathering:
    """Episodes at one place that speak for themselves."""

    place: str
    number: int
    joins: bool
    """There is a crowd already."""


def gatherings(
    connection: Connection, kind: Kind, within: tuple[datetime, datetime], least: int
) -> tuple[Gathering, ...]:
    """Places with so many episodes, or with a crowd that they can join; those closed within a time count."""
    there = select(crowds.c.place).where(crowds.c.tenant == kind.tenant, crowds.c.event_type == kind.event_type)
    joins = func.max(case((episodes.c.place.in_(there), 1), else_=0))
    query = (
        select(episodes.c.place, func.count().label("number"), joins.label("joins"))
        .where(kind.own, *_may_join(within))
        .group_by(episodes.c.place)
        .having(or_(func.count() >= least, joins == 1))
        .order_by(episodes.c.place)
    )
    return tuple(
        Gathering(place=row.place, number=row.number, joins=bool(row.joins)) for row in connection.execute(query)
    )


def at(
    connection: Connection, kind: Kind, places: Collection[str], within: tuple[datetime, datetime], limit: int
) -> Mapping[str, Sequence[str]]:
    """The newest episodes at each of these places that can be gathered, so many in all; places cut off are shorter."""
    query = (
        select(episodes.c.place, episodes.c.id)
        .where(kind.own, episodes.c.place.in_(list(places)), *_may_join(within))
        .order_by(episodes.c.place, episodes.c.id.desc())
        .limit(limit)
    )
    found: dict[str, list[str]] = {}
    for row in connection.execute(query):
        found.setdefault(str(row.place), []).append(row.id)
    return found


def _may_join(within: tuple[datetime, datetime]) -> tuple[ColumnElement[bool], ...]:
    since, before = within
    closed = and_(episodes.c.closed_at >= since, episodes.c.closed_at < before)
    return (ALONE, *HERE, episodes.c.indexed.is_(True), closed, SETTLED)


def size(connection: Connection, kind: Kind) -> int:
    """How many episodes the index is meant to hold."""
    return connection.execute(select(func.count()).select_from(episodes).where(kind.own, *HERE)).scalar_one()


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An episode that may be forgotten."""

    id: str
    closed_at: datetime
    in_crowd: bool
    """It speaks for others, or another for it."""


def oldest(
    connection: Connection, kind: Kind, limit: int, *, before: datetime, after: tuple[datetime, str] | None = None
) -> tuple[Candidate, ...]:
    """Episodes that speak, closed before a time, oldest first; `after` is exclusive. Not those an operator keeps."""
    query = (
        select(episodes.c.id, episodes.c.closed_at, episodes.c.crowd)
        .where(kind.own, episodes.c.closed_at < before, _MAY_GO)
        .order_by(episodes.c.closed_at, episodes.c.id)
        .limit(limit)
    )
    if after is not None:
        moment, name = after
        later = and_(episodes.c.closed_at == moment, episodes.c.id > name)
        query = query.where(or_(episodes.c.closed_at > moment, later))
    return tuple(
        Candidate(id=row.id, closed_at=row.closed_at, in_crowd=row.crowd is not None)
        for row in connection.execute(query)
    )


def count(connection: Connection, kind: Kind, before: datetime) -> int:
    """How many `oldest` would find."""
    query = select(func.count()).select_from(episodes).where(kind.own, episodes.c.closed_at < before, _MAY_GO)
    return connection.execute(query).scalar_one()


_MAY_GO = and_(
    episodes.c.left_out.is_(False),
    episodes.c.kept_by.is_(None),
    SETTLED,
    or_(episodes.c.tidied.is_(None), episodes.c.tidied == "member"),
)


def named(connection: Connection, kind: Kind, ids: Sequence[str]) -> tuple[Episode, ...]:
    """Those of the episodes that speak and may be forgotten, with their rewards."""
    query = select(episodes.c.id).where(kind.own, episodes.c.id.in_(list(ids)), _MAY_GO)
    return stored.fetch(connection, kind.tenant, list(connection.execute(query).scalars()))


def heirs(connection: Connection, ids: Sequence[str]) -> Mapping[str, str | None]:
    """Those of the episodes that speak for crowds, with who is to do it when all of these leave."""
    voices = connection.execute(select(crowds.c.voice).where(crowds.c.voice.in_(list(ids)))).scalars()
    return {voice: gathered.successor(connection, voice, ids) for voice in list(voices)}


def forget(
    connection: Connection, why: Mapping[str, str], state: Forgotten, heirs: Mapping[str, str | None], now: datetime
) -> int:
    """Let these say nothing any more, each with the reason; how many. `heirs` are those of their crowds."""
    for voice, heir in heirs.items():
        gathered.hand_over(connection, voice, heir)
    ids = list(why)
    crowd_of = select(episodes.c.crowd).where(episodes.c.id.in_(ids), episodes.c.crowd.is_not(None))
    changed(connection, list(connection.execute(crowd_of).scalars()))
    statement = (
        update(episodes)
        .where(episodes.c.id == bindparam("name"), _MAY_GO)
        .values(tidied=state, tidied_at=now, tidied_why=bindparam("words"), crowd=None)
    )
    return sum(connection.execute(statement, {"name": name, "words": words}).rowcount for name, words in why.items())


def keep(connection: Connection, tenant: str, name: str, by: str) -> bool:
    """Let a forgotten episode speak again, and never be forgotten; False where it is not forgotten."""
    done = connection.execute(
        update(episodes)
        .where(episodes.c.tenant == tenant, episodes.c.id == name, episodes.c.tidied.in_(("old", "harmful", "unused")))
        .values(tidied=None, tidied_at=None, tidied_why=None, kept_by=by, indexed=False)
    )
    return done.rowcount == 1


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """An episode that was tidied away."""

    text: str
    voice: str | None
    """The episode that speaks for it, if one does."""


def elsewhere(connection: Connection, tenant: str, ids: Sequence[str]) -> Mapping[str, Elsewhere]:
    """Those of the episodes that the index leaves out for good."""
    rows = AWAY.on(connection, {"of": listed(connection, ids)})
    return {row.id: Elsewhere(text=row.text, voice=row.crowd) for row in rows if row.tenant == tenant}


AWAY = Prepared(
    {
        name: select(episodes.c.id, episodes.c.tenant, episodes.c.text, episodes.c.crowd).where(
            among(episodes.c.id, "of", name), literal_column("episodes.tidied IS NOT NULL")
        )
        for name in INSERT
    }
)


def notes(connection: Connection, ids: Sequence[str]) -> Mapping[str, Shown]:
    """What housekeeping did with those of the episodes that it touched."""
    columns = (
        *(episodes.c.id, episodes.c.tidied, episodes.c.tidied_at),
        *(episodes.c.tidied_why, episodes.c.crowd, episodes.c.kept_by),
    )
    found: dict[str, Shown] = {}
    query = select(*columns).where(
        episodes.c.id.in_(list(ids)),
        or_(episodes.c.tidied.is_not(None), episodes.c.crowd.is_not(None), episodes.c.kept_by.is_not(None)),
    )
    for row in connection.execute(query):
        state = row.tidied or ("voice" if row.crowd is not None else "kept")
        found[row.id] = {
            "state": state,
            "since": iso(row.tidied_at),
            "why": _why(row),
            "voice": row.crowd,
            "kept_by": row.kept_by,
        }
    return found


def _why(row: Any) -> str | None:
    if row.tidied is None and row.crowd is not None:
        return "it speaks for a crowd of like episodes"
    return str(row.tidied_why) if row.tidied_why is not None else None
