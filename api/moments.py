"""Days and moments as people write them in filters. Start with `moment`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from api.terminal import line


def moment(given: str, *, until: bool = False) -> datetime:
    """A moment, in UTC unless it says otherwise; a day means its beginning, or with `until` its end.

    Raises `ValueError` with what would be right.
    """
    try:
        found = datetime.fromisoformat(given)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        return found + timedelta(days=1) if until and len(given) == len("2026-11-26") else found
    except (ValueError, OverflowError):
        raise ValueError(f"{line(given, 60)!r} is no day or moment. Right: such as 2026-11-26.") from None
