"""Crowds: like episodes of which one, the voice, is in the index and speaks for all. Start with `CrowdReader`.

The other members keep their rows, and everything but recall reads them as ever. What a crowd says stands in its row
(`told`) until something about a member changes; then it is worked out from the members by whoever asks, and written
again by `refresh`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, bindparam, delete, literal_column, null, or_, select, update

from agent.store import changes
from agent.store import episodes as stored
from agent.store.crowd_marks import changed
from agent.store.dialects import INSERT, among, listed
from agent.store.episodes import EpisodeReader
from agent.store.prepared import Prepared
from agent.store.sources import revoked_among
from agent.store.tables import crowds, episodes
from memory.crowds import spoken
from memory.drift import Change, lasting
from memory.settings import Settings
from memory.types import Episode, Named, Together
from tools.types import JsonObject

_Kept: TypeAlias = tuple[tuple[int, str, tuple[Change, ...]], tuple[Episode, ...]]
"""What a crowd says, after what that goes by: how often its members changed, its tenant, changes of its actions."""

KEPT = 2_048
"""Crowds whose words are kept in memory, some 12 kB each."""

# On the path of every decision, for each of the nearest: what does not speak for itself alone.
APART = Prepared(
    {
        name: select(episodes.c.id, episodes.c.tidied, crowds.c.changes, crowds.c.event_type)
        .select_from(episodes.outerjoin(crowds, crowds.c.voice == episodes.c.id))
        .where(
            among(episodes.c.id, "of", name),
            or_(episodes.c.crowd.is_not(None), episodes.c.tidied.is_not(None)),
        )
        for name in INSERT
    }
)
TOLD = Prepared({name: select(crowds).where(among(crowds.c.voice, "of", name)) for name in INSERT})
MEMBERS = Prepared(select(episodes.c.id).where(episodes.c.crowd == bindparam("voice")).order_by(episodes.c.id))


class TakesLong(Exception):
    """It is no work for the event loop."""


class CrowdReader:
    """Reads what has something to say among the nearest: episodes by themselves, and crowds by their voices.

    An episode that was tidied away says nothing, wherever the index still has it.
    """

    def __init__(self, alone: EpisodeReader, settings: Settings) -> None:
        """`alone` reads the episodes that speak for themselves."""
        self._alone = alone
        self._settings = settings
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        """By voice."""
        self._lock = threading.Lock()

    def missing(self, tenant: str, ids: Sequence[str]) -> int:
        """How many of the named episodes would have to be looked at."""
        with self._lock:
            unknown = [name for name in ids if name not in self._kept]
        return self._alone.missing(tenant, unknown)

    def fetch(
        self, connection: Connection, tenant: str, ids: Sequence[str], *, at_once: bool = False
    ) -> tuple[Episode, ...]:
        """Those of the named episodes that have something to say, for themselves or for a crowd.

        Raises `TakesLong` where it is to be done at once, and what a crowd says must be read, or worked out.
        """
        rows = APART.on(connection, {"of": listed(connection, ids)})
        voices = {row.id: row for row in rows if row.changes is not None}
        tidied = frozenset(row.id for row in rows if row.tidied is not None)
        alone = self._alone.fetch(connection, tenant, [one for one in ids if one not in voices and one not in tidied])
        crowded = [one for said in self._said(connection, tenant, voices, at_once).values() for one in said]
        silent = revoked_among(connection, tenant, {one.source for one in crowded})
        return (*alone, *(one for one in crowded if one.source not in silent and one.id not in tidied))

    def _said(
        self, connection: Connection, tenant: str, voices: Mapping[str, Any], at_once: bool
    ) -> Mapping[str, tuple[Episode, ...]]:
        """`voices`: their rows of `APART`."""
        standing = changes.standing(connection, tenant, {row.event_type for row in voices.values()})
        with self._lock:
            kept = {voice: self._kept[voice] for voice in voices if voice in self._kept}
        wanted = {
            voice: (int(row.changes), tenant, tuple(standing.get(row.event_type, ()))) for voice, row in voices.items()
        }
        found = {voice: said for voice, (of, said) in kept.items() if of == wanted[voice]}
        unread = [voice for voice in voices if voice not in found]
        if unread and at_once:
            raise TakesLong
        if unread:
            read = _read(connection, unread, self._settings)
            read = {voice: one for voice, one in read.items() if one[0][1] == tenant}
            with self._lock:
                self._kept |= read
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            found |= {voice: said for voice, (_, said) in read.items()}
        return found


def _read(connection: Connection, voices: Sequence[str], settings: Settings) -> Mapping[str, _Kept]:
    of = {"of": listed(connection, voices)}
    rows = TOLD.on(connection, of)
    known = {row["id"]: row for row in stored.NAMED.on(connection, of).mappings()}
    found: dict[str, _Kept] = {}
    for row in rows:
        standing = tuple(changes.standing(connection, row.tenant, [row.event_type]).get(row.event_type, ()))
        basis = _basis(standing, settings)
        if row.told is not None and {name: row.told.get(name) for name in basis} == basis:
            voice = stored.as_episode(known[row.voice], {})
            said = tuple(_as_told(voice, one) for one in row.told["said"])
        else:
            said = _worked_out(connection, row.tenant, row.voice, standing, settings)
        found[row.voice] = (int(row.changes), row.tenant, standing), said
    return found


def _basis(standing: Sequence[Change], settings: Settings) -> JsonObject:
    """What was true as a crowd's words were worked out; once it is not any more they are out of date."""
    known = [[one.action, one.source, list(one.apart), one.at.isoformat()] for one in standing]
    return {"half_life_days": settings.half_life_days, "changed": known}


