"""Housekeeping of memory, on demand and in the background. Start with `Tidying.tidy`, then `_round`.

One round of an event type works out places, forgets what is old, gathers crowds, and forgets what did harm, and what
is unused where there is too much. It goes in steps of a few hundredths of a second, each of which leaves the store
right: what breaks off in the middle goes on in the next round.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.background import Background
from agent.crediting import Uses
from agent.store import credits, crowds, episodes, lessons, tidy
from agent.store.database import Database
from agent.store.tidy import Candidate, Forgotten, Gathering, Kind
from memory.recall import Memory, MemoryUnavailable
from memory.settings import Settings
from memory.tidying import TidySettings, faded_before, harmful

PLACED = 250
"""Episodes whose places are worked out in a step."""
TOGETHER = 200
"""Episodes that are gathered or forgotten in one commit."""
OUT = 64
"""Episodes that are taken out of the index at once: Chroma keeps the interpreter to itself meanwhile."""
PAGE = 200
"""Runs whose evidence is looked through in a step."""
RETOLD = 20
"""Crowds whose words are worked out anew in one commit."""
FIRST_S = 60.0
EVERY_S = 3_600.0
"""In the background each event type is tidied so often."""
RETELL_S = 5.0
"""In the background crowds about which something has changed are told anew so often."""
REST = 4.0
"""For so many times what a step took the background rests after it."""
log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Tidied:
    """What a round did so far, or would do."""

    type: str
    placed: int = 0
    """Episodes whose place was worked out."""
    crowds: int = 0
    """New ones."""
    members: int = 0
    """Episodes that another now speaks for."""
    old: int = 0
    harmful: int = 0
    unused: int = 0
    index_before: int = 0
    """Episodes the index was meant to hold when the round began."""
    index_after: int = 0
    finished: bool = False


class Tidying(Background):
    """Keeps memory in order."""

    def __init__(
        self,
        database: Database,
        memory: Memory,
        goals: Mapping[str, float],
        clock: Callable[[], datetime],
        settings: TidySettings | None = None,
        formula: Settings | None = None,
    ) -> None:
        """`formula` is that of the memory, by which episodes fade."""
        self._database = database
        self._memory = memory
        self._goals = goals
        self._clock = clock
        self._settings = settings or TidySettings()
        self._formula = formula or Settings()
        self._rounds: dict[Kind, tuple[Tidied, AsyncIterator[None]]] = {}
        self._at_work = asyncio.Lock()

    async def tidy(self, tenant: str, event_types: Sequence[str], seconds: float) -> list[Tidied]:
        """Go on with a round of each type, for so long and at least a step; what was done, and whether all is.

        Called again, it goes on. Raises `MemoryUnavailable`.
        """
        until = time.monotonic() + seconds
        done = []
        for name in event_types:
            kind = Kind(tenant=tenant, event_type=name)
            told = await self._step(kind)
            while not told.finished and time.monotonic() < until:
                told = await self._step(kind)
            done.append(told)
        return done

    async def preview(self, tenant: str, event_type: str, seconds: float) -> Tidied:
        """What a round would do. First it works out places, which changes nothing anybody sees.

        For so long and at least a step; where that was not enough it is not finished, and goes on when called again.
        """
        until = time.monotonic() + seconds
        kind = Kind(tenant=tenant, event_type=event_type)
        told = Tidied(type=event_type)
        async for _ in self._place(kind, told):
            if time.monotonic() > until:
                return told
        await self._foresee(kind, told)
        told.finished = True
        return told

    async def _foresee(self, kind: Kind, told: Tidied) -> None:
        now = self._clock()
        told.index_before = await self._size(kind)
        gatherings = await self._gatherings(kind, now)
        told.crowds = sum(not one.joins for one in gatherings)
        told.members = sum(one.number - (not one.joins) for one in gatherings)
        faded = faded_before(now, self._settings, self._formula)
        told.old = await self._database.read(lambda connection: tidy.count(connection, kind, faded))
        uses = await self._uses(kind)
        told.harmful = len(await self._harmful(kind, uses))
        in_index = told.index_before - told.members - told.old - told.harmful
        told.unused = max(0, in_index - self._settings.most_indexed)
        told.index_after = max(0, in_index - told.unused)

    async def _step(self, kind: Kind) -> Tidied:
        """One step of the kind's round, which begins with it or goes on."""
        async with self._at_work:
            if kind not in self._rounds:
                begun = Tidied(type=kind.event_type, index_before=await self._size(kind))
                self._rounds[kind] = begun, self._round(kind, begun)
            told, steps = self._rounds[kind]
            try:
                await anext(steps)
            except StopAsyncIteration:
                told.finished = True
                del self._rounds[kind]
            except BaseException:
                del self._rounds[kind]
                raise
            return told

    async def _round(self, kind: Kind, told: Tidied) -> AsyncIterator[None]:
        """All of it in order; after each step others may go on, or everything may end."""
        while await self._take_out():
            yield
        for part in (self._place, self._forget_old, self._gather, self._forget_by_use):
            async for _ in part(kind, told):
                yield
        while await self._retell_some():
            yield
        told.index_after = await self._size(kind)

    async def _take_out(self) -> bool:
        """Let the index forget some of what was tidied away, of every kind; whether there was any."""
        found = await self._database.read(lambda connection: tidy.behind(connection, OUT))
        kinds: dict[tuple[str, str], list[str]] = {}
        for one in found:
            kinds.setdefault((one.tenant, one.event_type), []).append(one.id)
        for (tenant, event_type), ids in kinds.items():
            await self._memory.forget(tenant, event_type, ids)
        if found:
            await self._database.write(lambda connection: tidy.left(connection, [one.id for one in found]))
        return bool(found)

    async def _place(self, kind: Kind, told: Tidied) -> AsyncIterator[None]:
        while found := await self._database.read(lambda connection: tidy.unplaced(connection, kind, PLACED)):
            await self._put(found)
            told.placed += len(found)
            yield

    async def _put(self, places: Mapping[str, str]) -> None:
        await self._database.write(lambda connection: tidy.put(connection, places))

    async def _gather(self, kind: Kind, told: Tidied) -> AsyncIterator[None]:
        now = self._clock()
        for part in _parts(await self._gatherings(kind, now)):
            while gathered := await self._gather_some(kind, part, now, told):
                while await self._retell_some() or await self._take_out():
                    yield
                if gathered < TOGETHER - 1:
                    break

    async def _gatherings(self, kind: Kind, now: datetime) -> Sequence[Gathering]:
        within, least = self._within(now), self._settings.least
        return await self._database.read(lambda connection: tidy.gatherings(connection, kind, within, least))

    def _within(self, now: datetime) -> tuple[datetime, datetime]:
        """When what is gathered was closed."""
        return faded_before(now, self._settings, self._formula), self._settled(now)

    def _settled(self, now: datetime) -> datetime:
        return now - timedelta(seconds=self._settings.settled_s)

    async def _gather_some(self, kind: Kind, part: Sequence[Gathering], now: datetime, told: Tidied) -> int:
        """The newest at these places, as many as a commit takes."""
        places, within = [one.place for one in part], self._within(now)
        found = await self._database.read(lambda connection: tidy.at(connection, kind, places, within, TOGETHER))
        gathered = await self._database.write(
            lambda connection: [
                crowds.gather(connection, kind.tenant, kind.event_type, place, ids, now) for place, ids in found.items()
            ]
        )
        told.crowds += sum(one.is_new for one in gathered)
        told.members += sum(one.members for one in gathered)
        return sum(one.members for one in gathered)

    async def _retell_some(self) -> bool:
        """Write what some crowds say about which something has changed, of every kind; whether there were any."""
        voices = await self._database.read(lambda connection: crowds.stale(connection, RETOLD))
        if voices:
            await self._database.write(lambda connection: crowds.refresh(connection, voices, self._formula), long=True)
        return bool(voices)

    async def _forget_old(self, kind: Kind, told: Tidied) -> AsyncIterator[None]:
        faded = faded_before(self._clock(), self._settings, self._formula)
        words = f"age has left less than {self._settings.faded:.0%} of its weight"
        while found := await self._database.read(lambda connection: tidy.oldest(connection, kind, OUT, before=faded)):
            done = await self._forget(kind, "old", {one.id: words for one in found})
            told.old += done
            yield
            if not done:
                return

    async def _forget_by_use(self, kind: Kind, told: Tidied) -> AsyncIterator[None]:
        """What did harm, then what nothing used where there is too much."""
        uses = Uses(self._goals)
        async for _ in self._look_through(kind, uses):
            yield
        bad = await self._harmful(kind, uses)
        for part in _by(OUT, list(bad)):
            told.harmful += await self._forget(kind, "harmful", {name: bad[name] for name in part})
            yield
        async for number in self._forget_unused(kind, uses):
            told.unused += number
            yield

    async def _look_through(self, kind: Kind, uses: Uses) -> AsyncIterator[None]:
        most = self._settings.looked_at
        names = await self._database.read(lambda connection: credits.latest(connection, kind, most))
        for part in _by(PAGE, names):
            uses.count(await self._used_by(part))
            yield

    async def _used_by(self, names: Sequence[str]) -> Sequence[credits.UsedBy]:
        return await self._database.read(lambda connection: credits.used_by(connection, names))

    async def _uses(self, kind: Kind) -> Uses:
        uses = Uses(self._goals)
        async for _ in self._look_through(kind, uses):
            pass
        return uses

    async def _harmful(self, kind: Kind, uses: Uses) -> Mapping[str, str]:
        """What did harm, each with the reason in words."""
        often = uses.often(self._settings.followed)
        found = await self._database.read(lambda connection: tidy.named(connection, kind, often))
        tried = {one.id: uses.credit(one) for one in found}
        return {
            name: f"of {tried[name].followed} graded runs that followed it {tried[name].hurt} went badly, "
            f"of all {uses.usual:.0%}; by chance {chance:.1g}"
            for name, chance in harmful(tried, uses.usual, self._settings).items()
        }

    async def _forget_unused(self, kind: Kind, uses: Uses) -> AsyncIterator[int]:
        most, last = self._settings.most_indexed, None
        left = await self._size(kind) - most
        words = f"it was no evidence lately, and the index had more than {most} episodes of its type"
        while left > 0:
            page = await self._oldest(kind, last)
            if not page:
                return
            last = page[-1].closed_at, page[-1].id
            unused = [one.id for one in page if not one.in_crowd and one.id not in uses.used][:left]
            done = await self._forget(kind, "unused", dict.fromkeys(unused, words))
            left -= done
            yield done

    async def _oldest(self, kind: Kind, last: tuple[datetime, str] | None) -> Sequence[Candidate]:
        before = self._settled(self._clock())
        return await self._database.read(
            lambda connection: tidy.oldest(connection, kind, OUT, before=before, after=last)
        )

    async def _forget(self, kind: Kind, state: Forgotten, why: Mapping[str, str]) -> int:
        """Let these say nothing any more, then the index forget them; their crowds go on without them."""
        if not why:
            return 0
        heirs = await self._database.read(lambda connection: tidy.heirs(connection, list(why)))
        names = [heir for heir in heirs.values() if heir is not None]
        # Findable before it speaks, so that the crowd is heard all the while.
        for heir in await self._database.read(lambda connection: episodes.fetch(connection, kind.tenant, names)):
            await self._memory.remember(heir)
        now = self._clock()
        done = await self._database.write(lambda connection: tidy.forget(connection, why, state, heirs, now))
        await self._take_out()
        return done

    async def _size(self, kind: Kind) -> int:
        return await self._database.read(lambda connection: tidy.size(connection, kind))

    async def _for_ever(self) -> None:
        tidied_at = asyncio.get_running_loop().time() - EVERY_S + FIRST_S
        while True:
            await asyncio.sleep(RETELL_S)
            try:
                while await self._retell_some():
                    await asyncio.sleep(0)
                if asyncio.get_running_loop().time() - tidied_at >= EVERY_S:
                    await self._tidy_slowly()
                    tidied_at = asyncio.get_running_loop().time()
            except MemoryUnavailable as error:
                log.warning("memory is tidied when it can be asked again: %s", error)
            except Exception:
                # The store may be full or locked for a while: the loop must outlive it and say so.
                log.exception("memory could not be tidied, trying again")

    async def _tidy_slowly(self) -> None:
        for tenant, event_type in await self._database.read(lessons.kinds):
            kind, finished = Kind(tenant=tenant, event_type=event_type), False
            while not finished:
                began = time.monotonic()
                finished = (await self._step(kind)).finished
                await asyncio.sleep(REST * (time.monotonic() - began))


def _parts(found: Iterable[Gathering]) -> Iterator[Sequence[Gathering]]:
    """As many places at a time as a commit takes; one with more stands alone."""
    part: list[Gathering] = []
    for one in found:
        if part and sum(each.number for each in part) + one.number > TOGETHER:
            yield part
            part = []
        part.append(one)
    if part:
        yield part


def _by(number: int, names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + number] for start in range(0, len(names), number))
