"""Plays cases: lives that are killed, then one that goes to the end, each looked at afterwards. Start with `Show`.

The process that plays has loaded everything once and runs no threads; it forks every life itself, several cases at a
time, and reaps them.
"""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from tests.durability.broken import Broken
from tests.durability.cases import Place, Stores
from tests.durability.checks import Witness
from tests.durability.counters import Counters
from tests.durability.lives import Life, begin

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
    folder: str


@dataclass
class _Playing:
    case: Case
    place: Place
    customer: str
    witness: Witness = field(default_factory=Witness)
    life: int = 0
    died: list[str] = field(default_factory=list)


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

    def points(self) -> tuple[str, ...]:
        """Every point that a life passes that is not killed. Raises RuntimeError if even that one goes wrong."""
        place = self.stores.place("whole")
        one = _Playing(case=Case(name="whole", deaths=()), place=place, customer="whole")
        life = self._begin(one)
        (process,) = self._playing
        del self._playing[process]
        played = self._end(one, _wait(process))
        if played is None or played.violations:
            raise RuntimeError(f"without any crash: {one.witness.violations}")
        return tuple(json.loads(life.report.read_text())["passed"])

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

    def _open(self, case: Case) -> None:
        self._played += 1
        name = f"case-{self._played}"
        self._begin(_Playing(case=case, place=self.stores.place(name), customer=name))

    def _begin(self, one: _Playing) -> Life:
        deaths = one.case.deaths
        death = deaths[one.life] if one.life < len(deaths) else Death()
        one.life += 1
        life = replace(self._life(one), die_on=death.on, die_at=death.at)
        self._playing[begin(life)] = one
        return life

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
        self.starts_s += report["started_s"]
        rows = self.stores.rows(one.place)
        one.witness.see(rows, self.counters.noted(one.customer), one.life, at_the_end=code == 0)
        if code == 0:
            return _told(one)
        one.died.append(report["passed"][-1])
        return None


def singles(points: Sequence[str], *, eager: Sequence[bool]) -> Iterator[Case]:
    """A death at each point, with an operator who waits for the run and with one who does not."""
    for point in points:
        for is_eager in eager:
            case = Case(name=f"{point} eager" if is_eager else point, deaths=(Death(on=point),), eager=is_eager)
            yield replace(case, again=lambda _, case=case: case)  # type: ignore[misc]


def pairs(points: Sequence[str], numbers: Iterable[int], seed: int) -> Iterator[Case]:
    """A death at any point, and one at any point of the recovery."""
    for number in numbers:
        yield _pair(points, number, seed, 1)


def _pair(points: Sequence[str], number: int, seed: int, attempt: int) -> Case:
    dice = random.Random(f"{seed}:{number}:{attempt}")
    first = dice.randrange(len(points))
    return Case(
        name=f"pair-{number}",
        deaths=(Death(on=points[first]), Death(at=dice.randrange(1, len(points) - first + 1))),
        eager=dice.random() < 0.5,
        again=lambda following: _pair(points, number, seed, following),
    )


def _told(one: _Playing) -> Played:
    return Played(
        case=one.case,
        violations=one.witness.violations,
        reached=len(one.died) == len(one.case.deaths),
        died=one.died,
        folder=str(one.place.folder),
    )


def _wait(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