def _worked_out(
    connection: Connection, tenant: str, voice: str, standing: Sequence[Change], settings: Settings
) -> tuple[Episode, ...]:
    members = [
        replace(one, lasting=lasting(standing, one))
        for one in stored.fetch(connection, tenant, MEMBERS.on(connection, {"voice": voice}).scalars())
    ]
    return tuple(replace(one, id=voice) for one in spoken(members, settings))


def _as_told(voice: Episode, told: Mapping[str, Any]) -> Episode:
    return replace(
        voice,
        closed_at=datetime.fromisoformat(told["closed_at"]),
        rewards=told["rewards"],
        actions=tuple(replace(taken, prior=told["priors"][taken.action]) for taken in voice.actions),
        lasting=told["lasting"],
        together=Together(
            number=told["number"],
            of=told["of"],
            mass=told["mass"],
            named=tuple(Named(**one) for one in told["named"]),
        ),
    )


def _to_tell(said: Episode, together: Together) -> JsonObject:
    return {
        "closed_at": said.closed_at.isoformat(),
        "rewards": dict(said.rewards),
        "priors": {taken.action: taken.prior for taken in said.actions},
        "lasting": dict(said.lasting),
        **asdict(together),
    }


def stale(connection: Connection, limit: int) -> tuple[str, ...]:
    """Crowds whose words are to be worked out anew, of every tenant."""
    query = select(crowds.c.voice).where(literal_column("crowds.told IS NULL")).order_by(crowds.c.voice).limit(limit)
    return tuple(connection.execute(query).scalars())


def refresh(connection: Connection, voices: Sequence[str], settings: Settings) -> None:
    """Write what these crowds say; a change that comes meanwhile waits, and marks them again."""
    own = (crowds.c.voice, crowds.c.tenant, crowds.c.event_type)
    held = select(*own).where(crowds.c.voice.in_(list(voices))).order_by(crowds.c.voice)
    for voice, tenant, event_type in connection.execute(held.with_for_update()).all():
        standing = changes.standing(connection, tenant, [event_type]).get(event_type, ())
        worked_out = _worked_out(connection, tenant, voice, standing, settings)
        said = [_to_tell(one, one.together) for one in worked_out if one.together is not None]
        told = {**_basis(standing, settings), "said": said}
        connection.execute(update(crowds).where(crowds.c.voice == voice).values(told=told))


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """What became of episodes at one place."""

    is_new: bool
    """There was no crowd before."""
    members: int
    """Episodes that the index is now to leave out."""


def gather(
    connection: Connection, tenant: str, event_type: str, place: str, members: Sequence[str], now: datetime
) -> Gathered:
    """Let one episode speak for these, which are at one place: that of the crowd there, else the newest."""
    same = (crowds.c.tenant == tenant, crowds.c.event_type == event_type, crowds.c.place == place)
    voice = connection.execute(select(crowds.c.voice).where(*same).with_for_update()).scalar()
    is_new = voice is None
    if voice is None:
        voice = max(members, default="")
        row = {"voice": voice, "tenant": tenant, "event_type": event_type, "place": place, "changes": 0, "told": null()}
        if len(members) < 2 or not _begun(connection, row):
            return Gathered(is_new=False, members=0)
    others = [one for one in members if one != voice]
    done = connection.execute(
        update(episodes)
        .where(episodes.c.id.in_(others), *FREE)
        .values(crowd=voice, tidied="member", tidied_at=now, tidied_why=f"episode {voice} speaks for it too")
    )
    changed(connection, [voice])
    return Gathered(is_new=is_new, members=done.rowcount)


def _begun(connection: Connection, row: Mapping[str, Any]) -> bool:
    """Make a crowd, which is its voice alone; False if another process just did, or has tidied that away."""
    statement = INSERT[connection.dialect.name](crowds).values(row).on_conflict_do_nothing()
    if connection.execute(statement.returning(crowds.c.voice)).first() is None:
        return False
    voice = row["voice"]
    if connection.execute(update(episodes).where(episodes.c.id == voice, *FREE).values(crowd=voice)).rowcount == 1:
        return True
    connection.execute(delete(crowds).where(crowds.c.voice == voice))
    return False


FREE = (episodes.c.crowd.is_(None), episodes.c.tidied.is_(None))
"""It speaks for itself."""


def successor(connection: Connection, voice: str, leaving: Collection[str]) -> str | None:
    """The newest member that can speak for the crowd when these leave; None where nobody is left."""
    query = (
        select(episodes.c.id)
        .where(episodes.c.crowd == voice, episodes.c.id.not_in(list(leaving)))
        .order_by(episodes.c.closed_at.desc(), episodes.c.id.desc())
    )
    return connection.execute(query.limit(1)).scalar()


def hand_over(connection: Connection, voice: str, to: str | None) -> None:
    """Let another member speak for the crowd, which the index is then to hold; None: there is no crowd any more."""
    if to is None:
        connection.execute(delete(crowds).where(crowds.c.voice == voice))
        return
    connection.execute(update(crowds).where(crowds.c.voice == voice).values(voice=to))
    connection.execute(update(episodes).where(episodes.c.crowd == voice).values(crowd=to))
    connection.execute(
        update(episodes).where(episodes.c.id == to).values(tidied=None, tidied_at=None, tidied_why=None, indexed=False)
    )
    changed(connection, [to])
