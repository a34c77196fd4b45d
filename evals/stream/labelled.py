"""Labelled texts as a stream of events: which tool is right for each. Start with `read`, then `Labelled.stream`."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

Rows: TypeAlias = Literal["all", "even", "odd"]

HEADER = ("Query", "Tool")
LONGEST = 16_384
"""Characters of a text."""


class StreamError(Exception):
    """The stream cannot be played; says which file, what is wrong and what would be right."""


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Texts, and the tool that is right for each; an empty name means that calling nothing is right."""

    tools: Mapping[str, str]
    """Name -> description."""
    texts: Sequence[str]
    right: Sequence[str]

    def stream(self, seed: int, events: int) -> Sequence[int]:
        """Rows of the seed's permutation, the first so many. Raises `StreamError` when there are not as many."""
        if events > len(self.texts):
            raise StreamError(f"a stream of {events} events needs as many queries; there are {len(self.texts)}")
        order = np.random.default_rng(seed).permutation(len(self.texts))
        return [int(row) for row in order[:events]]


def read(tools: Path, queries: Path, rows: Rows) -> Labelled:
    """Both files, checked. `even` and `odd` count rows from 0. Raises `StreamError`."""
    named = _tools(tools)
    texts: list[str] = []
    right: list[str] = []
    for number, (text, tool) in enumerate(_queries(queries)):
        if tool and tool not in named:
            raise StreamError(f"{queries}: row {number} names the tool {tool!r}, which {tools} does not have")
        if not text.strip() or len(text) > LONGEST:
            raise StreamError(f"{queries}: row {number} has a query of {len(text)} characters; use 1 to {LONGEST}")
        if rows == "all" or (number % 2 == 0) == (rows == "even"):
            texts.append(text)
            right.append(tool)
    return Labelled(tools=named, texts=texts, right=right)


def _tools(path: Path) -> Mapping[str, str]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise StreamError(f"{path} cannot be read: {error}. Give a JSON object of tool name to description.") from error
    if not isinstance(read, dict) or not all(isinstance(said, str) for said in read.values()) or len(read) < 2:
        raise StreamError(f"{path} is no JSON object of at least two tool names with their descriptions as strings.")
    if not all(name.strip() for name in read):
        raise StreamError(f"{path} has a tool without a name.")
    return read


def _queries(path: Path) -> Sequence[tuple[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StreamError(f"{path} cannot be read: {error}. Give a CSV with the header Query,Tool.") from error
    if not rows or tuple(rows[0]) != HEADER:
        raise StreamError(
            f"{path} begins with {','.join(rows[0]) if rows else 'nothing'!r}. Give the header Query,Tool."
        )
    for number, row in enumerate(rows[1:]):
        if len(row) != len(HEADER):
            raise StreamError(f"{path}: row {number} has {len(row)} fields. Give two: the query and the right tool.")
    return [(row[0], row[1]) for row in rows[1:]]
