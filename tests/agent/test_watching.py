"""Who follows runs, and when they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping, Sequence

import pytest

from agent.watching import TooManyWatchers, Watching

NEVER_S = 60.0


class Rows:
    """The store as a look sees it."""

    def __init__(self) -> None:
        self.marks: dict[str, Hashable] = {}
        self.looks = 0
        self.broken = False

    async def look(self, followed: Sequence[str]) -> Mapping[str, Hashable]:
        """The marks of the followed runs."""
        self.looks += 1
        if self.broken:
            self.broken = False
            raise OSError("the store is away")
        return {run: self.marks[run] for run in followed if run in self.marks}


async def test_a_follower_is_told_at_once_of_what_this_process_changes() -> None:
    rows = Rows()
    watching = Watching(rows.look, every_s=NEVER_S, soonest_s=0)
    one, other = watching.begin("r-1"), watching.begin("r-2")
    assert await one.wait(5)
    assert await other.wait(5)
    rows.marks["r-1"] = "changed"
    watching.changed()
    assert await one.wait(5)
    watching.changed("r-2")
    assert await other.wait(5)
    assert not await one.wait(0)
    await watching.aclose()


async def test_what_another_process_changes_is_seen_a_moment_later() -> None:
    rows = Rows()
    watching = Watching(rows.look, every_s=0.01, soonest_s=0)
    watch = watching.begin("r-1")
    assert await watch.wait(5)
    rows.marks["r-1"] = "changed"
    assert await watch.wait(5)
    rows.broken = True
    rows.marks["r-1"] = "changed again"
    assert await watch.wait(5)
    await watching.aclose()


async def test_without_followers_nobody_looks() -> None:
    rows = Rows()
    watching = Watching(rows.look, every_s=0, soonest_s=0)
    watching.changed()
    watch = watching.begin("r-1")
    await watch.wait(5)
    watching.end(watch)
    watching.end(watch)
    looks = rows.looks
    for _ in range(20):
        await asyncio.sleep(0)
    assert (rows.looks, watching.count) == (looks, 0)


async def test_only_so_many_follow_and_the_end_lets_all_go() -> None:
    watching = Watching(Rows().look, most=1, every_s=NEVER_S)
    watch = watching.begin("r-1")
    with pytest.raises(TooManyWatchers):
        watching.begin("r-1")
    watching.stop()
    assert await watch.wait(5)
    assert watch.over
    watching.end(watch)
    with pytest.raises(TooManyWatchers):
        watching.begin("r-1")
    await watching.aclose()
