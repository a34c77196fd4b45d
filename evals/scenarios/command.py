"""`segue eval scenarios`: its options. Start with `scenarios`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def scenarios(
    world: Annotated[list[str] | None, typer.Option(help="Only this world; repeatable.")] = None,
    decider: Annotated[
        str, typer.Option(help="`planner`, or the name of a chat model at OPENAI_BASE_URL.")
    ] = "planner",
    arm: Annotated[
        list[str] | None, typer.Option(help="Only this arm (playbooks, distractors, bare, ...); repeatable.")
    ] = None,
    case: Annotated[list[str] | None, typer.Option(help="Only cases whose name contains this; repeatable.")] = None,
    cases: Annotated[Path | None, typer.Option(help="Your own cases: a folder with one folder a world.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, fit for --baseline.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with every case into this folder.")] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="A result of --json to compare with; a drop beyond the interval exits 1.")
    ] = None,
) -> None:
    """Play every case in every arm and grade it by the world; exit 1 if a mark is missed."""
    from evals.scenarios.measure import Asked, MeasureError, measure

    asked = Asked(
        worlds=world or [],
        arms=arm or [],
        names=case or [],
        cases=cases,
        decider=decider,
        as_json=as_json,
        html=html,
        baseline=baseline,
    )
    try:
        held = measure(asked)
    except MeasureError as error:
        typer.echo(f"segue eval scenarios: {error}", err=True)
        raise typer.Exit(2) from error
    raise typer.Exit(0 if held else 1)
