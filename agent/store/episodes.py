"""Episodes and their rewards: written when a run closes and when an outcome comes, read by memory."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from agent.store import changes
from agent.store.dialects import INSERT, among, listed, unless_there
from agent.store.prepared import Prepared
from agent.store.runs import OPEN
from agent.store.sources import revoked_among, silenced
from agent.store.tables import dead_letters, episodes, outcomes, rewards, runs
from memory.drift import Change, lasting
from memory.telling import speaks_alone
from memory.types import Episode, EpisodeAction

# Written with whether the index is to leave it out, in the statement that is made anyway.
WRITE = Prepared(
    {
        name: one.returning(episodes.c.left_out)
        for name, one in unless_there(
            episodes,
            *("place", "crowd", "tidied", "tidied_at", "tidied_why", "kept_by"),
            left_out=select(silenced(bindparam("by_tenant"), bindparam("by_source"))).scalar_subquery(),
        ).items()
    }
)

# Built once, as they stand on the path of every decision.
GRADED = Prepared(
    {
        name: select(rewards.c.run, rewards.c.goal, rewards.c.reward)
        .join(outcomes, outcomes.c.id == rewards.c.outcome)
        .where(among(rewards.c.run, "of", name), ~silenced(outcomes.c.tenant, outcomes.c.source))
        .order_by(outcomes.c.seq)
        for name in INSERT
    }
)
UNSETTLED = Prepared(
    {
        name: select(runs.c.id).where(among(runs.c.id, "of", name), runs.c.status.in_(("failed", *OPEN)))
        for name in INSERT
    }
)
# Whose they are is looked at afterwards: asked for a tenant, SQLite reads all of the tenant's to find 200 of them.
NAMED = Prepared({name: select(episodes).where(among(episodes.c.id, "of", name)) for name in INSERT})
TELLING = Prepared(
    {
        name: select(episodes).where(
            among(episodes.c.id, "of", name),
            or_(
                among(episodes.c.id, "graded", name),
                # More than those that an operator decided; who reads them looks.
                cast(episodes.c.actions, Text).like('%"operator"%'),
                cast(episodes.c.actions, Text).like('%"verified"%'),
                cast(episodes.c.declined, Text) != "[]",
            ),
        )
        for name in INSERT
    }
)
# Written out, as a partial index serves no bound value.
WAITING: ColumnElement[bool] = literal_column(
    "NOT episodes.indexed AND NOT episodes.left_out AND episodes.tidied IS NULL"
)
BELONGS = and_(~silenced(episodes.c.tenant, episodes.c.source), episodes.c.tidied.is_(None))
"""Whether the index is to hold an episode."""


def write(connection: Connection, episode: Episode) -> bool:
    """Write the episode of a closed run once: a second time finds it and changes nothing.

    The episode of a run that was closed again after a replay takes the place of the one before, whose rewards it keeps.
    The answer is whether memory is to know it: not where its source is revoked.
    """
    by = {"by_tenant": episode.tenant, "by_source": episode.source}
    written = WRITE.on(connection, {"id": episode.id, **_values(episode), **by}).first()
    if written is not None:
        return not written.left_out
    if _is_of_an_earlier_close(connection, episode.id):
        connection.execute(update(episodes).where(episodes.c.id == episode.id).values(**_values(episode), place=None))
    return not revoked_among(connection, episode.tenant, [episode.source])


def _values(episode: Episode) -> dict[str, Any]:
    return {
        "tenant": episode.tenant,
        "source": episode.source,
        "event_id": episode.event_id,
        "event_type": episode.event_type,
        "subject": episode.subject,
        "text": episode.text,
        "features": dict(episode.features),
        "actions": [_to_keep(action) for action in episode.actions],
        "declined": list(episode.declined),
        "decided_by": episode.decided_by,
        "trust": episode.trust,
        "closed_at": episode.closed_at,
        "indexed": False,
        "arm": episode.arm,
        "memory_share": episode.memory_share,
        "swayed": episode.swayed,
    }


def _to_keep(taken: EpisodeAction) -> dict[str, Any]:
    """What is not as usual only where it is not: whoever looks for verified results looks for the word."""
    unusual = {"done": taken.done, "verified": taken.verified, "later": taken.later}
    return {
        "action": taken.action,
        "tool": taken.tool,
        "decided_by": taken.decided_by,
        "propensity": taken.propensity,
        "prior": taken.prior,
        **{name: value for name, value in unusual.items() if value != USUAL[name]},
    }


USUAL = {one.name: one.default for one in fields(EpisodeAction)}


def _is_of_an_earlier_close(connection: Connection, run: str) -> bool:
    """Run and episode are closed in one commit at one moment, so another moment means: closed again since."""
    query = (
        select(episodes.c.closed_at.label("written_at"), runs.c.closed_at)
        .join(runs, runs.c.id == episodes.c.id)
        .join(dead_letters, and_(dead_letters.c.run == runs.c.id, dead_letters.c.replays > 0))
        .where(episodes.c.id == run)
    )
    row = connection.execute(query).one_or_none()
    return row is not None and row.written_at != row.closed_at


class EpisodeReader:
    """Reads those of the named episodes that have something to say, and keeps what never changes of them.

    Rewards are read every time, and which sources are revoked; an episode when it has a reward, or speaks without.
    While its rewards stay the same, and what changes leave of it, so does the object.
    That of a run that failed is not kept: the run may be replayed, and then it is another.
    """

    def __init__(self, most: int = 16_384, most_silent: int = 16_384) -> None:
        self._kept: OrderedDict[tuple[str, str], Episode] = OrderedDict()
        self._silent: OrderedDict[tuple[str, str], None] = OrderedDict()
        """Of settled runs, and not such as speak without a reward: only one can make them speak."""
        self._most, self._most_silent = most, most_silent
        self._lock = threading.Lock()

    def missing(self, tenant: str, ids: Sequence[str]) -> int:
        """How many of the named episodes would have to be looked at."""
        with self._lock:
            return sum((tenant, name) not in self._kept and (tenant, name) not in self._silent for name in ids)

    def fetch(self, connection: Connection, tenant: str, ids: Sequence[str]) -> tuple[Episode, ...]:
        """Those of the named episodes that have something to say: a reward by now, or a word that needs none."""
        graded = rewards_of(connection, ids)
        with self._lock:
            known = {name: self._kept[tenant, name] for name in ids if (tenant, name) in self._kept}
            silent = {name for name in ids if (tenant, name) in self._silent}
        unread = [name for name in ids if name not in known and (name in graded or name not in silent)]
        if unread:
            # Asked first: a run that is settled by now has its last episode.
            unsettled = _unsettled(connection, unread)
            read = {one.id: one for one in _telling(connection, tenant, unread, graded)}
            self._keep(tenant, {name: read.get(name) for name in unread if name not in unsettled})
            known |= read
        silent_sources = revoked_among(connection, tenant, {one.source for one in known.values()})
        standing = changes.standing(connection, tenant, {one.event_type for one in known.values()})
        now = {
            name: _as_of_now(one, graded.get(name, {}), standing.get(one.event_type, ())) for name, one in known.items()
        }
        self._renew(tenant, {name: one for name, one in now.items() if one is not known[name]})
        known = now
        return tuple(
            known[name]
            for name in ids
            if name in known
            and known[name].source not in silent_sources
            and (name in graded or speaks_alone(known[name]))
        )

    def _renew(self, tenant: str, changed: Mapping[str, Episode]) -> None:
        """Those that are kept, as they are now."""
        with self._lock:
            for name in changed:
                if (tenant, name) in self._kept:
                    self._kept[tenant, name] = changed[name]

    def _keep(self, tenant: str, found: Mapping[str, Episode | None]) -> None:
        with self._lock:
            for name, episode in found.items():
                if episode is None:
                    self._silent[tenant, name] = None
                else:
                    self._kept[tenant, name] = episode
                    self._silent.pop((tenant, name), None)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
            while len(self._silent) > self._most_silent:
                self._silent.popitem(last=False)


def _as_of_now(episode: Episode, rewards: Mapping[str, float], changed: Sequence[Change]) -> Episode:
    """With these rewards, and what these changes leave of it; the same object where it has them already."""
    left = lasting(changed, episode) if changed else {}
    if rewards == episode.rewards and left == episode.lasting:
        return episode
    return replace(episode, rewards=rewards, lasting=left)


def _telling(connection: Connection, tenant: str, ids: Sequence[str], graded: Collection[str]) -> tuple[Episode, ...]:
    """Those that are graded, and all that may speak without; without their rewards."""
    wanted = {"of": listed(connection, ids), "graded": listed(connection, [name for name in ids if name in graded])}
    rows = TELLING.on(connection, wanted).mappings()
    return tuple(as_episode(row, {}) for row in rows if row["tenant"] == tenant)


def _unsettled(connection: Connection, ids: Sequence[str]) -> frozenset[str]:
    """Those whose run failed, or is handled again."""
    of = {"of": listed(connection, ids)}
    return frozenset(UNSETTLED.on(connection, of).scalars())


def fetch(connection: Connection, tenant: str, ids: Sequence[str]) -> tuple[Episode, ...]:
    """The named episodes of a tenant with the rewards known by now."""
    rows = NAMED.on(connection, {"of": listed(connection, ids)}).mappings()
    return _with_rewards(connection, [row for row in rows if row["tenant"] == tenant])


def page(connection: Connection, tenant: str, after: str, limit: int) -> tuple[Episode, ...]:
    """A tenant's episodes in order of id, those of revoked sources too; `after` is exclusive."""
    query = select(episodes).where(episodes.c.tenant == tenant, episodes.c.id > after)
    return _with_rewards(connection, list(connection.execute(query.order_by(episodes.c.id).limit(limit)).mappings()))


