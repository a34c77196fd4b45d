"""What happened lately against the time before, kept up with the store at little cost. Start with `Trends.read`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from agent.operating.cases import reward_of
from agent.operating.rested import Rested
from agent.store import trends
from agent.store.database import Database
from agent.store.trends import SLOT, Slot, slot_of, total

DAYS = 14
KEPT = timedelta(days=DAYS + 1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SOON = timedelta(minutes=10)
"""What is as young is read each time; what is older only when a run of it has ended, or it was not for a while."""
OLD_S = 3_600.0
AT_ONCE_S = 0.5
"""After so long the rest is left to the next reading, the oldest last: a large past comes in by and by."""
MOST_OLD = int(DAY / SLOT)
"""Slots that are read anew only for their age, each time."""


@dataclass(frozen=True, kw_only=True)
class Trend:
    """What happened, by slots."""

    now: datetime
    slots: Mapping[datetime, Slot]
    whole: bool = True
    """False while a large past is still being counted, the newest days first."""

    def total(self, since: datetime, until: datetime) -> Slot:
        """Of the slots that begin in that time."""
        return total(slot for at, slot in self.slots.items() if since <= at < until)

    @property
    def today(self) -> Slot:
        """Since midnight UTC."""
        return self.total(_midnight(self.now), self.now)

    @property
    def yesterday(self) -> Slot:
        """From the midnight before until this time of day, to five minutes."""
        return self.total(_midnight(self.now) - DAY, self.now - DAY)

    def hours(self) -> list[tuple[datetime, Slot]]:
        """The last 24, oldest first; the last one is going on."""
        first = self.now.replace(minute=0, second=0, microsecond=0) - 23 * HOUR
        return self._parts(first, HOUR, 24)

    def days(self) -> list[tuple[datetime, Slot]]:
        """The last 14 of UTC, oldest first; the last one is today."""
        return self._parts(_midnight(self.now) - (DAYS - 1) * DAY, DAY, DAYS)

    def _parts(self, first: datetime, length: timedelta, number: int) -> list[tuple[datetime, Slot]]:
        found: list[list[Slot]] = [[] for _ in range(number)]
        for at, slot in self.slots.items():
            if first <= at < first + number * length:
                found[(at - first) // length].append(slot)
        return [(first + index * length, total(part)) for index, part in enumerate(found)]


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass
class _Kept:
    slots: dict[datetime, Slot] = field(default_factory=dict)
    read_at: dict[datetime, datetime] = field(default_factory=dict)
    """By slot, those too in which nothing happened."""


class Trends:
    """Of every tenant. A past that cannot change any more is not read again and again."""

    def __init__(self, database: Database, goals: Mapping[str, float], clock: Callable[[], datetime]) -> None:
        self._database = database
        self._goals = goals
        self._clock = clock
        self._kept: dict[str, _Kept] = defaultdict(_Kept)
        self._rested = Rested(self._bring_up_to_date)

    async def read(self, tenant: str) -> Trend:
        """As of a second ago, or of some longer time where reading takes long."""
        return await self._rested.of(tenant)

    async def _bring_up_to_date(self, tenant: str) -> Trend:
        kept, now = self._kept[tenant], self._clock()
        still_open = await self._database.read(lambda connection: trends.open_slots(connection, tenant))
        began, spans = monotonic(), _spans(sorted(_stale(kept, still_open, now)))
        while spans and monotonic() - began < AT_ONCE_S:
            await self._read(tenant, kept, *spans.pop(), now)
        for at in [at for at in kept.read_at if at < now - KEPT]:
            del kept.read_at[at]
            kept.slots.pop(at, None)
        return Trend(now=now, slots=dict(kept.slots), whole=not spans)

    async def _read(self, tenant: str, kept: _Kept, since: datetime, until: datetime, now: datetime) -> None:
        found = await self._database.read(
            lambda connection: trends.slots(connection, tenant, since, until, self._worth)
        )
        at = since
        while at < until:
            kept.read_at[at] = now
            kept.slots.pop(at, None)
            at += SLOT
        kept.slots |= found

    def _worth(self, rewards: Mapping[str, float]) -> float | None:
        return reward_of(rewards, self._goals)


def _stale(kept: _Kept, still_open: Mapping[datetime, int], now: datetime) -> set[datetime]:
    """Slots to read: never read, young, long not read, or with another number of open runs than when they were."""
    found, old = set(), []
    at, last = slot_of(_midnight(now - DAYS * DAY)), slot_of(now)
    while at <= last:
        read_at, known = kept.read_at.get(at), kept.slots.get(at)
        was_open = 0 if known is None else known.open
        if read_at is None or at > now - SOON or still_open.get(at, 0) != was_open:
            found.add(at)
        elif (now - read_at).total_seconds() > OLD_S:
            old.append(at)
        at += SLOT
    return found | set(old[-MOST_OLD:])


def _spans(stale: list[datetime]) -> list[tuple[datetime, datetime]]:
    """The same as times from and until, a day long at most, so that no reading holds up others for long."""
    found: list[tuple[datetime, datetime]] = []
    for at in stale:
        if found and found[-1][1] == at and at - found[-1][0] < DAY:
            found[-1] = (found[-1][0], at + SLOT)
        else:
            found.append((at, at + SLOT))
    return found
