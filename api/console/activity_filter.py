"""Which acts the page of activity shows, as it stands in the address. Start with `Asked` and `read`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, cast, get_args
from urllib.parse import urlencode

from agent.acts import Act, ThingKind
from agent.doors import Door
from agent.store.activity import ActivityFilter
from api.activity_words import ACTS, DOORS
from api.console.gate import MOUNT
from api.console.run_filter import TIMES, FilterError, text_of, window_of
from api.terminal import line

PATH = f"{MOUNT}/activity"
EXPORT = f"{PATH}/export"
KINDS: Mapping[str, str] = {one: one.replace("_", " ") for one in get_args(ThingKind)}
CHOICES: Mapping[str, Mapping[str, str]] = {
    "act": cast("Mapping[str, str]", ACTS),
    "door": cast("Mapping[str, str]", DOORS),
    "kind": KINDS,
    "when": TIMES,
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A filter; None means any."""

    q: str | None = None
    who: str | None = None
    act: str | None = None
    door: str | None = None
    kind: str | None = None
    about: str | None = None
    run: str | None = None
    when: str | None = None
    since: str | None = None
    """As written; it and `until` stand before `when`."""
    until: str | None = None
    before: int | None = None
    """A line that a page before gave."""

    @property
    def filters(self) -> bool:
        """Whether anything is filtered."""
        return self.newest() != Asked()

    def older(self, before: int) -> Asked:
        """The page that goes on there."""
        return replace(self, before=before)

    def newest(self) -> Asked:
        """Its first page."""
        return replace(self, before=None)


NAMES = tuple(one.name for one in fields(Asked))


def read(given: Mapping[str, Any]) -> Asked:
    """From an address. Raises `FilterError`; names that are none are left alone."""
    known = {name: text_of(name, given[name]) for name in NAMES if given.get(name)}
    for name, allowed in CHOICES.items():
        value = known.get(name)
        if value is not None and value not in allowed:
            raise FilterError(f"{name}: {line(value, 60)!r} is none of them. Use one of: {', '.join(allowed)}.")
    before = known.pop("before", None)
    asked = Asked(**cast("dict[str, Any]", {name: value for name, value in known.items() if value is not None}))
    wanted(asked, datetime.now(UTC))
    if before is None:
        return asked
    if not (before.isascii() and before.isdigit() and len(before) <= 18):
        raise FilterError(f"before: {line(before, 60)!r} is no page. Begin at the newest lines.")
    return asked.older(int(before))


def wanted(asked: Asked, now: datetime) -> ActivityFilter:
    """As the store is asked. Raises `FilterError`."""
    window = window_of(asked.when, asked.since, asked.until, now)
    return ActivityFilter(
        who=asked.who,
        act=cast("Act | None", asked.act),
        door=cast("Door | None", asked.door),
        kind=cast("ThingKind | None", asked.kind),
        about=asked.about,
        run=asked.run,
        since=window.since,
        until=window.until,
        words=asked.q,
    )


def address(asked: Asked) -> str:
    """Of the page that shows it."""
    return _with(PATH, asked)


def export_address(asked: Asked, form: str) -> str:
    """Of the file with all that is filtered, of every page."""
    found = _with(EXPORT, asked.newest())
    return f"{found}{'&' if '?' in found else '?'}format={form}"


def _with(path: str, asked: Asked) -> str:
    pairs = [(name, value) for name in NAMES if (value := getattr(asked, name)) is not None]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def in_words(asked: Asked) -> str:
    """`by olga, approved, in the console, today (UTC)`; nothing where nothing is filtered."""
    when = TIMES.get(asked.when or "") if asked.since is None and asked.until is None else None
    about = asked.about and f"about {KINDS.get(asked.kind or '', '')} {line(asked.about, 80)}".replace("  ", " ")
    parts = (
        asked.who and f"by {line(asked.who, 80)}",
        asked.act and ACTS[cast("Act", asked.act)],
        asked.door and DOORS[cast("Door", asked.door)],
        about or (asked.kind and f"of the kind {KINDS[asked.kind]}"),
        asked.run and f"about run {line(asked.run, 80)}",
        asked.q and f"with {line(asked.q, 80)} in a name",
        when,
        asked.since and f"since {line(asked.since, 40)}",
        asked.until and f"until {line(asked.until, 40)}",
    )
    return ", ".join(part for part in parts if part)