def indexable(connection: Connection, after: str, limit: int) -> tuple[Episode, ...]:
    """Every tenant's episodes that belong into the index, in order of id, for rebuilding; `after` is exclusive."""
    query = select(episodes).where(episodes.c.id > after, BELONGS)
    return _with_rewards(connection, list(connection.execute(query.order_by(episodes.c.id).limit(limit)).mappings()))


def graded(connection: Connection, tenant: str, event_type: str, most: int) -> tuple[Episode, ...]:
    """The latest episodes of an event type that have a reward by now; nothing of a revoked source speaks."""
    known = exists().where(rewards.c.run == episodes.c.id)
    query = (
        select(episodes)
        .where(episodes.c.tenant == tenant, episodes.c.event_type == event_type, episodes.c.trust > 0, known)
        .where(~silenced(episodes.c.tenant, episodes.c.source))
        .order_by(episodes.c.closed_at.desc(), episodes.c.id.desc())
        .limit(most)
    )
    found = _with_rewards(connection, list(connection.execute(query).mappings()))
    return tuple(one for one in found if one.rewards)


def unindexed(connection: Connection, limit: int) -> tuple[Episode, ...]:
    """Episodes that the index does not hold yet, and is meant to."""
    rows = connection.execute(select(episodes).where(WAITING).order_by(episodes.c.id).limit(limit)).mappings()
    return _with_rewards(connection, list(rows))


