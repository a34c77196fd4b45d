"""All cases in all arms, in parallel processes. Start with `run_suite`."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from evals.scenarios.arms import Arm
from evals.scenarios.case import Case
from evals.scenarios.grade import Graded
from evals.scenarios.learned import learn
from evals.scenarios.play import Played, Setting, play
from evals.workers import open_workers

CASE_WITHIN_S = 240.0
"""Longest that one case may take with everything around it."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One case to be played in one arm."""

    case: Case
    arm: Arm


def run_suite(
    cases: Sequence[Case],
    arms: Sequence[Arm],
    setting: Setting,
    folder: Path,
    tell: Callable[[Played], None],
    learning: Callable[[str, int], None],
) -> list[Played]:
    """Play every case in every arm; the results in the order of arms and cases.

    `tell` hears of each result, `learning` of a world and the episodes graded so far. A worker that dies fails the
    cases it took with it. The arm `learned` begins when its episodes are there, the others at once.
    """
    tasks = [Task(case=case, arm=arm) for arm in arms for case in cases]
    early = [task for task in tasks if task.arm.variant != "learned"]
    late = [task for task in tasks if task.arm.variant == "learned"]
    played: dict[tuple[str, str, str], Played] = {}

    def done(one: Played) -> None:
        played[one.arm, one.world, one.case] = one
        tell(one)

    with open_workers() as pool:
        futures = {pool.submit(play_task, task, setting): task for task in early}
        if late:
            learned = asyncio.run(_learn(sorted({task.case.world for task in late}), folder, learning))
            for task in late:
                if isinstance(found := learned[task.case.world], Path):
                    futures[pool.submit(play_task, task, replace(setting, learned=found))] = task
                else:
                    done(_broken(task, f"nothing was learned: {found}"))
        for future in as_completed(futures):
            done(_result(future, futures[future]))
    return [played[task.arm.name, task.case.world, task.case.name] for task in tasks]


def play_task(task: Task, setting: Setting) -> Played:
    """In a worker: one case in one arm."""

    async def in_time() -> Played:
        async with asyncio.timeout(CASE_WITHIN_S):
            return await play(task.case, task.arm, setting)

    try:
        return asyncio.run(in_time())
    except TimeoutError:
        return _broken(task, f"the case took longer than {CASE_WITHIN_S:.0f} s")
    finally:
        _keep_loaded(task.case.world)


@cache
def _keep_loaded(world: str) -> None:
    """What a world's first case loaded stays; collecting garbage need not look at it again, for 0.2 s each time."""
    gc.collect()
    gc.freeze()


async def _learn(
    worlds: Sequence[str], folder: Path, learning: Callable[[str, int], None]
) -> Mapping[str, Path | BaseException]:
    """By world, the data directory or why there is none."""

    async def one(world: str) -> Path:
        return await learn(world, folder / world, lambda graded: learning(world, graded))

    found = await asyncio.gather(*(one(world) for world in worlds), return_exceptions=True)
    for reason in found:
        if isinstance(reason, BaseException) and not isinstance(reason, Exception):
            raise reason
    return dict(zip(worlds, found, strict=True))


def _result(future: Future[Played], task: Task) -> Played:
    error = future.exception()
    return future.result() if error is None else _broken(task, f"{type(error).__name__}: {error}")


def _broken(task: Task, reason: str) -> Played:
    graded = Graded(grade="error", reasons=(reason[:500],))
    return Played(case=task.case.name, world=task.case.world, arm=task.arm.name, graded=graded)
