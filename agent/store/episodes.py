"""Episodes and their rewards: written when a run closes and when an outcome comes, read by memory."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, and_, bindparam, cast, exists, func, or_, select, update

from agent.store.dialects import INSERT, among, listed, unless_there
from agent.store.prepared import Prepared
from agent.store.runs import OPEN
from agent.store.tables import dead_letters, episodes, outcomes, rewards, runs
from memory.types import Episode, EpisodeAction

WRITE = Prepared(unless_there(episodes))

# Built once, as they stand on the path of every decision.
GRADED = Prepared(
    {
        name: select(rewards.c.run, rewards.c.goal, rewards.c.reward)
        .join(outcomes, outcomes.c.id == rewards.c.outcome)
        .where(among(rewards.c.run, "of", name))
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
NAMED = Prepared(
    {
        name: select(episodes).where(episodes.c.tenant == bindparam("of_tenant"), among(episodes.c.id, "of", name))
        for name in INSERT
    }
)
TELLING = Prepared(
    {
        name: select(episodes).where(
            episodes.c.tenant == bindparam("of_tenant"),
            among(episodes.c.id, "of", name),
            or_(
                among(episodes.c.id, "graded", name),
                # More than those that an operator decided; who reads them looks.
                cast(episodes.c.actions, Text).like('%"operator"%'),
                cast(episodes.c.declined, Text) != "[]",
            ),
        )
        for name in INSERT
    }
)


def write(connection: Connection, episode: Episode) -> None:
    """Write the episode of a closed run once: a second time finds it and changes nothing.

    The episode of a run that was closed again after a replay takes the place of the one before, whose rewards it keeps.
    """
    written = WRITE.on(connection, {"id": episode.id, **_values(episode)})
    if written.rowcount == 0 and _is_of_an_earlier_close(connection, episode.id):
        connection.execute(update(episodes).where(episodes.c.id == episode.id).values(**_values(episode)))


def _values(episode: Episode) -> dict[str, Any]:
    return {
        "tenant": episode.tenant,
        "source": episode.source,
        "event_id": episode.event_id,
        "event_type": episode.event_type,
        "subject": episode.subject,
        "text": episode.text,
        "features": dict(episode.features),
        "actions": _actions(episode),
        "declined": list(episode.declined),
        "decided_by": episode.decided_by,
        "trust": episode.trust,
        "closed_at": episode.closed_at,
        "indexed": False,
    }


def _actions(episode: Episode) -> list[dict[str, Any]]:
    return [
        {
            "action": action.action,
            "tool": action.tool,
            "decided_by": action.decided_by,
            "propensity": action.propensity,
            "prior": action.prior,
        }
        for action in episode.actions
    ]


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

    Rewards are read every time, and an episode when it has one, or an operator's word. That of a run that failed is not
    kept: the run may be replayed, and then it is another.
    """

    def __init__(self, most: int = 2_048, most_silent: int = 16_384) -> None:
        self._kept: OrderedDict[tuple[str, str], Episode] = OrderedDict()
        self._silent: OrderedDict[tuple[str, str], None] = OrderedDict()
        """Of settled runs, and without an operator's word: only a reward can make them speak."""
        self._most, self._most_silent = most, most_silent
        self._lock = threading.Lock()

    def missing(self, tenant: str, ids: Sequence[str]) -> int:
        """How many of the named episodes would have to be looked at."""
        with self._lock:
            return sum((tenant, name) not in self._kept and (tenant, name) not in self._silent for name in ids)

    def fetch(self, connection: Connection, tenant: str, ids: Sequence[str]) -> tuple[Episode, ...]:
        """Those of the named episodes that have something to say: a reward by now, or an operator's word."""
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
        return tuple(
            replace(known[name], rewards=graded.get(name, {}))
            for name in ids
            if name in known and (name in graded or _has_operators_word(known[name]))
        )

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


