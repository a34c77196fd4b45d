"""What a database and UTF-8 can carry. `check_json` refuses what they cannot, at the edge; `clean` replaces it inside.

Values that are acted upon (events, arguments, results an operator gives) are refused, since a replaced character would
make them something else. Words that are only told (errors, reasons) are cleaned.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 32
LARGEST_INTEGER = 2**63 - 1
REPLACEMENT = "\ufffd"

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class NotStorable(Exception):
    """A value that is no JSON we take; says where and why."""


def check_json(value: object, path: str, depth: int = 0) -> None:
    """Raises `NotStorable` for what is no plain, finite JSON of at most `MAX_DEPTH` levels; recurses no deeper."""
    if depth > MAX_DEPTH:
        raise NotStorable(f"{path[:200]} is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise NotStorable(f"{path[:200]} has a key that is no string")
            check_text(key, f"a key of {path[:200]}")
            check_json(item, f"{path}.{key}", depth + 1)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            check_json(item, f"{path}[{index}]", depth + 1)
    elif isinstance(value, str):
        check_text(value, path[:200])
    elif isinstance(value, float) and not math.isfinite(value):
        raise NotStorable(f"{path[:200]} is not a finite number")
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_INTEGER:
        raise NotStorable(f"{path[:200]} is an integer of more than 64 bits; send it as a string")
    elif not isinstance(value, bool | int | float | None):
        raise NotStorable(f"{path[:200]} is no JSON value")


def check_text(value: str, path: str) -> None:
    """Raises `NotStorable` for NUL and halves of surrogate pairs."""
    if "\x00" in value:
        raise NotStorable(f"{path} contains a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise NotStorable(f"{path} contains half of a surrogate pair; send valid Unicode") from None


def clean(text: str) -> str:
    """The text with U+FFFD for what cannot be stored."""
    return _UNSTORABLE.sub(REPLACEMENT, text)


def json_text(value: Any) -> str:
    """JSON for the store: texts cleaned, NaN and infinities as null."""
    try:
        text = json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(_plain(value))
    # Escapes of what cannot be stored begin like this; escaped backslashes before them only cost a needless pass.
    return json.dumps(_plain(value)) if "\\u0000" in text or "\\ud" in text else text


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {clean(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
