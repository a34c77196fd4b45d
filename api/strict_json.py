"""JSON text from outside, read strictly and within bounds. Start with `read_json`.

Refused, because two readers could understand them differently or choke: duplicate names, NaN and Infinity, integers of
more than 64 bits, numbers beyond a double, text that is not UTF-8, and nesting deeper than asked (found before anything
recurses).
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

LARGEST_INTEGER = 2**63 - 1
LONGEST_INTEGER = 20
"""Characters; longer ones are not even converted."""

# Possessive, so that text without an end costs one pass and not one per character.
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]++|\\.|\\\Z)*+"?+|[\[\]{}]', re.DOTALL)


class JsonTextError(ValueError):
    """The text is no JSON, or stranger or deeper than is taken; says what and where."""


def read_json(body: bytes, *, depth: int) -> Any:
    """The JSON value of UTF-8 text nested at most `depth` levels. Raises `JsonTextError`."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonTextError(f"the text is not UTF-8 (byte {error.start})") from None
    _check_depth(body, depth)
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except json.JSONDecodeError as error:
        raise JsonTextError(f"the text is not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None


def check_storable(value: object, path: str = "body") -> None:
    """Raises `JsonTextError` for text no database and no UTF-8 can carry: NUL and halves of surrogate pairs."""
    if isinstance(value, str):
        if "\x00" in value:
            raise JsonTextError(f"{path[:200]} contains a NUL character")
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise JsonTextError(f"{path[:200]} contains half of a surrogate pair")
    elif isinstance(value, dict):
        for key, item in value.items():
            check_storable(key, f"a name in {path}")
            check_storable(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check_storable(item, f"{path}[{index}]")


def _check_depth(body: bytes, most: int) -> None:
    if body.count(b"[") + body.count(b"{") <= most:
        return
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(body):
        match found[0]:
            case b"[" | b"{":
                depth += 1
                if depth > most:
                    raise JsonTextError(f"the text is nested deeper than {most} levels")
            case b"]" | b"}":
                depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise JsonTextError(f"the name {name[:80]!r} is there twice in one object")
            seen.add(name)
    return made


def _no_constant(name: str) -> NoReturn:
    raise JsonTextError(f"{name} is no JSON number")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise JsonTextError(f"the number {text[:40]} is too large")
    return value


def _int(text: str) -> int:
    if len(text) > LONGEST_INTEGER or abs(int(text)) > LARGEST_INTEGER:
        raise JsonTextError(f"the integer {text[:40]} has more than 64 bits; send it as a string")
    return int(text)
