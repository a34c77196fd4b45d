"""JSON from outside, bounded: `read_json` for bytes, `plain_json` for values that should be JSON.

What comes out is made of dict, list, str, int, float, bool and None only, no deeper than asked, with finite
numbers and encodable strings: it can be stored, hashed and sent on without another check.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

from tools.types import JsonValue

MAX_INTEGER_BITS = 1024


class JsonError(ValueError):
    """What was given is no JSON, or is deeper or stranger than we take."""


def read_json(body: bytes, *, max_depth: int) -> JsonValue:
    """Parse UTF-8 JSON text. Raises `JsonError` for anything else; never recurses further than `max_depth`."""
    try:
        value = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise JsonError(f"not readable as JSON: {error}") from error
    return plain_json(value, max_depth=max_depth)


def plain_json(value: object, *, max_depth: int) -> JsonValue:
    """A copy made of plain JSON types. Raises `JsonError` naming the place of what is not JSON."""
    return _plain(value, max_depth, "$")


def json_text(value: JsonValue) -> bytes:
    """The (plain) value as compact UTF-8 JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _plain(value: object, depth: int, place: str) -> JsonValue:
    if depth < 0:
        raise JsonError("nested too deeply")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, place)
    if isinstance(value, int | float):
        return _number(value, place)
    if isinstance(value, Mapping):
        return {_key(key, place): _plain(item, depth - 1, f"{place}.{key}") for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [_plain(item, depth - 1, f"{place}[{index}]") for index, item in enumerate(value)]
    raise JsonError(f"{place[:200]}: {type(value).__name__} is no JSON value")


def _key(key: object, place: str) -> str:
    if not isinstance(key, str):
        raise JsonError(f"{place[:200]}: the name {key!r:.50} is no text")
    return _text(key, place)


def _text(value: str, place: str) -> str:
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        raise JsonError(f"{place[:200]}: the text has half a character (a lone surrogate)")
    return value


def _number(value: float, place: str) -> int | float:
    if isinstance(value, float) and not math.isfinite(value):
        raise JsonError(f"{place[:200]}: {value} is no JSON number")
    if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
        raise JsonError(f"{place[:200]}: the number has more than {MAX_INTEGER_BITS} bits")
    return value
