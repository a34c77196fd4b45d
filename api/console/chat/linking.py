"""Ids of runs in somebody's words become links, nothing else does. Start with `pieces`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from api.console.gate import MOUNT
from api.terminal import clean

ULID = r"[0-7][0-9A-HJKMNP-TV-Z]{25}"
"""As ids of runs are written: capitals of Crockford's base 32, never more than 128 bits."""
_ID = re.compile(ULID)
_NAMED = re.compile(
    rf"(?:\b(approval|question|outcome|lesson|confirmation)\s+)?(?<![\w/.:@#-])({ULID})(?![\w/@#-])", re.I
)
MOST_CHARS = 20_000
MOST_LINKS = 100


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Part of a text."""

    text: str
    href: str | None = None
    """A page of the console."""


def is_run(name: str) -> bool:
    """Whether it is written as the ids of runs and approvals are."""
    return _ID.fullmatch(name) is not None


def run_page(run: str) -> str | None:
    """Where a run is shown; None for what cannot be one."""
    return f"{MOUNT}/runs/{run}" if is_run(run) else None


def approval_page(approval: str) -> str:
    """Where an approval or a question is answered; the whole inbox for what cannot be the id of one."""
    return f"{MOUNT}/inbox?approval={approval}" if is_run(approval) else f"{MOUNT}/inbox"


def pieces(text: str, others: Collection[str] = ()) -> list[Piece]:
    """The text, cut into what is a link and what is not; `others` are ids known to be of something else than a run."""
    shown = clean(text)
    if len(shown) > MOST_CHARS:
        shown = f"{shown[:MOST_CHARS]}… ({len(shown):,} characters in all)"
    return [one for one in _cut(shown, others) if one.text]


def _cut(text: str, others: Collection[str]) -> Iterator[Piece]:
    at = 0
    for number, found in enumerate(_NAMED.finditer(text)):
        href = _href(found, others)
        if href is None or number >= MOST_LINKS:
            continue
        yield Piece(text=text[at : found.start(2)])
        yield Piece(text=found[2], href=href)
        at = found.end(2)
    yield Piece(text=text[at:])


def _href(found: re.Match[str], others: Collection[str]) -> str | None:
    word, name = (found[1] or "").lower(), found[2]
    if word in {"approval", "question"}:
        return approval_page(name)
    return None if word or name in others else run_page(name)