def mark_indexed(connection: Connection, ids: Sequence[str]) -> None:
    """The index holds these now; those that it is to leave out after all are seen, and taken out again."""
    connection.execute(update(episodes).where(episodes.c.id.in_(list(ids))).values(indexed=True, left_out=False))


def _with_rewards(connection: Connection, rows: Sequence[Mapping[Any, Any]]) -> tuple[Episode, ...]:
    graded = rewards_of(connection, [row["id"] for row in rows])
    return tuple(as_episode(row, graded.get(row["id"], {})) for row in rows)


def rewards_of(connection: Connection, runs: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
    """Reward per goal of each run; of several outcomes of sources not revoked the latest speaks for a goal."""
    graded: dict[str, dict[str, float]] = defaultdict(dict)
    if not runs:
        return graded
    for row in GRADED.on(connection, {"of": listed(connection, runs)}):
        graded[row.run][row.goal] = row.reward
    return graded


def as_episode(row: Mapping[Any, Any], graded: Mapping[str, float]) -> Episode:
    """A row of the table, with the rewards of its run."""
    return Episode(
        id=row["id"],
        tenant=row["tenant"],
        source=row["source"],
        event_id=row["event_id"],
        event_type=row["event_type"],
        subject=row["subject"],
        text=row["text"],
        features=row["features"],
        actions=tuple(EpisodeAction(**action) for action in row["actions"]),
        declined=tuple(row["declined"]),
        decided_by=row["decided_by"],
        closed_at=row["closed_at"],
        trust=row["trust"],
        rewards=graded,
        arm=row["arm"],
        memory_share=row["memory_share"],
        swayed=row["swayed"],
    )


def as_json(episode: Episode) -> dict[str, Any]:
    """An episode as the API shows it."""
    return {
        "id": episode.id,
        "source": episode.source,
        "event_id": episode.event_id,
        "event_type": episode.event_type,
        "subject": episode.subject,
        "text": episode.text,
        "features": dict(episode.features),
        "actions": [asdict(taken) for taken in episode.actions],
        "declined": list(episode.declined),
        "decided_by": episode.decided_by,
        "trust": episode.trust,
        "closed_at": _iso(episode.closed_at),
        "rewards": dict(episode.rewards),
        "arm": episode.arm,
        "swayed": episode.swayed,
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def newest_kinds(connection: Connection, limit: int) -> tuple[tuple[str, str, str], ...]:
    """Tenant, event type and id of the newest episodes that belong into the index."""
    query = select(episodes.c.tenant, episodes.c.event_type, episodes.c.id).where(BELONGS)
    rows = connection.execute(query.order_by(episodes.c.id.desc()).limit(limit))
    return tuple((row.tenant, row.event_type, row.id) for row in rows)


def count(connection: Connection) -> int:
    """How many episodes belong into the index, of all tenants."""
    query = select(func.count()).select_from(episodes).where(BELONGS)
    return connection.execute(query).scalar_one()


def forget_index(connection: Connection) -> None:
    """The index is gone: every episode waits to be indexed again."""
    connection.execute(update(episodes).where(episodes.c.indexed.is_(True)).values(indexed=False))
