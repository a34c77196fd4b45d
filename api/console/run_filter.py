"""Which runs the page of runs shows, as it stands in the address. Start with `Asked` and `read`.

A link is a saved filter: what is in the address is all there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast, get_args
from urllib.parse import urlencode

from agent.storable import NotStorable, check_text
from agent.store.chat_queries import Window
from agent.store.run_lists import By, ListFilter
from agent.types import RunStatus
from api.console.gate import MOUNT
from api.moments import moment
from api.terminal import line

PATH = f"{MOUNT}/runs"
STATUSES: Mapping[str, str] = {one: one for one in get_args(RunStatus)}
DECIDERS: Mapping[str, str] = {
    "model": "a chat model",
    "planner": "the planner",
    "reflex": "the reflex (a proven plan)",
    "operator": "an operator",
}
TIMES: Mapping[str, str] = {
    "hour": "in the last hour",
    "today": "today (UTC)",
    "day": "in the last 24 hours",
    "week": "in the last 7 days",
    "month": "in the last 30 days",
}
_SPANS = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
}
LONGEST = 1_024


class FilterError(Exception):
    """An address that names no filter; says what would be right."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A filter; None means any."""

    status: str | None = None
    type: str | None = None
    subject: str | None = None
    source: str | None = None
    tool: str | None = None
    by: str | None = None
    when: str | None = None
    since: str | None = None
    """As written: a day, or a moment in UTC. It and `until` stand before `when`."""
    until: str | None = None
    before: int | None = None
    """A position that a page before gave."""

    @property
    def first(self) -> bool:
        """Whether it is the first page."""
        return self.before is None

    @property
    def filters(self) -> bool:
        """Whether anything is filtered."""
        return replace(self, before=None) != Asked()

    def older(self, before: int) -> Asked:
        """The page that goes on there."""
        return replace(self, before=before)

    def newest(self) -> Asked:
        """Its first page."""
        return replace(self, before=None)


READY: tuple[tuple[str, Asked], ...] = (
    ("All", Asked()),
    ("Waiting", Asked(status="waiting")),
    ("Failed today", Asked(status="failed", when="today")),
    ("Decided by a model", Asked(by="model")),
)
"""Ready-made ones."""
NAMES = tuple(one.name for one in fields(Asked))


def read(given: Mapping[str, Any]) -> Asked:
    """From an address, or a form. Raises `FilterError`; names that are none are left alone."""
    known = {name: text_of(name, given[name]) for name in NAMES if given.get(name)}
    for name, allowed in (("status", STATUSES), ("by", DECIDERS), ("when", TIMES)):
        value = known.get(name)
        if value is not None and value not in allowed:
            raise FilterError(f"{name}: {line(value, 60)!r} is none of them. Use one of: {', '.join(allowed)}.")
    before = known.pop("before", None)
    asked = Asked(**cast("dict[str, Any]", {name: value for name, value in known.items() if value is not None}))
    window(asked, datetime.now(UTC))
    return asked if before is None else asked.older(_position(before))


def text_of(name: str, value: object) -> str | None:
    """Without what stands around it; None for nothing. Raises `FilterError` for what no row can hold."""
    found = value.strip() if isinstance(value, str) else ""
    try:
        check_text(found, name)
    except NotStorable as error:
        raise FilterError(f"{name}: {error}.") from None
    if len(found) > LONGEST:
        raise FilterError(f"{name} is longer than {LONGEST} characters.")
    return found or None


def _position(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise FilterError(f"before: {line(given, 60)!r} is no page. Begin at the newest runs.")
    return int(given)


def window(asked: Asked, now: datetime) -> Window:
    """The time it is about. Raises `FilterError`."""
    return window_of(asked.when, asked.since, asked.until, now)


def window_of(when: str | None, since: str | None, until: str | None, now: datetime) -> Window:
    """One of `TIMES`, or from and until moments as they were written, which stand before it. Raises `FilterError`."""
    if since is None and until is None:
        return Window(since=_since(when, now))
    found = Window(since=_moment("since", since), until=_moment("until", until))
    if found.since is not None and found.until is not None and found.since >= found.until:
        raise FilterError("since is not before until. Choose an earlier since.")
    return found


def _since(when: str | None, now: datetime) -> datetime | None:
    if when == "today":
        return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return None if when is None else now - _SPANS[when]


def _moment(name: str, given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        return moment(given, until=name == "until")
    except ValueError as error:
        raise FilterError(f"{name}: {error}") from None


def wanted(asked: Asked, now: datetime) -> ListFilter:
    """As the store is asked."""
    return ListFilter(
        status=asked.status,
        event_type=asked.type,
        subject=asked.subject,
        source=asked.source,
        tool=asked.tool,
        by=cast("By | None", asked.by),
        window=window(asked, now),
    )


def address(asked: Asked) -> str:
    """Of the page that shows it."""
    pairs = [(name, value) for name in NAMES if (value := getattr(asked, name)) is not None]
    return f"{PATH}?{urlencode(pairs)}" if pairs else PATH


def in_words(asked: Asked) -> str:
    """`that are failed, about c-1, accepted today (UTC)`; nothing where nothing is filtered."""
    when = TIMES.get(asked.when or "") if asked.since is None and asked.until is None else None
    parts = (
        asked.status and f"that are {asked.status}",
        asked.type and f"for {line(asked.type, 80)}",
        asked.subject and f"about {line(asked.subject, 80)}",
        asked.source and f"from {line(asked.source, 80)}",
        asked.tool and f"that asked for {line(asked.tool, 80)}",
        asked.by and f"with a decision by {DECIDERS[asked.by]}",
        when and f"accepted {when}",
        asked.since and f"accepted since {line(asked.since, 40)}",
        asked.until and f"until {line(asked.until, 40)}",
    )
    return ", ".join(part for part in parts if part)
