"""The queue of runs: who is next, and who takes it. Start with `claim`.

A subject's runs go in the order their events came: of those in line only the earliest, the `head`, can be taken. Among
heads the priority decides, then the turn: sources take turns, so that one with a thousand events does not keep another
with one waiting. Delayed runs and those that still gather events are not in line.

On PostgreSQL whatever changes the line does so under one lock (`lock_queue`), taken before any row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from agent.portfolio.model import Queueing, Rate
from agent.store.closing import close_run
from agent.store.dialects import INSERT
from agent.store.notices import notify
from agent.store.pauses import stands
from agent.store.prepared import Prepared, Rows
from agent.store.runs import Start, hold, stop_clock
from agent.store.tables import pauses, rates, runs, turns

QUEUE = 7031204
"""Key of PostgreSQL's advisory lock under which the line changes."""

AT_ONCE = 20
"""Overdue or expired runs that are dealt with in one commit: more would hold up those who accept."""

# Written out, as a partial index serves no bound value.
QUEUED: ColumnElement[bool] = literal_column("runs.status = 'queued'")
HEAD: ColumnElement[bool] = literal_column("runs.head")
IN_LINE: ColumnElement[bool] = literal_column("runs.in_line")
NOT_HELD: ColumnElement[bool] = literal_column("runs.held IS NULL")
OTHER = runs.alias("other")
RUNNING: ColumnElement[bool] = literal_column("other.status = 'running'")

OF_SUBJECT = (runs.c.tenant == bindparam("t"), runs.c.subject == bindparam("s"))
EARLIEST = Prepared(select(runs.c.id, runs.c.head).where(QUEUED, IN_LINE, *OF_SUBJECT).order_by(runs.c.seq).limit(1))
DEMOTE = Prepared(update(runs).where(QUEUED, HEAD, *OF_SUBJECT).values(head=False))
PROMOTE = Prepared(update(runs).where(runs.c.id == bindparam("run")).values(head=True))
SUBJECT = Prepared(select(runs.c.tenant, runs.c.subject).where(runs.c.id == bindparam("run")))
PAUSED = exists().where(
    pauses.c.tenant == runs.c.tenant,
    or_(pauses.c.scope == "all", (pauses.c.scope == "event") & (pauses.c.name == runs.c.event_type)),
)
READY = (
    select(runs.c.id, runs.c.segment, runs.c.tenant, runs.c.subject, runs.c.event_type, runs.c.rank, runs.c.turn)
    .where(
        QUEUED,
        HEAD,
        NOT_HELD,
        runs.c.due_at.is_(None),
        or_(runs.c.expires_at.is_(None), runs.c.expires_at > bindparam("now")),
        ~exists().where(RUNNING, OTHER.c.tenant == runs.c.tenant, OTHER.c.subject == runs.c.subject),
        or_(runs.c.cancelled_by.is_not(None), ~PAUSED),
    )
    .order_by(runs.c.rank, runs.c.turn, runs.c.seq)
)
NEXT = Prepared(READY.limit(bindparam("most")))
PARKED = select(runs.c.id).where(runs.c.id == bindparam("run"), runs.c.status == "waiting")
OVERDUE = select(runs.c.id).where(QUEUED, runs.c.due_at <= bindparam("now")).limit(AT_ONCE)
EXPIRED = select(runs.c.id).where(QUEUED, runs.c.expires_at <= bindparam("now")).limit(AT_ONCE)
CLOCKS = Prepared(
    select(
        select(func.min(runs.c.due_at)).where(QUEUED, runs.c.due_at.is_not(None)).scalar_subquery().label("due"),
        select(func.min(runs.c.expires_at))
        .where(QUEUED, runs.c.expires_at.is_not(None))
        .scalar_subquery()
        .label("expires"),
    )
)
TAKE = Prepared(
    update(runs)
    .where(runs.c.id == bindparam("run"))
    .values(
        status="running",
        owner=bindparam("worker"),
        head=False,
        expires_at=None,
        segment_started_at=bindparam("now"),
    )
)
PAUSES = Prepared(select(pauses.c.scope, pauses.c.name).where(pauses.c.tenant == bindparam("t")))
PAUSES_OF_RUN = Prepared(
    select(pauses.c.scope, pauses.c.name)
    .join(runs, runs.c.tenant == pauses.c.tenant)
    .where(runs.c.id == bindparam("run"))
)
LAST = turns.alias("last")
STARTED = (
    select(LAST.c.turn)
    .where(LAST.c.tenant == "", LAST.c.source == "", LAST.c.rank == bindparam("rank"))
    .scalar_subquery()
)
AFTER_STARTED = func.coalesce(STARTED, 0) + 1
TURN = ["tenant", "source", "rank"]


