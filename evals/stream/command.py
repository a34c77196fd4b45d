"""`segue eval stream`: its options. Start with `stream`."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from evals.options import among, listed, seeds_of, to_be_written

if TYPE_CHECKING:
    from evals.stream.figures import Report
    from evals.stream.play import Plan


def stream(
    tools: Annotated[Path, typer.Option(help="JSON object of tool name to description.")],
    queries: Annotated[Path, typer.Option(help="CSV with the header Query,Tool; an empty Tool: nothing is right.")],
    events: Annotated[int, typer.Option(min=16, max=1_000_000, help="Events of a stream.")] = 3200,
    seeds: Annotated[str, typer.Option(help="Such as 0-9, or 3, or 0,4,7-9: a permutation each.")] = "0-9",
    rows: Annotated[str, typer.Option(help="all, even or odd: which rows of the queries, counted from 0.")] = "all",
    arms: Annotated[str, typer.Option(help="Comma-separated; `main` stands for all without a stress.")] = "main",
    stress: Annotated[str, typer.Option(help="Comma-separated: noise, poison, delay, drift.")] = "",
    as_json: Annotated[Path | None, typer.Option("--json", help="Write one JSON object here; - prints it.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with plots here.")] = None,
) -> None:
    """Play labelled texts as a stream of events through Segue's own memory and choice; exit 1 if a mark is missed."""
    from evals.stream.labelled import StreamError

    to_be_written("--json", as_json)
    to_be_written("--html", html)
    try:
        with tempfile.TemporaryDirectory(prefix="segue-cache-") as folder:
            plan = _plan(tools, queries, rows, events, seeds, arms, stress, Path(folder))
            report = _play(plan)
    except StreamError as error:
        typer.echo(f"segue eval stream: {error}", err=True)
        raise typer.Exit(2) from error
    _tell(report, queries, as_json, html)
    raise typer.Exit(1 if any(mark.state == "failed" for mark in report.marks) else 0)


def _plan(tools: Path, queries: Path, rows: str, events: int, seeds: str, arms: str, stress: str, folder: Path) -> Plan:
    from agent.directory import cache_dir
    from evals.stream.arms import MAIN, STRESSED
    from evals.stream.grader import STRESSES
    from evals.stream.play import Plan

    asked = among("--arms", listed(arms.replace("main", ",".join(MAIN))), MAIN)
    which: Literal["all", "even", "odd"] = _one_of_rows(rows)
    return Plan(
        tools=tools,
        queries=queries,
        rows=which,
        events=events,
        seeds=seeds_of(seeds),
        arms=asked,
        stresses=[one for one in STRESSES if one in among("--stress", listed(stress), STRESSES)],
        stressed=STRESSED,
        cache=cache_dir(os.environ, folder),
    )


def _play(plan: Plan) -> Report:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from evals.stream.play import play_all

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        embedding = progress.add_task("texts embedded", total=None, visible=False)
        playing = progress.add_task("streams played", total=len(plan.tasks))
        return play_all(
            plan,
            lambda done, total: progress.update(embedding, completed=done, total=total, visible=True),
            lambda arm, seed: progress.update(playing, advance=1, description=f"{arm} on seed {seed}"),
        )


def _tell(report: Report, queries: Path, as_json: Path | None, html: Path | None) -> None:
    from rich.console import Console

    from evals.stream.page import page
    from evals.stream.telling import told

    text = json.dumps(report.as_json(), indent=2, allow_nan=False)
    if as_json is not None and str(as_json) != "-":
        as_json.write_text(text + "\n", encoding="utf-8")
    if html is not None:
        html.write_text(page(report, f"{queries.stem}: does memory help?"), encoding="utf-8")
    if as_json is not None and str(as_json) == "-":
        typer.echo(text)
    else:
        Console().print(told(report))


def _one_of_rows(rows: str) -> Literal["all", "even", "odd"]:
    match rows:
        case "all" | "even" | "odd":
            return rows
        case _:
            raise typer.BadParameter(f"--rows: {rows!r} is none of all, even, odd.")
