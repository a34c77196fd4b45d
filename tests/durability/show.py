"""Plays cases: lives that are killed, then one that goes to the end, each looked at afterwards. Start with `Show`.

The process that plays has loaded everything once and runs no threads; it forks every life itself, several cases at a
time, and reaps them.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import random
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.durability.broken import Broken
from tests.durability.cases import Place, Stores
from tests.durability.checks import Witness
from tests.durability.counters import Counters
from tests.durability.lives import Life, begin
from tools.http import open_client

TRIES = 6
"""How often a case is played until every death it wants was reached: what runs at once runs in no fixed order."""


@dataclass(frozen=True, kw_only=True)
class Death:
    """Where a life ends: at the point of this name and count, or at the point of this number."""

    on: str | None = None
    at: int | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """Some deaths, one life each, and then a life to the end."""

    name: str
    deaths: tuple[Death, ...]
    eager: bool = False
    again: Callable[[int], Case] | None = None
    """The same case for another try, after one in which a death was not reached."""
    tries: int = 1


@dataclass
class Played:
    """How a case went."""

    case: Case
    violations: list[str]
    reached: bool
    """Whether every death came."""
    died: list[str]
    """Where."""
    folder: Path
    passed: tuple[str, ...]
    """The points the last life passed."""


@dataclass
class _Playing:
    case: Case
    place: Place
    customer: str
    opened: int = 0
    witness: Witness = field(default_factory=Witness)
    life: int = 0
    died: list[str] = field(default_factory=list)
    passed: tuple[str, ...] = ()


@dataclass
class Show:
    """Plays up to `jobs` cases at a time against one pair of counters."""

    stores: Stores
    counters: Counters
    jobs: int = 3
    broken: Broken | None = None
    starts_s: list[float] = field(default_factory=list)
    """Seconds from each fork to a Segue that is ready."""
    _playing: dict[int, _Playing] = field(default_factory=dict)
    _played: int = 0

    def prepare(self) -> None:
        """Let one life make the tables. Raises RuntimeError if it cannot."""
        place = self.stores.empty()
        life = self._life(_Playing(case=Case(name="fresh", deaths=()), place=place, customer="fresh"))
        code = _wait(begin(replace(life, only_opens=True)))
        if code:
            raise RuntimeError(f"the first life ended with {code}: {life.log.read_text()[-2000:]}")
        _load(json.loads(life.report.read_text())["modules"])

    def whole(self) -> tuple[tuple[str, ...], Played]:
        """Every point that a life passes that is not killed, and how that went. Raises RuntimeError without an end."""
        (played,) = self.play([Case(name="no crash", deaths=())])
        if not played.passed:
            raise RuntimeError(f"without any crash: {played.violations}")
        return played.passed, played

    def play(self, cases: Iterable[Case]) -> Iterator[Played]:
        """Play them all, and tell of each as it ends."""
        coming = iter(cases)
        while True:
            while len(self._playing) < self.jobs and (case := next(coming, None)) is not None:
                self._open(case)
            if not self._playing:
                return
            process, status = os.waitpid(-1, 0)
            if process == self.counters.process:
                raise RuntimeError("the tools' process has died")
            one = self._playing.pop(process, None)
            if one is None:
                continue
            played = self._end(one, os.waitstatus_to_exitcode(status))
            if played is None:
                self._begin(one)
            elif not played.reached and not played.violations and one.case.again and one.case.tries < TRIES:
                self.stores.drop(one.place)
                self._open(replace(one.case.again(one.case.tries + 1), tries=one.case.tries + 1))
            else:
                if not played.violations:
                    self.stores.drop(one.place)
                yield played

    def unfinished(self) -> str | None:
        """Name of the case that has been played for longest; None if nothing is."""
        return min(((one.opened, one.case.name) for one in self._playing.values()), default=(0, None))[1]

    def _open(self, case: Case) -> None:
        self._played += 1
        name = f"case-{self._played}"
        self._begin(_Playing(case=case, place=self.stores.place(name), customer=name, opened=self._played))

    def _begin(self, one: _Playing) -> None:
        deaths = one.case.deaths
        death = deaths[one.life] if one.life < len(deaths) else Death()
        one.life += 1
        life = replace(self._life(one), die_on=death.on, die_at=death.at)
        self._playing[begin(life)] = one

    def _life(self, one: _Playing) -> Life:
        return Life(
            folder=one.place.folder,
            customer=one.customer,
            number=max(1, one.life),
            counters=self.counters.url,
            notes=self.counters.notes,
            # The first life waits, so that there is something to answer at once in the next.
            eager=one.case.eager and one.life > 1,
            database_url=one.place.database_url,
            broken=self.broken,
        )

    def _end(self, one: _Playing, code: int) -> Played | None:
        """Look at what the life left; None if another life follows."""
        life = self._life(one)
        if code not in (0, -signal.SIGKILL):
            one.witness.violations.append(f"life {one.life} ended with {code}: {life.log.read_text()[-3000:]}")
            return _told(one)
        report = json.loads(life.report.read_text())
        one.passed = tuple(report["passed"])
        self.starts_s += report["started_s"]
        rows = self.stores.rows(one.place)
        one.witness.see(rows, self.counters.noted(one.customer), one.life, at_the_end=code == 0)
        if code == 0:
            return _told(one)
        one.died.append(one.passed[-1])
        return None


@dataclass(frozen=True, kw_only=True)
class Dice:
    """Makes cases of their names; the same name and seed always make the same case."""

    points: Sequence[str]
    """Every point of a life that is not killed, in order."""
    seed: int
    deaths: int = 2
    """How many lives of a pair are killed."""

    def case(self, name: str, attempt: int = 1) -> Case:
        """`pair-17`, or a point, or a point and the word `eager`."""
        if name.startswith("pair-"):
            return self._pair(name, attempt)
        point = name.removesuffix(" eager")
        return Case(name=name, deaths=(Death(on=point),), eager=point != name, again=lambda _: self.case(name))

    def _pair(self, name: str, attempt: int) -> Case:
        """A death at any point, and one at any point of the recovery; more of them soon after a start."""
        dice = random.Random(f"{self.seed}:{name}:{attempt}")
        first = dice.randrange(len(self.points))
        left = len(self.points) - first
        deaths = [Death(on=self.points[first]), *(Death(at=dice.randrange(1, 8)) for _ in range(self.deaths - 2))]
        return Case(
            name=name,
            deaths=(*deaths, Death(at=dice.randrange(1, left + 1))),
            eager=dice.random() < 0.5,
            again=lambda following: self.case(name, following),
        )


def _load(modules: Sequence[str]) -> None:
    """Load what a life needs, once and for all of them: as much work as everything else at a start."""
    for module in modules:
        with suppress(ImportError):
            importlib.import_module(module)
    asyncio.run(open_client().aclose())
    # What is here stays here: a life need not look through it for garbage, which would copy all of it.
    gc.collect()
    gc.freeze()


def _told(one: _Playing) -> Played:
    return Played(
        case=one.case,
        violations=one.witness.violations,
        reached=len(one.died) == len(one.case.deaths),
        died=one.died,
        folder=one.place.folder,
        passed=one.passed,
    )


def _wait(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
