"""What commands of measurements read from their options: lists of names, and seeds. Start with `seeds_of`."""

from __future__ import annotations

import re
from collections.abc import Sequence

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
