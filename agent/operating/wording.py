"""Plain words for a terminal and small JSON for a model. Start with `said`, `when` and `small`.

What came from events, tools, results, models or other operators is data: it is quoted, cut and cleared of what a
terminal or a reader could take for more than text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tools.errors import shorten
from tools.types import JsonObject, JsonValue

SHORT = 80
LONG = 200
EXACT = 1_000
ROWS = 20
"""Of a list in `Found.data`."""
KEYS = 30
DEPTH = 6


def plain(value: object, most: int = SHORT) -> str:
    """A name or an id from outside on one line, without quotes."""
    return shorten(str(value), most)


def first_line(value: str, most: int = SHORT) -> str:
    """A title from outside: of a text in several lines the first that says something."""
    return plain(value.strip().partition("\n")[0], most)


def said(value: object, most: int = LONG) -> str:
    """Somebody's words, quoted so that it shows where they end."""
    inner = plain(value, most).replace('"', "'")
    return f'"{inner}"'


def values(arguments: JsonValue, most: int = LONG) -> str:
    """Arguments or a result on one line, as JSON."""
    if isinstance(arguments, str):
        return said(arguments, most)
    return shorten(json.dumps(small(arguments, text=most // 2), ensure_ascii=False, default=str), most)


def exact(arguments: JsonValue, most: int = EXACT) -> str:
    """Arguments as they are, not rounded, and cut only where it says so; what is no plain text is escaped."""
    text = json.dumps(arguments, ensure_ascii=False, default=str)
    cut = "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text[:most])
    return cut if len(text) <= most else f"{cut}… ({len(text)} characters in all)"


def small(value: Any, *, text: int = LONG, depth: int = DEPTH) -> Any:
    """JSON of bounded size: texts cut and cleared, at most `ROWS` rows and `KEYS` keys."""
    if isinstance(value, str):
        return shorten(value, text)
    if isinstance(value, Mapping):
        if depth == 0:
            return "…"
        kept = list(value.items())[:KEYS]
        return {shorten(str(key), SHORT): small(item, text=text, depth=depth - 1) for key, item in kept}
    if isinstance(value, Sequence):
        return "…" if depth == 0 else [small(item, text=text, depth=depth - 1) for item in value[:ROWS]]
    return round(value, 4) if isinstance(value, float) else value


def when(moment: datetime | str | None, now: datetime) -> str:
    """Relative and absolute: `12 min ago, 14:03 UTC`."""
    known = as_moment(moment)
    if known is None:
        return "at an unknown time"
    return f"{_apart((now - known).total_seconds())}, {clock(known, now)}"


def clock(moment: datetime, now: datetime) -> str:
    """The time, with the day unless it is today, and the year unless it is this one; in UTC."""
    moment = moment.astimezone(UTC)
    day = "" if moment.date() == now.date() else f"{moment.day} {moment:%b} "
    year = "" if moment.year == now.year else f"{moment.year} "
    return f"{day}{year}{moment:%H:%M} UTC"


def _apart(seconds: float) -> str:
    ahead, seconds = seconds < -1, abs(seconds)
    told = f"{seconds:.0f} s"
    for least, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= (2 * least if unit == "days" else least):
            told = f"{seconds / least:.0f} {unit}"
            break
    return f"in {told}" if ahead else f"{told} ago"


def as_moment(moment: datetime | str | None) -> datetime | None:
    """As stored, or as shown."""
    return datetime.fromisoformat(moment) if isinstance(moment, str) else moment


def span(since: datetime | None, until: datetime | None, now: datetime) -> str:
    """A time, in words: `since 19 Nov 14:03 UTC`."""
    if since is None and until is None:
        return "at any time"
    begins = "" if since is None else f"since {clock(since, now)}"
    ends = "" if until is None else f"until {clock(until, now)}"
    return " ".join(part for part in (begins, ends) if part)


def seconds(value: float) -> str:
    """A duration with its unit."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 60 else f"{value / 60:.1f} min"


def share(part: int, whole: int, of: str = "") -> str:
    """`3 of 12 calls (25 %)`."""
    return f"{part} of {whole}{of and ' ' + of}" + (f" ({100 * part / whole:.0f} %)" if whole else "")


def number(count: int, one: str, many: str | None = None) -> str:
    """`1 run`, `2 runs`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def listed(words: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    return " ".join(words) if len(words) < 2 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def lines(*parts: str | Sequence[str]) -> str:
    """One text of lines and groups of lines; empty ones are left out."""
    flat = [line for part in parts for line in ([part] if isinstance(part, str) else part)]
    return "\n".join(line for line in flat if line)


def rows(items: Sequence[JsonObject], total: int | None = None, **more: JsonValue) -> JsonObject:
    """`Found.data` of a listing."""
    return {**more, "total": len(items) if total is None else total, "items": small(list(items))}
