"""Dotted paths into JSON (`data.items.0.name`) and templates made of them (`"{data.topic}: {data.question}"`).

Parse once with `DataPath.parse` and `Template.parse`; `read` and `fill` never fail, whatever the values are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from tools.types import JsonValue

MAX_PATH = 500
MAX_SEGMENTS = 20
MAX_TEMPLATE = 4_000
MAX_FILLED = 8_000
"""Characters of a filled template at most; the rest is cut."""
MAX_RENDER_DEPTH = 8

_SEGMENT = re.compile(r"[^\s.{}\[\]\"'\x00-\x1f\x7f]+")
_MARK = re.compile(r"\{\{|}}|\{([^{}]*)}|[{}]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class PathError(Exception):
    """A path or a template cannot be parsed; says which, and what is wrong with it."""


class Missing(Enum):
    """What `read` gives for a path that leads nowhere; null is a value, not missing."""

    MISSING = "missing"


MISSING = Missing.MISSING


@dataclass(frozen=True, kw_only=True)
class DataPath:
    """A path of names; a number is an element of a list, or a name where an object is."""

    segments: tuple[str, ...]

    @classmethod
    def parse(cls, source: str) -> DataPath:
        """Raises `PathError`."""
        if not source or len(source) > MAX_PATH:
            raise PathError(f"a path has 1 to {MAX_PATH} characters, this has {len(source)}")
        segments = tuple(source.split("."))
        if len(segments) > MAX_SEGMENTS:
            raise PathError(f"path {source!r} has {len(segments)} names, more than {MAX_SEGMENTS}")
        for segment in segments:
            if not _SEGMENT.fullmatch(segment):
                problem = f"the name {segment!r} in it has a space or a bracket" if segment else "a name in it is empty"
                raise PathError(f"path {source!r}: {problem}; names are joined by dots: data.order.id")
        return cls(segments=segments)

    def __str__(self) -> str:
        return ".".join(self.segments)


@dataclass(frozen=True, kw_only=True)
class Template:
    """Text with paths in it."""

    parts: tuple[str | DataPath, ...]

    @classmethod
    def parse(cls, source: str) -> Template:
        """`{path}` is filled in, `{{` and `}}` are brackets. Raises `PathError`."""
        if len(source) > MAX_TEMPLATE:
            raise PathError(f"the template has {len(source)} characters, more than {MAX_TEMPLATE}")
        parts: list[str | DataPath] = []
        position = 0
        for mark in _MARK.finditer(source):
            parts.append(source[position : mark.start()])
            position = mark.end()
            if mark[1] is not None:
                parts.append(DataPath.parse(mark[1].strip()))
            elif mark[0] in {"{{", "}}"}:
                parts.append(mark[0][0])
            else:
                problem = f"a single {mark[0]!r} at character {mark.start() + 1}"
                raise PathError(
                    f"template {_shown(source)} has {problem}; write {mark[0] * 2} for the character itself"
                )
        parts.append(source[position:])
        return cls(parts=tuple(part for part in parts if part != ""))

    @property
    def paths(self) -> tuple[DataPath, ...]:
        return tuple(part for part in self.parts if isinstance(part, DataPath))


def read(path: DataPath | str, context: Mapping[str, JsonValue]) -> JsonValue | Missing:
    """What the path leads to, or `MISSING`. A path given as text is parsed first and may raise `PathError`."""
    value: JsonValue = context
    for segment in (DataPath.parse(path) if isinstance(path, str) else path).segments:
        if isinstance(value, Mapping):
            if segment not in value:
                return MISSING
            value = value[segment]
        elif isinstance(value, Sequence) and not isinstance(value, str):
            position = int(segment) if segment.isascii() and segment.isdigit() and len(segment) < 10 else len(value)
            if position >= len(value):
                return MISSING
            value = value[position]
        else:
            return MISSING
    return value


def fill(template: Template | str, context: Mapping[str, JsonValue]) -> str:
    """The template with its paths read; what is missing or null leaves nothing.

    Space is squeezed, control characters and broken Unicode are replaced, and at most `MAX_FILLED` characters remain,
    whatever the values are. A template given as text is parsed first and may raise `PathError`.
    """
    parsed = Template.parse(template) if isinstance(template, str) else template
    pieces = []
    for part in parsed.parts:
        value = read(part, context) if isinstance(part, DataPath) else part
        pieces.append("" if value is MISSING else _plain(value, 0))
    text = _CONTROL.sub(" ", "".join(pieces)).encode("utf-8", "replace").decode("utf-8")
    return " ".join(text.split())[:MAX_FILLED].rstrip()


def _plain(value: JsonValue | Missing, depth: int) -> str:
    """A value as a person would write it, a little more than `MAX_FILLED` characters at most."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value[: 2 * MAX_FILLED]
        case int():
            return str(value) if abs(value) < 10**30 else "(a very large number)"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case Mapping() if depth < MAX_RENDER_DEPTH:
            return _joined((str(name) + ": " + _plain(item, depth + 1) for name, item in value.items()))
        case Sequence() if depth < MAX_RENDER_DEPTH:
            return _joined(_plain(item, depth + 1) for item in value)
    return "..."


def _joined(pieces: Iterator[str]) -> str:
    """Comma-separated, but no longer built on once it is longer than what can be kept."""
    kept: list[str] = []
    room = 2 * MAX_FILLED
    for piece in pieces:
        kept.append(piece)
        room -= len(piece) + 2
        if room < 0:
            break
    return ", ".join(kept)


def _shown(source: str) -> str:
    return repr(source) if len(source) <= 80 else repr(source[:80]) + "..."