def _telling(connection: Connection, tenant: str, ids: Sequence[str], graded: Collection[str]) -> tuple[Episode, ...]:
    """Those that are graded, and all that may have an operator's word; without their rewards."""
    wanted = {"of": listed(connection, ids), "graded": listed(connection, [name for name in ids if name in graded])}
    rows = TELLING.on(connection, {"of_tenant": tenant, **wanted}).mappings()
    return tuple(_episode(row, {}) for row in rows)


def _unsettled(connection: Connection, ids: Sequence[str]) -> frozenset[str]:
    """Those whose run failed, or is handled again."""
    of = {"of": listed(connection, ids)}
    return frozenset(UNSETTLED.on(connection, of).scalars())


def _has_operators_word(episode: Episode) -> bool:
    return bool(episode.declined) or any(action.decided_by == "operator" for action in episode.actions)


def fetch(connection: Connection, tenant: str, ids: Sequence[str]) -> tuple[Episode, ...]:
    """The named episodes of a tenant with the rewards known by now."""
    given = {"of_tenant": tenant, "of": listed(connection, ids)}
    return _with_rewards(connection, NAMED.on(connection, given).mappings())


def page(connection: Connection, tenant: str | None, after: str, limit: int) -> tuple[Episode, ...]:
    """Episodes in order of id, for rebuilding and listing; `after` is exclusive, tenant None means all."""
    query = select(episodes).where(episodes.c.id > after).order_by(episodes.c.id).limit(limit)
    if tenant is not None:
        query = query.where(episodes.c.tenant == tenant)
    return _with_rewards(connection, list(connection.execute(query).mappings()))


def graded(connection: Connection, tenant: str, event_type: str, most: int) -> tuple[Episode, ...]:
    """The latest episodes of an event type that an outcome was joined to, with the rewards known by now."""
    known = exists().where(rewards.c.run == episodes.c.id)
    query = (
        select(episodes)
        .where(episodes.c.tenant == tenant, episodes.c.event_type == event_type, episodes.c.trust > 0, known)
        .order_by(episodes.c.closed_at.desc(), episodes.c.id.desc())
        .limit(most)
    )
    return _with_rewards(connection, list(connection.execute(query).mappings()))


def unindexed(connection: Connection, limit: int) -> tuple[Episode, ...]:
    """Episodes that the index does not hold yet."""
    rows = connection.execute(
        select(episodes).where(episodes.c.indexed.is_(False)).order_by(episodes.c.id).limit(limit)
    ).mappings()
    return _with_rewards(connection, list(rows))


def mark_indexed(connection: Connection, ids: Sequence[str]) -> None:
    """The index holds these now."""
    connection.execute(update(episodes).where(episodes.c.id.in_(list(ids))).values(indexed=True))


def _with_rewards(connection: Connection, rows: Sequence[Mapping[Any, Any]]) -> tuple[Episode, ...]:
    graded = rewards_of(connection, [row["id"] for row in rows])
    return tuple(_episode(row, graded.get(row["id"], {})) for row in rows)


def rewards_of(connection: Connection, runs: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
    """Reward per goal of each run; of several outcomes the latest speaks for a goal."""
    graded: dict[str, dict[str, float]] = defaultdict(dict)
    if not runs:
        return graded
    for row in GRADED.on(connection, {"of": listed(connection, runs)}):
        graded[row.run][row.goal] = row.reward
    return graded


def _episode(row: Mapping[Any, Any], graded: Mapping[str, float]) -> Episode:
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
        "actions": _actions(episode),
        "declined": list(episode.declined),
        "decided_by": episode.decided_by,
        "trust": episode.trust,
        "closed_at": _iso(episode.closed_at),
        "rewards": dict(episode.rewards),
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def count(connection: Connection) -> int:
    """How many episodes there are, of all tenants."""
    return connection.execute(select(func.count()).select_from(episodes)).scalar_one()


def forget_index(connection: Connection) -> None:
    """The index is gone: every episode waits to be indexed again."""
    connection.execute(update(episodes).where(episodes.c.indexed.is_(True)).values(indexed=False))
