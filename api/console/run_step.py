"""One thing that happened in a run, as its page tells it: data, no elements. Start with `Step`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from agent.operating.cases import Case
from api.console.plain import said
from api.terminal import line

Kind: TypeAlias = Literal["event", "recalled", "decision", "approval", "effect", "waits", "end", "outcome", "reward"]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table of a step."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    label: str
    marked: tuple[bool, ...] = ()
    opened: bool = True


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that happened; equal ones look the same."""

    key: str
    kind: Kind
    title: str
    at: str | None = None
    state: str | None = None
    lines: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    grids: tuple[Grid, ...] = ()
    cases: tuple[tuple[str, tuple[Case, ...], int], ...] = ()
    """By action: the first of its like cases, and how many more there are."""
    links: tuple[tuple[str, str], ...] = ()
    value: Any = None
    """What can be looked at as JSON."""
    settles: bool = False
    """It is an effect in doubt, of the key `key`."""
    whole: bool = False
    """Its result is large: the whole is fetched when it is asked for."""


def facts_of(value: object) -> tuple[tuple[str, str], ...]:
    """The fields of an object, each in a line, cut."""
    if isinstance(value, Mapping):
        return tuple((line(name, 80), said(one, 400)) for name, one in list(value.items())[:30])
    return () if value is None else (("value", said(value, 400)),)
