"""What named episodes say, kept as long as nothing about them became otherwise. Start with `KeptReader.fetch`.

On SQLite triggers write a row into `episode_news` in the commit that changes what an episode says, whoever makes it: a
reward, a replay, housekeeping; without a name, where a source was revoked or a change of an action found. So a reading
asks for the rows since the last one, mostly none, and not for the rewards of all. As one commits after the other there,
and each reading has one view, nobody hears what was true before. On PostgreSQL everything is read each time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from sqlalchemy import Connection, bindparam, func, select

from agent.store.crowds import CrowdReader
from agent.store.prepared import Prepared
from agent.store.tables import episode_news
from memory.types import Episode

MOST = 16_384
"""Episodes of which is kept what they say."""

FOLLOWED = 1_000
"""Rows of news that are gone through; where there are more, all that is kept is looked at anew."""

FROM = Prepared(
    select(episode_news.c.seq, episode_news.c.episode)
    .where(episode_news.c.seq >= bindparam("last"))
    .order_by(episode_news.c.seq)
    .limit(FOLLOWED)
)
LAST = Prepared(select(func.coalesce(func.max(episode_news.c.seq), 0).label("last")))

_Said: TypeAlias = tuple[str, tuple[Episode, ...]]
"""A tenant, and what an episode of it says."""


class KeptReader:
    """Reads as `CrowdReader` does, which it asks for what is not kept, or not true any more."""

    def __init__(self, reader: CrowdReader, most: int = MOST) -> None:
        self._reader = reader
        self._most = most
        self._kept: OrderedDict[str, _Said] = OrderedDict()
        """By id, as of `_seen`."""
        self._seen = 0
        """The last row of news that was followed."""
        self._lock = threading.Lock()

    def missing(self, tenant: str, ids: Sequence[str]) -> int:
        """How many of the named episodes would have to be looked at, if there are no news."""
        with self._lock:
            unknown = [name for name in ids if name not in self._kept]
        return self._reader.missing(tenant, unknown)

    def fetch(
        self, connection: Connection, tenant: str, ids: Sequence[str], *, at_once: bool = False
    ) -> tuple[Episode, ...]:
        """Those of the named episodes that have something to say; see `CrowdReader.fetch`."""
        if connection.dialect.name != "sqlite":
            return self._reader.fetch(connection, tenant, ids, at_once=at_once)
        seen = self._follow(connection)
        with self._lock:
            kept = {name: self._kept[name] for name in ids if name in self._kept}
        found = {name: said for name, (owner, said) in kept.items() if owner == tenant}
        unread = [name for name in ids if name not in found]
        if unread:
            read: dict[str, tuple[Episode, ...]] = dict.fromkeys(unread, ())
            for one in self._reader.fetch(connection, tenant, unread, at_once=at_once):
                read[one.id] = (*read[one.id], one)
            self._keep(tenant, read, seen)
            found |= read
        return tuple(one for name in ids for one in found[name])

    def _follow(self, connection: Connection) -> int:
        """Forget what there are news about; the last of the news in the view of this connection."""
        with self._lock:
            before = self._seen
        rows = FROM.on(connection, {"last": before})
        whole = bool(rows) and rows[0].seq == before and len(rows) < FOLLOWED
        last = int(rows[-1].seq if whole else LAST.on(connection).one().last)
        names = {row.episode for row in rows[1:]}
        with self._lock:
            if self._seen < last:
                self._forget(names if whole and None not in names else self._kept.keys())
                self._seen = last
        return last

    def _forget(self, names: Iterable[str]) -> None:
        for name in list(names):
            self._kept.pop(name, None)

    def _keep(self, tenant: str, read: Mapping[str, tuple[Episode, ...]], seen: int) -> None:
        """What was read, unless others follow news by now that are not in this view."""
        with self._lock:
            if seen != self._seen:
                return
            for name, said in read.items():
                self._kept[name] = tenant, said
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
