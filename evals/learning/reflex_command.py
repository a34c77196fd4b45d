"""`segue eval reflex`: its options. Start with `reflex`."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def reflex(
    world: Annotated[str, typer.Option(help="retail_care or plant_maintenance.")] = "retail_care",
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="How many seeds, from `--first` on.")] = 5,
    events: Annotated[
        int,
        typer.Option(
            min=2, max=1000, help="Failed conversations, a multiple of 20, or predicted failures, a multiple of 2."
        ),
    ] = 300,
    first: Annotated[int, typer.Option(min=0, help="The first seed.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Play a world with a scripted chat model, with and without a reflex; exit 1 if a mark is missed."""
    from concurrent.futures.process import BrokenProcessPool

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from evals.learning.reflex import play_reflex
    from evals.learning.reflex_telling import told

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("streams", total=2 * seeds)
            figures = play_reflex(world, range(first, first + seeds), events, lambda done: progress.advance(task, done))
    except (ValueError, BrokenProcessPool) as error:
        typer.echo(f"segue eval reflex: {error}", err=True)
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(json.dumps(figures.as_json(), indent=2, allow_nan=False))
    else:
        Console(highlight=False).print(told(figures))
    raise typer.Exit(0 if figures.held else 1)
