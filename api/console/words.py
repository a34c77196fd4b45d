"""Moments, spans and states in words. Start with `ago`."""

from __future__ import annotations

from datetime import UTC, datetime

MINUTE, HOUR, DAY = 60, 3_600, 86_400


def ago(moment: datetime, now: datetime) -> str:
    """`12 min ago`; what lies ahead is `in 12 min`."""
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 5:
        return "just now"
    said = span(abs(seconds))
    return f"{said} ago" if seconds > 0 else f"in {said}"


def span(seconds: float) -> str:
    """A length of time with its unit: `230 ms`, `4.2 s`, `12 min`, `3 h`, `5 days`."""
    if round(seconds * 1000) < 1000:
        return f"{seconds * 1000:.0f} ms"
    if round(seconds) < MINUTE:
        return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s".replace(".0 s", " s")
    if round(seconds / MINUTE) < 60:
        return f"{seconds / MINUTE:.0f} min"
    if round(seconds / HOUR) < 48:
        return f"{seconds / HOUR:.0f} h"
    return f"{seconds / DAY:.0f} days"


def at(moment: datetime) -> str:
    """The moment itself: `2026-11-26 14:03:05 UTC`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def moment_of(text: str) -> datetime:
    """A moment as the API writes it."""
    return datetime.fromisoformat(text)


def number(value: float) -> str:
    """Digits in groups, as in `12,345`."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def share(part: float, whole: float) -> str:
    """`37 %`, or `-` of nothing."""
    return f"{100 * part / whole:.0f} %" if whole else "-"