def _take_turn(into: Any) -> Any:
    taken = into.values(
        tenant=bindparam("tenant"), source=bindparam("source"), rank=bindparam("rank"), turn=AFTER_STARTED
    )
    later = case((turns.c.turn >= AFTER_STARTED, turns.c.turn + 1), else_=AFTER_STARTED)
    return taken.on_conflict_do_update(index_elements=TURN, set_={"turn": later}).returning(turns.c.turn)


def _advance_turn(into: Any) -> Any:
    into = into.values({name: bindparam(name) for name in (*TURN, "turn")})
    later = case((turns.c.turn > into.excluded.turn, turns.c.turn), else_=into.excluded.turn)
    return into.on_conflict_do_update(index_elements=TURN, set_={"turn": later})


TAKE_TURN = Prepared({name: _take_turn(insert_(turns)) for name, insert_ in INSERT.items()})
ADVANCE = Prepared({name: _advance_turn(insert_(turns)) for name, insert_ in INSERT.items()})
LOCK = Prepared(select(func.pg_advisory_xact_lock(QUEUE)))


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """Runs that were taken, and when it is worth while to look again if nothing else happens."""

    starts: tuple[Start, ...]
    look_again_at: datetime | None


def lock_queue(connection: Connection) -> None:
    """Change the line alone until the commit. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        LOCK.on(connection)


def claim(connection: Connection, owner: str, queueing: Mapping[str, Queueing], now: datetime, most: int) -> Claimed:
    """Set up to `most` runs running for a worker, those that are first in line and whose type has room."""
    lock_queue(connection)
    next_moment = _by_the_clock(connection, now)
    room = _Room(connection, queueing, now)
    taken = _take(connection, room, now, most)
    if taken:
        TAKE.many(connection, [{"run": row.id, "worker": owner, "now": now} for row in taken])
    for row in taken:
        _promote(connection, row.tenant, row.subject)
    for rank in {row.rank for row in taken}:
        _advance(connection, rank, max(row.turn for row in taken if row.rank == rank))
    room.write(connection)
    times = [moment for moment in (next_moment, room.again_at) if moment is not None]
    starts = tuple(Start(run=row.id, segment=row.segment, owner=owner) for row in taken)
    return Claimed(starts=starts, look_again_at=min(times, default=None))


def _by_the_clock(connection: Connection, now: datetime) -> datetime | None:
    """Close what is expired and put what is due in line, some at a time; when there is more of it."""
    clocks = CLOCKS.on(connection).one()
    if any(moment is not None and moment <= now for moment in clocks):
        for run in connection.execute(EXPIRED, {"now": now}).scalars().all():
            _expire(connection, run, now)
        for run in connection.execute(OVERDUE, {"now": now}).scalars().all():
            enter(connection, run)
        clocks = CLOCKS.on(connection).one()
    return min((moment for moment in clocks if moment is not None), default=None)


def _ready(connection: Connection, room: _Room, taken: list[Any], now: datetime, most: int) -> list[Any]:
    """Who is first in line, but those that are taken or whose type is full."""
    if not (room.full or taken):
        return NEXT.on(connection, {"now": now, "most": most})
    query = READY.limit(most)
    if room.full:
        query = query.where(tuple_(runs.c.tenant, runs.c.event_type).not_in(sorted(room.full)))
    if taken:
        query = query.where(runs.c.id.not_in([row.id for row in taken]))
    return list(connection.execute(query, {"now": now}).all())


def _take(connection: Connection, room: _Room, now: datetime, most: int) -> list[Any]:
    taken: list[Any] = []
    while len(taken) < most:
        found = _ready(connection, room, taken, now, most - len(taken))
        fit = [row for row in found if room.take(row.tenant, row.event_type)]
        taken += fit
        if len(fit) == len(found):
            break
    return taken


class _Room:
    """How many more runs of each tenant's event type may start now."""

    def __init__(self, connection: Connection, queueing: Mapping[str, Queueing], now: datetime) -> None:
        self.full: set[tuple[str, str]] = set()
        self.again_at: datetime | None = None
        """When a rate lets the next run start."""
        self._now = now
        self._most = {name: kind.concurrency for name, kind in queueing.items() if kind.concurrency is not None}
        self._rates = {name: kind.rate for name, kind in queueing.items() if kind.rate is not None}
        self._going = _going(connection, self._most)
        self._starts = _starts(connection, self._rates, now)
        self._changed: set[tuple[str, str]] = set()

    def take(self, tenant: str, event_type: str) -> bool:
        """Whether one more may start; it is counted."""
        key = (tenant, event_type)
        most, rate = self._most.get(event_type), self._rates.get(event_type)
        if most is not None and self._going[key] >= most:
            self.full.add(key)
            return False
        if rate is not None:
            left = self._starts.setdefault(key, float(rate.starts))
            if left < 1.0:
                self.full.add(key)
                self._wait_for(rate, left)
                return False
            self._starts[key] = left - 1.0
            self._changed.add(key)
        self._going[key] += 1
        return True

    def _wait_for(self, rate: Rate, left: float) -> None:
        moment = self._now + timedelta(seconds=(1.0 - left) * rate.per_s / rate.starts)
        self.again_at = moment if self.again_at is None else min(moment, self.again_at)

    def write(self, connection: Connection) -> None:
        """Keep what the rates have left."""
        for tenant, event_type in self._changed:
            of_type = (rates.c.tenant == tenant, rates.c.event_type == event_type)
            values = {"starts": self._starts[tenant, event_type], "at": self._now}
            if connection.execute(update(rates).where(*of_type).values(values)).rowcount == 0:
                connection.execute(insert(rates).values(tenant=tenant, event_type=event_type, **values))


