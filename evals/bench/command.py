"""`segue bench overhead|ingest|scale|embed|recall|tidy`: their options. Start with `bench`."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from evals.bench.telling import Report

Progress = Callable[[str, int], None]
"""Is told what comes next and how much is done."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Keep = Annotated[Path | None, typer.Option(help="Keep data and logs in this folder.")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(envvar="SEGUE_BENCH_DATABASE_URL", help="A PostgreSQL server whose user may make databases."),
]


def bench() -> typer.Typer:
    """`segue bench ...`: what it costs."""
    group = typer.Typer(help="Measure what Segue costs, beside what it is built on.", no_args_is_help=True)
    group.command("overhead", help="The same runs through Segue, bare LangGraph, DBOS and Aegra.")(overhead)
    group.command("ingest", help="How fast events are accepted while work piles up.")(ingest)
    group.command("scale", help="Memory and speed over many runs, and over several workers.")(scale)
    group.command("embed", help="The vector of a text, alone and among others.")(embed)
    group.command("recall", help="Recall from a long past that is made for it.")(recall)
    group.command("tidy", help="Housekeeping of a long past in which texts come again and again.")(tidy)
    return group


def overhead(
    arm: Annotated[list[str] | None, typer.Option(help="Only this arm (bare, segue, ...); repeatable.")] = None,
    database: Annotated[
        list[str] | None, typer.Option(help="Only arms on sqlite, postgresql or none; repeatable.")
    ] = None,
    database_url: DatabaseUrl = None,
    aegra: Annotated[Path | None, typer.Option(help="Virtual environment that Aegra is installed in.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long each figure is measured.")] = 6.0,
    warm: Annotated[float, typer.Option(min=0.0, help="Seconds before that, which do not count.")] = 2.0,
    rounds: Annotated[int, typer.Option(min=1, max=99, help="Rounds over all arms; the middle one counts.")] = 1,
    in_flight: Annotated[list[int] | None, typer.Option(min=1, help="Only so many at once; repeatable.")] = None,
    profile: Annotated[Path | None, typer.Option(help="Write where each arm's time goes into this folder.")] = None,
    keep: Keep = None,
    as_json: AsJson = False,
) -> None:
    """Compare runs per second and latencies; exit 1 if a mark is missed, 2 if nothing can be measured."""
    from evals.bench.load import Span
    from evals.bench.overhead_command import Asked, run_overhead

    asked = Asked(
        arms=arm or [],
        databases=database or [],
        database_url=database_url,
        aegra=aegra,
        span=Span(warm_s=warm, seconds=seconds),
        rounds=rounds,
        levels=in_flight or [],
        profile=profile,
        keep=keep,
    )
    _measure("overhead", lambda progress: run_overhead(asked, progress), as_json=as_json)


def ingest(
    rate: Annotated[float, typer.Option(min=1.0, help="Events a second.")] = 100.0,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long they come at that rate.")] = 60.0,
    hold: Annotated[float, typer.Option(min=0.0, max=290.0, help="Seconds that a tool which holds takes.")] = 5.0,
    burst: Annotated[int, typer.Option(min=1, help="Events of the burst, one a request.")] = 2000,
    clients: Annotated[int, typer.Option(min=1, max=1000, help="Clients that send the burst.")] = 32,
    keep: Keep = None,
    as_json: AsJson = False,
) -> None:
    """Send events to a `segue serve` of its own; exit 1 if a mark is missed, 2 if nothing can be measured."""
    from evals.bench.ingest import Asked, run_ingest

    asked = Asked(rate=rate, seconds=seconds, hold_s=hold, burst=burst, clients=clients, keep=keep)
    _measure("ingest", lambda progress: run_ingest(asked, progress), as_json=as_json)


def scale(
    runs: Annotated[int, typer.Option(min=20, help="Runs in one process.")] = 10_000,
    in_flight: Annotated[int, typer.Option(min=1, help="Runs at once.")] = 64,
    workers: Annotated[list[int] | None, typer.Option(min=1, help="Workers on PostgreSQL; repeatable.")] = None,
    seconds: Annotated[float, typer.Option(min=1.0, help="How long each number of workers is measured.")] = 20.0,
    database_url: DatabaseUrl = None,
    keep: Keep = None,
    as_json: AsJson = False,
) -> None:
    """Look at memory after a tenth of the runs and after all; exit 1 if a mark is missed, 2 if that is impossible."""
    from evals.bench.scale import Asked, run_scale

    asked = Asked(
        runs=runs,
        in_flight=in_flight,
        workers=workers or [1, 2, 4],
        seconds=seconds,
        database_url=database_url,
        keep=keep,
    )
    _measure("scale", lambda progress: run_scale(asked, progress), as_json=as_json)


