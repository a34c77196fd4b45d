"""The commands evals adds to `segue`: `world`, `demo`, `eval` and `bench`. Start with `register`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from agent.heap import loading
from evals.bench.command import bench
from evals.learning.command import learning
from evals.learning.reflex_command import reflex
from evals.scenarios.command import scenarios
from evals.seasons.command import season
from evals.stream.command import stream


def register(app: typer.Typer) -> None:
    """Called by the command line through the entry point group `segue.commands`."""
    app.command("world", help="Serve a simulated company: AI tools over HTTP, with state and outcomes.")(world)
    app.command("demo", help="Play both stories against worlds of their own, and show what memory is worth.")(demo)
    app.add_typer(_evaluations(), name="eval")
    app.add_typer(bench(), name="bench")


def _evaluations() -> typer.Typer:
    """`segue eval ...`: measurements."""
    group = typer.Typer(help="Measure what Segue decides, against simulated companies.", no_args_is_help=True)
    group.command("scenarios", help="Play the cases in every arm; the world grades them.")(scenarios)
    group.command("reflex", help="Play the shop with a scripted chat model: what a reflex spares.")(reflex)
    group.command("season", help="Play seasons with and without memory: what is learned, over seeds.")(season)
    group.command("stream", help="Play labelled texts as a stream, in every arm of a learning claim.")(stream)
    group.command("learning", help="A hidden preference, and the worlds: what late outcomes teach.")(learning)
    return group


def world(
    name: Annotated[str, typer.Argument(help="Which world, for example retail_care.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on loopback; 0 takes a free one.")] = 8801,
    data: Annotated[Path, typer.Option(help="Where its state is kept.")] = Path("world-data"),
    seed: Annotated[int, typer.Option(help="Of a new world; kept state keeps its own.")] = 0,
    segue: Annotated[
        str | None, typer.Option(envvar="SEGUE_URL", help="Where its events go; none: they are kept until told.")
    ] = None,
    key: Annotated[str | None, typer.Option(envvar="SEGUE_API_KEY", help="API key for Segue.")] = None,
) -> None:
    """Serve a world until interrupted."""
    with loading():
        from evals.worlds.kit.serve import UnknownWorldError, run_world

    try:
        data.mkdir(parents=True, exist_ok=True)
        run_world(name, port=port, data=data, seed=seed, segue=segue, key=key)
    except (UnknownWorldError, OSError) as error:
        typer.echo(f"segue world: {error}", err=True)
        raise typer.Exit(1) from error


def demo(
    world: Annotated[
        list[str] | None, typer.Option(help="Only this one, retail_care or plant_maintenance; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the story.")] = False,
    seed: Annotated[int, typer.Option(help="Of the worlds: other customers, machines and luck.")] = 7,
    events: Annotated[
        int | None,
        typer.Option(
            min=10,
            max=1000,
            help="Events in each season; 50 and 46 unless given. Fewer teach less: a check may fail.",
        ),
    ] = None,
    keep: Annotated[Path | None, typer.Option(help="Keep the servers' data and logs in this folder.")] = None,
) -> None:
    """Play both stories, each with a season with and without memory; exit 1 if a check fails."""
    from evals.demo.play import DemoError, play_demo

    try:
        passed = asyncio.run(play_demo(worlds=world or [], as_json=as_json, seed=seed, events=events, keep=keep))
    except DemoError as error:
        typer.echo(f"segue demo: {error}", err=True)
        raise typer.Exit(1) from error
    raise typer.Exit(0 if passed else 1)
