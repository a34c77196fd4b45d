"""`segue eval season`: its options. Start with `season`."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def season(
    world: Annotated[str, typer.Option(help="Which world; so far only plant_maintenance.")] = "plant_maintenance",
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="How many seeds, from `--first` on.")] = 10,
    events: Annotated[int, typer.Option(min=2, max=1000, help="Predicted failures in one season.")] = 60,
    first: Annotated[int, typer.Option(min=0, help="The first seed.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Play seasons with and without memory and compare their second halves; exit 1 if a mark is missed."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from evals.seasons.season import SeasonError, run_seasons
    from evals.seasons.telling import told

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("seasons", total=2 * seeds)
            report = run_seasons(world, range(first, first + seeds), events, lambda done: progress.advance(task, done))
    except SeasonError as error:
        typer.echo(f"segue eval season: {error}", err=True)
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2, allow_nan=False))
    else:
        typer.echo(told(report))
    raise typer.Exit(0 if report.held else 1)
