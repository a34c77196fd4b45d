"""Values and texts from outside as words on one line: JSON itself is shown where it is asked for.

Start with `said`, and with `prose` for what somebody wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from api.terminal import line

MOST_PARTS = 50
"""Fields of one object, or entries of one list, that are told."""
DEEPEST = 4
_WITH_PARTS = (Mapping, list, tuple)


def said(value: object, most: int = 160) -> str:
    """What it says on one line, cut: `-` for nothing, `days: 3; mails: welcome, offer` for an object."""
    return line(_said(value, most, 0), most)


def prose(text: str, most: int) -> str:
    """What somebody wrote in several lines, a title and what follows it for one, as sentences of one line, cut."""
    lines = [part.strip() for part in text.splitlines() if part.strip()]
    return line(" ".join(part if part[-1] in ".!?:;," else f"{part}." for part in lines), most)


def _said(value: object, most: int, depth: int) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case Mapping():
            told = (f"{line(name, most)}: {_field(one, most, depth)}" for name, one in value.items())
            return _joined(told, len(value), "; ", most)
        case list() | tuple():
            return _joined((_part(one, most, depth) for one in value), len(value), ", ", most)
        case _:
            return line(value, most)


def _field(value: object, most: int, depth: int) -> str:
    """Of an object: a list needs no brackets, as its commas part less than the semicolons between fields."""
    if isinstance(value, list | tuple) and depth < DEEPEST:
        return _said(value, most, depth + 1)
    return _part(value, most, depth)


def _part(value: object, most: int, depth: int) -> str:
    """What has parts itself stands in brackets."""
    if not isinstance(value, _WITH_PARTS) or not value:
        return _said(value, most, depth)
    return "…" if depth == DEEPEST else f"({_said(value, most, depth + 1)})"


def _joined(parts: Iterator[str], count: int, between: str, most: int) -> str:
    """No more of them than can be shown."""
    told: list[str] = []
    length = 0
    for part in islice(parts, MOST_PARTS):
        told.append(part)
        length += len(part)
        if length > most:
            break
    left = count - len(told)
    return between.join([*told, f"and {left:,} more"] if left else told) or "none"
