"""`segue demo` from its start to its exit code. Start with `play_demo`."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, nullcontext
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from evals.check import Check
from evals.demo.season import Affair, Learned, compare, play_season
from evals.demo.story import Story, play_story
from evals.demo.telling import tell_learning, tell_run, tell_sentence
from evals.processes import ProcessError, Stage, open_stage

WORLD = "retail_care"


class DemoError(Exception):
    """The demo could not be played; says why."""


async def play_demo(*, as_json: bool, seed: int, events: int, keep: Path | None) -> bool:
    """Play and print; whether every check holds. Raises `DemoError`."""
    started = time.monotonic()
    console = Console(file=sys.stderr if as_json else sys.stdout, quiet=as_json, highlight=False)
    folder = nullcontext(str(keep)) if keep else tempfile.TemporaryDirectory(prefix="segue-demo-")
    with folder as data:
        try:
            story, world, learned = await _play(Path(data), console, seed, events)
        except* (ProcessError, httpx.HTTPError, LookupError) as group:
            raise DemoError("; ".join(str(error) or repr(error) for error in group.exceptions)) from group
    checks = [*story.checks, *_learning_checks(learned)]
    seconds = time.monotonic() - started
    if as_json:
        print(json.dumps(_report(story, checks, world, learned, seconds)))
    else:
        tell_learning(console, learned, checks[len(story.checks) :])
        failed = [check.name for check in checks if not check.passed]
        told = "every check holds" if not failed else f"{len(failed)} checks failed: {', '.join(failed)}"
        console.print(f"\n{len(checks)} checks in {seconds:.0f} s: {told}", markup=False)
    return all(check.passed for check in checks)


async def _play(data: Path, console: Console, seed: int, events: int) -> tuple[Story, dict[str, Any], list[Learned]]:
    def tell(sentence: str, run: dict[str, Any] | None) -> None:
        tell_sentence(console, sentence)
        if run is not None:
            tell_run(console, run)

    story = Story(name=WORLD, tell=tell)
    tell_sentence(console, "Starting a world and Segue on it: no key, no server of your own ...")
    progress = _progress(console)
    async with asyncio.TaskGroup() as group:
        # The seasons are played behind the story: a run mostly waits for one core, and there are more.
        seasons = group.create_task(_seasons(data, progress, seed, events))
        async with open_stage(WORLD, data / "story", seed=seed, memory=True) as stage:
            world = await play_story(stage, story)
        title = f"\nA season of {events} failed conversations, with memory and without"
        console.print(title, style="bold", markup=False)
        with progress:
            without, with_memory = await seasons
    return story, world, compare(without, with_memory)


async def _seasons(data: Path, progress: Progress, seed: int, events: int) -> Sequence[list[Affair]]:
    async with AsyncExitStack() as stack:
        without, with_memory = await asyncio.gather(
            stack.enter_async_context(open_stage(WORLD, data / "without", seed=seed, memory=False)),
            stack.enter_async_context(open_stage(WORLD, data / "with", seed=seed, memory=True)),
        )

        async def play(stage: Stage, arm: str) -> list[Affair]:
            bar = progress.add_task(arm, total=events)
            return await play_season(stage, events, lambda done: progress.advance(bar, done))

        return await asyncio.gather(play(without, "without memory"), play(with_memory, "with memory"))


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description:>15}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


def _learning_checks(learned: list[Learned]) -> list[Check]:
    by_measure = {one.measure: one for one in learned}
    satisfaction, churn = by_measure["satisfaction"], by_measure["churn"]
    return [
        Check(
            name="customers are more satisfied with memory",
            passed=satisfaction.after > satisfaction.before,
            detail=f"{satisfaction.before:.1f} -> {satisfaction.after:.1f}, "
            f"difference {satisfaction.low:+.1f} to {satisfaction.high:+.1f}",
        ),
        Check(
            name="fewer customers leave with memory",
            passed=churn.after < churn.before,
            detail=f"{churn.before:.0%} -> {churn.after:.0%}, difference {churn.low:+.0%} to {churn.high:+.0%}",
        ),
    ]


def _report(
    story: Story, checks: list[Check], world: dict[str, Any], learned: list[Learned], seconds: float
) -> dict[str, Any]:
    return {
        "stories": [
            {
                "name": story.name,
                "runs": story.runs,
                "world": world,
                "checks": [check.as_json() for check in checks],
            }
        ],
        "learning": [one.as_json() for one in learned],
        "seconds": round(seconds, 1),
    }