def embed(
    texts: Annotated[
        int, typer.Option(min=32, max=100_000, help="Texts of 30 tokens, for each size of a batch.")
    ] = 480,
    as_json: AsJson = False,
) -> None:
    """Embed texts on one core; exit 1 if a mark is missed, 2 if nothing can be measured."""
    from evals.bench.embed import Asked, run_embed

    with _cache() as cache:
        asked = Asked(texts=texts, cache=cache)
        _measure("embed", lambda progress: run_embed(asked, progress), as_json=as_json)


def recall(
    episodes: Annotated[int, typer.Option(min=100, max=1_000_000, help="Episodes of the past.")] = 10_000,
    texts: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many different texts of them.")] = 20_000,
    queries: Annotated[int, typer.Option(min=10, help="Situations that are timed, and as many in parts.")] = 500,
    compared: Annotated[int, typer.Option(min=1, help="Situations held against the exact neighbours.")] = 300,
    keep: Keep = None,
    as_json: AsJson = False,
) -> None:
    """Recall by texts nobody has asked for before; exit 1 if a mark is missed, 2 if nothing can be measured."""
    from evals.bench.recall import Asked, run_recall

    with _cache() as cache:
        asked = Asked(episodes=episodes, texts=texts, queries=queries, compared=compared, cache=cache, keep=keep)
        _measure("recall", lambda progress: run_recall(asked, progress), as_json=as_json)


def tidy(
    episodes: Annotated[int, typer.Option(min=100, max=1_000_000, help="Episodes of the past.")] = 20_000,
    texts: Annotated[int, typer.Option(min=1, max=1_000_000, help="Different texts of them.")] = 2_000,
    compared: Annotated[int, typer.Option(min=10, help="Situations that are decided before and after.")] = 500,
    keep: Keep = None,
    as_json: AsJson = False,
) -> None:
    """Tidy, and decide before and after; exit 1 if a mark is missed, 2 if nothing can be measured."""
    from evals.bench.tidy import Asked, run_tidy

    with _cache() as cache:
        asked = Asked(episodes=episodes, texts=texts, compared=compared, cache=cache, keep=keep)
        _measure("tidy", lambda progress: run_tidy(asked, progress), as_json=as_json)


@contextmanager
def _cache() -> Iterator[Path]:
    """Where the embedding model's graph is kept, and vectors that took long."""
    from agent.directory import cache_dir

    with TemporaryDirectory(prefix="segue-cache-") as otherwise:
        cache = cache_dir(os.environ, Path(otherwise))
        cache.mkdir(parents=True, exist_ok=True)
        yield cache


def _measure(name: str, work: Callable[[Progress], Coroutine[None, None, Report]], *, as_json: bool) -> None:
    """Do it under a progress bar, print it, and end the command with its exit code."""
    from evals.bench.errors import BenchError
    from evals.bench.telling import exit_code, print_report
    from evals.processes import ProcessError
    from memory.chroma import IndexUnavailable
    from memory.minilm import EmbeddingError
    from memory.recall import MemoryUnavailable

    errors = (BenchError, ProcessError, EmbeddingError, IndexUnavailable, MemoryUnavailable, OSError)
    # Whoever ends it must not leave a database server behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _progress() as progress:
            report = asyncio.run(work(progress))
    except errors as error:
        typer.echo(f"segue bench {name}: {error}", err=True)
        raise typer.Exit(2) from error
    print_report(report, as_json=as_json)
    raise typer.Exit(exit_code(report))


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on standard error. The first that is told done is the total."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description:>28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), refresh_per_second=2) as bars:
        task = bars.add_task("starting", total=None)

        def tell(what: str, done: int) -> None:
            if bars.tasks[0].total is None:
                bars.update(task, description=what, total=done)
            else:
                bars.update(task, description=what, advance=done)

        yield tell
