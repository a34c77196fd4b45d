"""One measurement from its options to its exit code. Start with `measure`."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from agent.directory import cache_dir
from evals.processes import ProcessError
from evals.scenarios.arms import ARMS, Arm
from evals.scenarios.case import CASES, Case, CaseError, load_cases
from evals.scenarios.compare import BaselineError, Change, compare, read_baseline
from evals.scenarios.learned import GRADED
from evals.scenarios.page import write_page
from evals.scenarios.play import Played, Setting
from evals.scenarios.report import Report
from evals.scenarios.suite import run_suite
from evals.scenarios.telling import tell_report
from evals.worlds.kit.serve import WORLDS

PLANNER = "planner"
EXPECTED = (CaseError, BaselineError, ProcessError, BrokenProcessPool, httpx.HTTPError, LookupError, OSError)
"""What can go wrong beside the cases, each with a message that says it."""


class MeasureError(Exception):
    """The measurement could not be made; says why."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the one who measures wants."""

    worlds: Sequence[str]
    """Empty: all."""
    arms: Sequence[str]
    """Empty: all that the decider has."""
    names: Sequence[str]
    """Parts of cases' names; empty: all cases."""
    cases: Path | None
    decider: str
    as_json: bool
    html: Path | None
    baseline: Path | None


def measure(asked: Asked) -> bool:
    """Play, print, and whether every mark holds and nothing dropped. Raises `MeasureError`."""
    started = time.monotonic()
    try:
        stored = read_baseline(asked.baseline) if asked.baseline is not None else None
        cases = _cases(asked.worlds or WORLDS, asked.cases or CASES, asked.names)
        report = _play(cases, _arms(asked.arms, asked.decider), asked.decider)
        changes = compare(report, stored) if stored is not None else []
        page = write_page(report, changes, asked.html) if asked.html is not None else None
    except EXPECTED as error:
        raise MeasureError(str(error) or repr(error)) from error
    _tell(report, changes, as_json=asked.as_json, seconds=time.monotonic() - started, page=page)
    return all(mark.passed for mark in report.marks()) and not any(change.is_drop for change in changes)


def _cases(worlds: Sequence[str], folder: Path, names: Sequence[str]) -> list[Case]:
    unknown = [world for world in worlds if world not in WORLDS]
    if unknown:
        raise CaseError(f"There is no world {unknown[0]!r}. Known: {', '.join(WORLDS)}.")
    found = load_cases(worlds, folder)
    kept = [case for case in found if not names or any(name in case.name for name in names)]
    if not kept:
        raise CaseError(f"No case's name contains {' or '.join(names)}.")
    return kept


def _arms(names: Sequence[str], decider: str) -> list[Arm]:
    """All arms for the Planner; a chat model has no memory of its own to remove, so its arms start from nothing."""
    known = {arm.name: arm for arm in ARMS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise CaseError(f"There is no arm {unknown[0]!r}. Known: {', '.join(known)}.")
    if decider == PLANNER:
        return [arm for arm in ARMS if not names or arm.name in names]
    if not (os.environ.get("OPENAI_BASE_URL") or os.environ.get("OPENAI_API_KEY")):
        raise CaseError(f"To ask {decider!r}, set OPENAI_BASE_URL (and OPENAI_API_KEY where the model wants a key).")
    return [arm for arm in ARMS if arm.name in (names or ("playbooks", "distractors", "bare", "nothing", "oracle"))]


def _play(cases: Sequence[Case], arms: Sequence[Arm], decider: str) -> Report:
    environment = {name: os.environ[name] for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY") if name in os.environ}
    columns = (TextColumn("{task.description:>24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        tempfile.TemporaryDirectory(prefix="segue-eval-") as folder,
        Progress(*columns, console=Console(stderr=True)) as progress,
    ):
        environment["SEGUE_CACHE"] = str(cache_dir(os.environ, Path(folder)))
        setting = Setting(environment=environment)
        if decider != PLANNER:
            setting = replace(setting, model=decider)
        bar = progress.add_task("cases", total=len(cases) * len(arms))
        graded: dict[str, TaskID] = {}

        def learning(world: str, done: int) -> None:
            if world not in graded:
                graded[world] = progress.add_task(f"episodes, {world}", total=GRADED)
            progress.update(graded[world], completed=done)

        def tell(_: Played) -> None:
            progress.advance(bar)

        played = run_suite(cases, arms, setting, Path(folder), tell, learning)
    return Report(decider=decider, cases=cases, arms=arms, played=played)


def _tell(report: Report, changes: Sequence[Change], *, as_json: bool, seconds: float, page: Path | None) -> None:
    if as_json:
        print(
            json.dumps(
                {**report.as_json(), "changes": [change.as_json() for change in changes]}, indent=1, allow_nan=False
            )
        )
    else:
        tell_report(Console(highlight=False), report, changes)
    where = f", {page}" if page is not None else ""
    Console(stderr=True, highlight=False).print(f"{len(report.played)} cases played in {seconds:.0f} s{where}")
