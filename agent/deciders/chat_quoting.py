"""Values from outside as text for a chat model: bounded, on one line, unable to close the tag around. See `quote`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from tools.types import JsonValue

_CUTS = ((10**9, 10**9, 64), (2000, 100, 12), (400, 30, 8), (100, 10, 6), (40, 5, 4))
"""Longest string or name of a field, most items and deepest level kept, from everything to little."""


def quote(value: JsonValue, limit: int) -> str:
    """The value as one line of JSON of at most `limit` characters; what was cut says so in its place.

    `<`, `>` and everything that does not print are written as JSON escapes, so that no text can end the tag it stands
    in or hide in the line.
    """
    for pruned in _pruned(value):
        text = _as_text(pruned, limit)
        if text is not None:
            return text
    return '"… (too long to show)"'


def fit_object(value: Mapping[str, JsonValue], limit: int) -> dict[str, JsonValue]:
    """The object, pruned until its JSON text has at most `limit` characters."""
    for pruned in _pruned(value):
        if isinstance(pruned, dict) and _as_text(pruned, limit) is not None:
            return pruned
    return {"…": "too long to show"}


def _pruned(value: JsonValue) -> Iterator[JsonValue]:
    for strings, items, depth in _CUTS:
        yield _prune(value, strings, items, depth)


def _prune(value: JsonValue, strings: int, items: int, depth: int) -> JsonValue:
    if isinstance(value, str):
        return _prune_text(value, strings)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth <= 0:
        return "… (nested more deeply)"
    if isinstance(value, Mapping):
        kept: dict[str, JsonValue] = {
            _prune_text(str(key), strings): _prune(item, strings, items, depth - 1)
            for key, item in list(value.items())[:items]
        }
        if len(value) > items:
            kept["…"] = f"{len(value) - items} more fields"
        return kept
    return _prune_list(value, strings, items, depth)


def _prune_list(value: Sequence[JsonValue], strings: int, items: int, depth: int) -> JsonValue:
    kept: list[JsonValue] = [_prune(item, strings, items, depth - 1) for item in value[:items]]
    if len(value) > items:
        kept.append(f"… ({len(value) - items} more items)")
    return kept


def _prune_text(value: str, length: int) -> str:
    if not value.isascii():
        value = value.encode("utf-8", "replace").decode()
    return value if len(value) <= length else f"{value[:length]}… ({len(value) - length} more characters)"


def _as_text(value: JsonValue, limit: int) -> str | None:
    """One safe line of JSON, or None if it has more than `limit` characters."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= limit:
        text = "".join(char if char.isprintable() and char not in "<>" else _escape(char) for char in text)
    return text if len(text) <= limit else None


def _escape(char: str) -> str:
    return {"<": "\\u003c", ">": "\\u003e"}.get(char) or json.dumps(char)[1:-1]
