"""`segue eval learning`: its options, and the parts it plays. Start with `learning`."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evals.options import among, listed, seeds_of, to_be_written

if TYPE_CHECKING:
    from evals.learning.parts import Asked, Part, Section

PARTS = ("hidden", "worlds", "reflex", "shown")


def learning(
    part: Annotated[
        str, typer.Option(help=f"Comma-separated: {', '.join(PARTS)}; `all` stands for every one.")
    ] = "all",
    seeds: Annotated[str, typer.Option(help="Such as 0-9, or 3, or 0,4,7-9.")] = "0-9",
    events: Annotated[int, typer.Option(min=50, max=10_000, help="Events of a hidden preference's stream.")] = 200,
    explore: Annotated[float, typer.Option(min=0.0, max=0.5, help="Share of choices that try another action.")] = 0.05,
    wrong: Annotated[
        float, typer.Option(min=0.0, max=0.9, help="How often a wrong tool works; the right one: 0.9.")
    ] = 0.1,
    as_json: Annotated[Path | None, typer.Option("--json", help="Write one JSON object here; - prints it.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with plots here.")] = None,
) -> None:
    """Play a hidden preference, the worlds, the reflex and what models are shown; exit 1 if a mark is missed."""
    from agent.directory import cache_dir
    from evals.learning.parts import Asked, LearningError

    wanted = among("--part", listed(part.replace("all", ",".join(PARTS))), PARTS)
    if not wanted:
        raise typer.BadParameter(f"--part: name at least one of {', '.join(PARTS)}.")
    to_be_written("--json", as_json)
    to_be_written("--html", html)
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="segue-cache-") as folder:
            cache = cache_dir(os.environ, Path(folder))
            asked = Asked(seeds=seeds_of(seeds), events=events, explore=explore, wrong=wrong, cache=cache)
            sections = _play([one for one in _parts() if one.name in wanted], asked)
    except LearningError as error:
        typer.echo(f"segue eval learning: {error}", err=True)
        raise typer.Exit(2) from error
    _tell(sections, time.monotonic() - began, as_json, html)
    missed = any(mark.state == "failed" for section in sections for mark in section.marks)
    raise typer.Exit(1 if missed else 0)


def _parts() -> Sequence[Part]:
    from evals.learning import hidden, reflex_part, shown_part, worlds

    return (hidden.PART, worlds.PART, reflex_part.PART, shown_part.PART)


def _play(parts: Sequence[Part], asked: Asked) -> list[Section]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    sections = []
    with Progress(*columns, console=Console(stderr=True)) as progress:
        for part in parts:
            task = progress.add_task(part.name, total=None)

            def show(done: int, total: int, last: str, task: Any = task) -> None:
                progress.update(task, completed=done, total=total, description=last)

            sections.append(part.play(asked, show))
    return sections


def _tell(sections: Sequence[Section], seconds: float, as_json: Path | None, html: Path | None) -> None:
    from rich.console import Console

    from evals.learning.page import page
    from evals.learning.telling import told

    found = {
        "segue_eval": "learning",
        "version": 1,
        **{section.name: section.found for section in sections},
        "seconds": round(seconds, 1),
        "marks": [mark.as_json() for section in sections for mark in section.marks],
    }
    text = json.dumps(found, indent=2, allow_nan=False)
    if as_json is not None and str(as_json) != "-":
        as_json.write_text(text + "\n", encoding="utf-8")
    if html is not None:
        html.write_text(page(sections, seconds), encoding="utf-8")
    if as_json is not None and str(as_json) == "-":
        typer.echo(text)
    else:
        Console().print(told(sections, seconds))
