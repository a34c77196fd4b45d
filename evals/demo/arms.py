"""The two arms of a season, each in a process of its own, and how far they are. Start with `play_season`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

from evals.demo.season import ARMS, Arm, Ended, PlayArm, Played, Season

LOOK_S = 0.5
NICENESS = 5


async def play_season(
    pool: ProcessPoolExecutor,
    season: Season,
    data: Path,
    *,
    seed: int,
    events: int,
    progress: Callable[[Arm, int], None],
) -> Played:
    """Play both arms; `progress` gets how many events more are done. Of the folder only marks of it are kept."""
    data.mkdir(parents=True, exist_ok=True)
    marks = {arm: data / f"{arm.replace(' ', '-')}.progress" for arm in ARMS}
    for mark in marks.values():
        mark.write_bytes(b"")
    # The one that takes longer first.
    arms = {arm: pool.submit(_play_arm, season.play_arm, arm, seed, events, marks[arm]) for arm in reversed(ARMS)}
    try:
        await _follow(list(arms.values()), marks, progress)
    except BaseException:
        for name, arm in arms.items():
            arm.cancel()
            marks[name].unlink()
        raise
    without, with_memory = (arms[name].result() for name in ARMS)
    checks = (*season.judge(without.affairs, with_memory.affairs), *with_memory.checks)
    return Played(without=without.affairs, with_memory=with_memory.affairs, checks=checks)


async def _follow(
    arms: Sequence[Future[Ended]], marks: Mapping[Arm, Path], progress: Callable[[Arm, int], None]
) -> None:
    """Tell the progress until both have ended, or one has failed."""
    seen = dict.fromkeys(marks, 0)
    ended = False
    while not ended:
        await asyncio.sleep(LOOK_S)
        ended = all(arm.done() for arm in arms)
        for name, mark in marks.items():
            done = mark.stat().st_size
            progress(name, done - seen[name])
            seen[name] = done
        for arm in arms:
            if arm.done():
                arm.result()


def _play_arm(play_arm: PlayArm, arm: Arm, seed: int, events: int, mark: Path) -> Ended:
    if hasattr(os, "setpriority"):
        # Whoever looks at the stories shall not wait for the seasons.
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)

    def progress(done: int) -> None:
        # Not made anew where it is gone: nobody waits for the end any more, and the arm fails.
        with mark.open("r+b") as marks:
            marks.seek(0, os.SEEK_END)
            marks.write(b"." * done)

    return play_arm(arm, seed, events, progress)
