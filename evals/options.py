"""What commands of measurements read from their options: lists of names, seeds, files. Start with `seeds_of`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import typer

MOST_SEEDS = 1_000


def listed(text: str) -> list[str]:
    """Comma-separated, each once."""
    return list(dict.fromkeys(one.strip() for one in text.split(",") if one.strip()))


def among(option: str, asked: Sequence[str], known: Sequence[str]) -> Sequence[str]:
    """What was asked for. Raises `BadParameter` for a name that is not known."""
    unknown = [one for one in asked if one not in known]
    if unknown:
        raise typer.BadParameter(f"{option}: there is no {unknown[0]!r}. Use some of {', '.join(known)}.")
    return asked


def seeds_of(text: str) -> Sequence[int]:
    """`0-9`, `3`, `0,4,7-9`. Raises `BadParameter`."""
    found: list[int] = []
    for part in listed(text):
        span = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", part)
        if span is None:
            raise typer.BadParameter(f"--seeds: {part!r} is no number and no span such as 0-9.")
        first, last = int(span[1]), int(span[2] or span[1])
        if last < first or last - first >= MOST_SEEDS:
            raise typer.BadParameter(f"--seeds: {part!r} is no span of 1 to {MOST_SEEDS} seeds.")
        found += [seed for seed in range(first, last + 1) if seed not in found]
    if not found:
        raise typer.BadParameter("--seeds: name at least one.")
    return found


def told_seeds(seeds: Sequence[int]) -> str:
    """As `--seeds` takes them: `0-9`, `0,4,7-9`."""
    runs = groupby(enumerate(sorted(seeds)), key=lambda pair: pair[1] - pair[0])
    spans = [[seed for _, seed in run] for _, run in runs]
    return ",".join(str(one[0]) if len(one) == 1 else f"{one[0]}-{one[-1]}" for one in spans)


def to_be_written(option: str, path: Path | None) -> None:
    """That a file can be written there, before what takes long. Raises `BadParameter`."""
    if path is None:
        return
    if path.is_dir():
        raise typer.BadParameter(f"{option}: {str(path)!r} is a folder. Name a file.")
    if not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"{option}: there is no folder {str(path.parent)!r}. Make it first.")
