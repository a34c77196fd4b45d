"""From the options of `segue bench overhead` to its report. Start with `run_overhead`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evals.bench import postgres
from evals.bench.errors import BenchError
from evals.bench.load import Span
from evals.bench.opening import PLANS, ArmPlan, Machinery, find_aegra
from evals.bench.overhead import (
    AT_ONCE,
    LEVELS,
    WITH_WAITS,
    Measured,
    Wanted,
    find,
    measure_overhead,
    overhead_marks,
    ratio,
)
from evals.bench.telling import Report
from evals.processes import free_port


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The command's options."""

    arms: Sequence[str]
    databases: Sequence[str]
    database_url: str | None
    aegra: Path | None
    span: Span
    rounds: int
    levels: Sequence[int]
    profile: Path | None
    keep: Path | None


async def run_overhead(asked: Asked, progress: Callable[[str, int], None]) -> Report:
    """Measure and report. Raises `BenchError` and `ProcessError`."""
    plans, load = _plans(asked), os.getloadavg()[0]
    wanted = Wanted(plans=plans, span=asked.span, rounds=asked.rounds, levels=asked.levels or LEVELS)
    progress("starting", wanted.cells)
    if asked.profile is not None:
        asked.profile.mkdir(parents=True, exist_ok=True)
    needs_server = any(plan.database == "postgresql" for plan in plans)
    with folder(asked.keep) as place, server(asked.database_url, wanted=needs_server) as url:
        machinery = Machinery(folder=place, postgres=url, aegra=find_aegra(asked.aegra), profile=asked.profile)
        found = await measure_overhead(wanted, machinery, progress)
    notes = [f"{one.plan.told}: {one.skipped}" for one in found if one.skipped is not None]
    rows = list(_rows(found, wanted))
    broken = any(one.broken for one in found)
    return Report(command="overhead", rows=rows, marks=overhead_marks(found), load=load, broken=broken, notes=notes)


def _plans(asked: Asked) -> tuple[ArmPlan, ...]:
    _known("arm", asked.arms, {plan.name for plan in PLANS})
    _known("database", asked.databases, {plan.database for plan in PLANS})
    return tuple(
        plan
        for plan in PLANS
        if (not asked.arms or plan.name in asked.arms) and (not asked.databases or plan.database in asked.databases)
    )


def _known(what: str, given: Sequence[str], known: set[str]) -> None:
    for name in given:
        if name not in known:
            raise BenchError(f"there is no {what} {name!r}. Use one of: {', '.join(sorted(known))}.")


def _rows(found: Sequence[Measured], wanted: Wanted) -> Iterator[dict[str, Any]]:
    for waits in (AT_ONCE, WITH_WAITS):
        for level in wanted.levels:
            for one in found:
                key = (waits, level)
                if key not in one.cells:
                    continue
                database = one.plan.database
                alone = key == (AT_ONCE, 1)
                yield {
                    "arm": one.plan.name,
                    "database": database,
                    "waits": str(waits),
                    "in flight": level,
                    "runs": sum(len(cell.ended) for cell in one.cells[key]),
                    "runs/s": one.runs_per_s(key),
                    "p50 ms": one.latency_ms(key, 0.5),
                    "p99 ms": one.latency_ms(key, 0.99),
                    "CPU ms": one.processor_ms(key),
                    "x DBOS": ratio(one, find(found, "dbos", "sqlite" if database == "none" else database), key),
                    "x Aegra": ratio(one, find(found, "aegra", "postgresql"), key),
                    "202 to closed ms": one.closed_ms(0.5) if alone and one.begins_ms else None,
                    "202 to decision ms": one.begin_ms(0.5) if alone else None,
                }


@contextmanager
def folder(keep: Path | None) -> Iterator[Path]:
    """The folder to keep everything in, or one that is gone afterwards."""
    with ExitStack() as stack:
        if keep is None:
            keep = Path(stack.enter_context(TemporaryDirectory(prefix="segue-bench-", ignore_cleanup_errors=True)))
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()


@contextmanager
def server(given: str | None, *, wanted: bool) -> Iterator[str | None]:
    """The PostgreSQL that was given, or one of our own where it is installed; None where there is neither."""
    programs = postgres.binaries() if wanted and given is None else None
    if programs is None:
        yield given
        return
    with postgres.server(programs, free_port()) as url:
        yield url
