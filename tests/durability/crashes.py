"""`python -m tests.durability.crashes`: kill -9 at every point of an event's path, then at pairs of points.

Each case is a company of its own on a fresh store. It prints where it is, goes on with `--from` where it was stopped,
and ends with "N points, M pairs, 0 violations", or with 1 and what was violated.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import get_args

from tests.agent.company import embedder
from tests.durability.broken import Broken
from tests.durability.cases import PostgresStores, SqliteStores, Stores
from tests.durability.counters import Counters
from tests.durability.show import Case, Dice, Played, Show
from tests.postgres_server import postgres_server

PAIRS = {"sqlite": 500, "postgres": 150}


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command's arguments."""
    parser = argparse.ArgumentParser(prog="python -m tests.durability.crashes", description=__doc__)
    parser.add_argument("--database", choices=sorted(PAIRS), default="sqlite")
    parser.add_argument(
        "--pairs", type=int, help="how many; if left out 500 on SQLite, 150 on PostgreSQL, 0 with --only"
    )
    parser.add_argument("--deaths", type=int, default=2, help="how many lives of a pair are killed")
    parser.add_argument("--only", help="these cases instead of all points: 'claim.after#2,park.within#1 eager,pair-17'")
    parser.add_argument("--from", dest="start", help="name of the case to go on with: 'claim.after#2', 'pair-17'")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=3, help="cases at a time")
    parser.add_argument("--every", type=int, default=20, help="cases between two lines of progress")
    parser.add_argument("--broken", choices=get_args(Broken), help="play a build that is broken on purpose")
    parser.add_argument("--pay-back-takes", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--folder", type=Path, help="where stores are kept; a temporary one if left out")
    parser.add_argument("--list", action="store_true", help="print the points and end")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    """Play what was asked for; 1 if anything was violated."""
    wanted = arguments(given)
    folder = wanted.folder or Path(tempfile.mkdtemp(prefix="segue-crashes-"))
    embedder()
    with ExitStack() as stack:
        counters = stack.enter_context(Counters.open(folder / "notes", wanted.pay_back_takes))
        show = Show(
            stores=_stores(stack, wanted.database, folder),
            counters=counters,
            jobs=wanted.jobs,
            broken=wanted.broken,
        )
        show.prepare()
        tally = _Tally(wanted.every)
        points = _points(show, wanted, tally)
        if wanted.list:
            print("\n".join(points))
            return 0
        violations = _play(show, wanted, points, tally)
    if not violations and wanted.folder is None:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if violations else 0


def _stores(stack: ExitStack, database: str, folder: Path) -> Stores:
    if database == "sqlite":
        return SqliteStores(folder)
    return PostgresStores(folder, stack.enter_context(postgres_server()))


def _points(show: Show, wanted: argparse.Namespace, tally: _Tally) -> tuple[str, ...]:
    """The points of a life that is not killed; none where only named points are played."""
    if wanted.only is not None and not wanted.pairs and "pair-" not in wanted.only:
        return ()
    points, whole = show.whole()
    tally.look(whole)
    return points


def _play(show: Show, wanted: argparse.Namespace, points: tuple[str, ...], tally: _Tally) -> int:
    """Play the cases and print; the number of violations."""
    for played in show.play(_cases(wanted, points)):
        tally.add(played, show.unfinished() or played.case.name)
    tally.summary(show.starts_s)
    return tally.violations


def _cases(wanted: argparse.Namespace, points: tuple[str, ...]) -> Iterator[Case]:
    """A death at each point, with an operator who waits for the run and with one who does not; then the pairs."""
    dice = Dice(points=points, seed=wanted.seed, deaths=wanted.deaths)
    names = [*points, *(f"{point} eager" for point in points)] if wanted.only is None else wanted.only.split(",")
    usual = PAIRS[wanted.database] if wanted.only is None else 0
    count = usual if wanted.pairs is None else wanted.pairs
    names += [f"pair-{number}" for number in range(1, count + 1)]
    if wanted.start is not None:
        if wanted.start not in names:
            raise SystemExit(
                f"there is no case {wanted.start!r}; --list prints the points, pairs are 'pair-1' and so on"
            )
        names = names[names.index(wanted.start) :]
    return (dice.case(name) for name in names)


class _Tally:
    """Counts and prints."""

    def __init__(self, every: int) -> None:
        self._every = every
        self.violations = 0
        self._began = time.monotonic()
        self._cases = 0
        self._points: set[str] = set()
        self._pairs = 0
        self._missed: list[str] = []

    def add(self, played: Played, start: str) -> None:
        """One more case; `start` is what to go on with if it is stopped now."""
        case = played.case
        self._cases += 1
        if not played.reached and not played.violations:
            self._missed.append(case.name)
        elif case.name.startswith("pair-"):
            self._pairs += 1
        else:
            self._points.add(case.name.removesuffix(" eager"))
        self.look(played)
        if self._cases % self._every == 0 or played.violations:
            print(
                f"{time.monotonic() - self._began:6.0f} s  {len(self._points)} points, {self._pairs} pairs, "
                f"{self.violations} violations; last '{case.name}', go on with --from '{start}'",
                flush=True,
            )

    def look(self, played: Played) -> None:
        """Print what was violated, and where the case can be looked at."""
        if played.violations:
            self.violations += len(played.violations)
            waits = "" if played.case.eager else ", the operator waits"
            print(f"VIOLATED {played.case.name}{waits}, died at {played.died}, see {played.folder}")
            for violation in played.violations:
                print(f"    {violation}")

    def summary(self, starts_s: list[float]) -> None:
        """What was played, and what came of it."""
        if self._missed:
            print(f"not reached in any try: {', '.join(self._missed)}")
        if starts_s:
            print(f"{len(starts_s)} starts, median {statistics.median(starts_s):.2f} s, longest {max(starts_s):.2f} s")
        print(f"took {time.monotonic() - self._began:.0f} s")
        print(f"{len(self._points)} points, {self._pairs} pairs, {self.violations} violations", flush=True)


if __name__ == "__main__":
    sys.exit(main())