def _going(connection: Connection, most: Mapping[str, int]) -> Counter[tuple[str, str]]:
    if not most:
        return Counter()
    rows = connection.execute(
        select(runs.c.tenant, runs.c.event_type, func.count())
        .where(literal_column("runs.status = 'running'"), runs.c.event_type.in_(list(most)))
        .group_by(runs.c.tenant, runs.c.event_type)
    ).all()
    return Counter({(tenant, event_type): number for tenant, event_type, number in rows})


def _starts(connection: Connection, limits: Mapping[str, Rate], now: datetime) -> dict[tuple[str, str], float]:
    if not limits:
        return {}
    rows = connection.execute(select(rates).where(rates.c.event_type.in_(list(limits)))).all()
    left: dict[tuple[str, str], float] = {}
    for row in rows:
        rate = limits[row.event_type]
        passed = max(0.0, (now - row.at).total_seconds())
        left[row.tenant, row.event_type] = min(float(rate.starts), row.starts + passed * rate.starts / rate.per_s)
    return left


def next_turn(connection: Connection, tenant: str, source: str, rank: int) -> int:
    """The turn of a source's next run: after its own last one, and not before the one that was started last."""
    given = {"tenant": tenant, "source": source, "rank": rank}
    (turn,) = TAKE_TURN.on(connection, given).one()
    return int(turn)


def _advance(connection: Connection, rank: int, turn: int) -> None:
    given = {"tenant": "", "source": "", "rank": rank, "turn": turn}
    ADVANCE.on(connection, given)


