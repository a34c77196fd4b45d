"""`segue demo` from its start to its exit code. Start with `play_demo`."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import Progress

from evals.demo import season_plant, season_retail, story_plant, story_retail
from evals.demo.arms import play_season
from evals.demo.season import ARMS, Learned, Played, Season, compare
from evals.demo.story import Story
from evals.demo.telling import season_progress, tell_learning, tell_run, tell_sentence, tell_title
from evals.processes import ProcessError, Stage, open_stage
from evals.workers import open_workers

PROOF = (
    "So short a season shows a direction; the proof, over 10 seeds of the plant, is `segue eval season` (7 minutes)."
)


class DemoError(Exception):
    """The demo could not be played; says why."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """What is played in one world."""

    title: str
    play_story: Callable[[Stage, Story], Awaitable[dict[str, Any]]]
    season: Season


PIECES: Mapping[str, Piece] = {
    "retail_care": Piece(
        title="retail_care: a customer leaves the chatbot angry",
        play_story=story_retail.play_story,
        season=season_retail.SEASON,
    ),
    "plant_maintenance": Piece(
        title="plant_maintenance: a machine is going to fail",
        play_story=story_plant.play_story,
        season=season_plant.SEASON,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How it is to be played."""

    data: Path
    console: Console
    seed: int
    events: int | None
    """In each season; None: as many as it has."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A piece that was played."""

    story: Story
    world: dict[str, Any]
    """Its own account."""
    learned: Sequence[Learned]


async def play_demo(*, worlds: Sequence[str], as_json: bool, seed: int, events: int | None, keep: Path | None) -> bool:
    """Play and print; whether every check holds. Raises `DemoError`."""
    pieces = _chosen(worlds)
    started = time.monotonic()
    console = Console(file=sys.stderr if as_json else sys.stdout, quiet=as_json, highlight=False)
    folder = nullcontext(str(keep)) if keep else tempfile.TemporaryDirectory(prefix="segue-demo-")
    with folder as data:
        try:
            shown = await _play(pieces, Wanted(data=Path(data), console=console, seed=seed, events=events))
        except* (ProcessError, httpx.HTTPError, LookupError, BrokenExecutor) as group:
            raise DemoError("; ".join(str(error) or repr(error) for error in group.exceptions)) from group
    checks = [check for one in shown for check in one.story.checks]
    seconds = time.monotonic() - started
    if as_json:
        print(json.dumps(_report(shown, seconds)))
    else:
        failed = [check.name for check in checks if not check.passed]
        told = "every check holds" if not failed else f"{len(failed)} checks failed: {', '.join(failed)}"
        console.print(f"\n{len(checks)} checks in {seconds:.0f} s: {told}", markup=False)
    return all(check.passed for check in checks)


def _chosen(worlds: Sequence[str]) -> list[Piece]:
    unknown = [name for name in worlds if name not in PIECES]
    if unknown:
        raise DemoError(f"there is no story of {unknown[0]!r}. Known: {', '.join(PIECES)}.")
    return [piece for name, piece in PIECES.items() if name in worlds or not worlds]


async def _play(pieces: Sequence[Piece], wanted: Wanted) -> list[Shown]:
    console = wanted.console
    progress = season_progress(console)
    played: list[tuple[Story, dict[str, Any]]] = []
    tell_sentence(console, "Starting a world and a Segue on it: no key, no server of your own ...")
    with open_workers(len(ARMS)) as pool:
        async with asyncio.TaskGroup() as group:
            # The seasons are played behind the stories, on what these leave of the cores.
            seasons = [group.create_task(_season(one.season, wanted, pool, progress)) for one in pieces]
            for piece in pieces:
                tell_title(console, piece.title)
                played.append(await _story(piece, wanted))
            tell_title(console, "The seasons, played behind the stories, are still under way")
            with progress:
                ended = [await season for season in seasons]
    shown: list[Shown] = []
    for piece, season, (story, world) in zip(pieces, ended, played, strict=True):
        learned = _tell_season(console, piece.season, season, story)
        shown.append(Shown(story=story, world=world, learned=learned))
    tell_sentence(console, PROOF)
    return shown


async def _story(piece: Piece, wanted: Wanted) -> tuple[Story, dict[str, Any]]:
    told: set[str] = set()

    def tell(sentence: str, run: dict[str, Any] | None) -> None:
        tell_sentence(wanted.console, sentence)
        if run is not None:
            tell_run(wanted.console, run, told)

    world = piece.season.world
    story = Story(name=world, tell=tell)
    async with open_stage(world, wanted.data / world / "story", seed=wanted.seed, memory=True) as stage:
        return story, await piece.play_story(stage, story)


async def _season(season: Season, wanted: Wanted, pool: ProcessPoolExecutor, progress: Progress) -> Played:
    events = wanted.events or season.events
    totals = {arm: events + (season.further if arm == "with memory" else 0) for arm in ARMS}
    bars = {arm: progress.add_task(f"{season.title} {arm}", total=totals[arm]) for arm in ARMS}
    return await play_season(
        pool,
        season,
        wanted.data / season.world,
        seed=wanted.seed,
        events=events,
        progress=lambda arm, done: progress.advance(bars[arm], done),
    )


def _tell_season(console: Console, season: Season, played: Played, story: Story) -> list[Learned]:
    """Print what a season taught, and note its checks with the story's."""
    tell_title(console, f"{season.world}: {len(played.without)} {season.title}, without memory and with it")
    tell_sentence(console, season.about)
    learned = compare(season, played)
    tell_learning(console, learned)
    for check in played.checks:
        story.check(check.name, check.passed, check.detail)
    return learned


def _report(shown: Sequence[Shown], seconds: float) -> dict[str, Any]:
    return {
        "stories": [
            {
                "name": one.story.name,
                "runs": one.story.runs,
                "world": one.world,
                "checks": [check.as_json() for check in one.story.checks],
            }
            for one in shown
        ],
        "learning": [learned.as_json() for one in shown for learned in one.learned],
        "seconds": round(seconds, 1),
    }