def enter(connection: Connection, run: str) -> None:
    """Put a queued run in line, at the place its event's arrival gives it. The queue is locked."""
    connection.execute(update(runs).where(runs.c.id == run).values(in_line=True, due_at=None, gathers_until=None))
    tenant, subject = SUBJECT.on(connection, {"run": run}).one()
    _promote(connection, tenant, subject)


def leave(connection: Connection, run: str) -> None:
    """Take a queued run out of the line for good, before it is closed. The queue is locked."""
    connection.execute(update(runs).where(runs.c.id == run).values(in_line=False, head=False))
    tenant, subject = SUBJECT.on(connection, {"run": run}).one()
    _promote(connection, tenant, subject)


def requeue(
    connection: Connection, run: str, now: datetime, *, due_at: datetime | None = None, held: str | None = None
) -> None:
    """Give a running or parked run back to the line, at its old place, for its next segment. The queue is locked.

    Until `due_at`, and while it is `held`, nobody takes it; its subject waits with it.
    """
    stop_clock(connection, run, now, status="queued")
    connection.execute(
        update(runs)
        .where(runs.c.id == run)
        .values(segment=runs.c.segment + 1, owner=None, in_line=True, due_at=due_at, held=held)
    )
    notify(connection)
    tenant, subject = SUBJECT.on(connection, {"run": run}).one()
    _promote(connection, tenant, subject)


def give_back(connection: Connection, start: Start, reason: str, now: datetime) -> None:
    """Give a run back that met a pause (`reason`, as in `runs.held`); nobody takes it until the pause has ended.

    Raises `Superseded`.
    """
    lock_queue(connection)
    hold(connection, start)
    tenant = SUBJECT.on(connection, {"run": start.run}).one().tenant
    # The pause may have ended since the run met it.
    requeue(connection, start.run, now, held=reason if stands(connection, tenant, reason) else None)


def wake(connection: Connection, run: str, now: datetime) -> None:
    """Give a parked run back to the line, now that an operator has answered. The queue is locked."""
    if connection.execute(PARKED, {"run": run}).first() is not None:
        requeue(connection, run, now)


def release(connection: Connection, owner: str, now: datetime) -> int:
    """Hand over what a worker that stops has not finished; how many runs that were."""
    lock_queue(connection)
    left = connection.execute(
        select(runs.c.id).where(literal_column("runs.status = 'running'"), runs.c.owner == owner).with_for_update()
    )
    going = left.scalars().all()
    for run in going:
        requeue(connection, run, now)
    return len(going)


def _promote(connection: Connection, tenant: str, subject: str) -> None:
    where = {"t": tenant, "s": subject}
    earliest = EARLIEST.on(connection, where).one_or_none()
    if earliest is None or earliest.head:
        return
    DEMOTE.on(connection, where)
    PROMOTE.on(connection, {"run": earliest.id})


def _expire(connection: Connection, run: str, now: datetime) -> None:
    leave(connection, run)
    close_run(connection, run, status="stopped", code="expired", detail="it could not start in time", now=now)


def paused(connection: Connection, tenant: str, event_type: str, tool: str) -> str | None:
    """Why a call must not be made now (`all`, `event:TYPE`, `tool:NAME`); None if it may."""
    return hindrance(_pauses(PAUSES.on(connection, {"t": tenant})), event_type, tool)


def pausing(connection: Connection, run: str) -> frozenset[tuple[str, str]]:
    """Scope and name of each pause of a run's tenant."""
    return _pauses(PAUSES_OF_RUN.on(connection, {"run": run}))


def _pauses(rows: Rows) -> frozenset[tuple[str, str]]:
    return frozenset((row.scope, row.name) for row in rows)


def hindrance(pauses: frozenset[tuple[str, str]], event_type: str, tool: str) -> str | None:
    """Which of the pauses stands in the way of a call, as `paused` says it."""
    if not pauses:
        return None
    names = {"all": ("all", ""), f"event:{event_type}": ("event", event_type), f"tool:{tool}": ("tool", tool)}
    return next((reason for reason, key in names.items() if key in pauses), None)
