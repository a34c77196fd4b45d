"""One act as a line of a list, with where its links lead. Start with `row`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

from agent.doors import BY_ITSELF
from agent.store.queries import Shown
from api.activity_words import ACTS, DOORS, did, more, why
from api.console.gate import MOUNT
from api.console.words import at, moment_of
from api.terminal import line

TONES: Mapping[str, str] = {
    **dict.fromkeys(("approved", "memory_on", "source_restored", "resumed", "episode_kept"), "sg-good"),
    **dict.fromkeys(("rejected", "cancelled", "discarded", "source_revoked", "key_refused"), "sg-bad"),
    **dict.fromkeys(("paused", "memory_off", "settings_changed"), "sg-wait"),
}
"""Class by act; others are quiet."""


@dataclass(frozen=True, kw_only=True)
class ActRow:
    """What is shown of an act."""

    id: int
    act: str
    tone: str
    who: str
    did: str
    address: str | None
    """Of the page it is about."""
    inbox: str | None
    """Of the item of the inbox that was answered."""
    why: str
    more: tuple[str, ...]
    where: str
    moment: datetime

    @property
    def at(self) -> str:
        """When it was done."""
        return at(self.moment)


def row(one: Shown) -> ActRow:
    """From what `Activity` gives."""
    return ActRow(
        id=one["id"],
        act=ACTS.get(one["act"], line(one["act"], 40)),
        tone=TONES.get(one["act"], ""),
        who="Segue" if one["who"] == one["door"] == BY_ITSELF else line(one["who"], 80),
        did=did(one),
        address=_address(one),
        inbox=_inbox(one),
        why=why(one),
        more=tuple(more(one)),
        where=DOORS.get(one["door"], line(one["door"], 40)),
        moment=moment_of(one["at"]),
    )


def _address(one: Shown) -> str | None:
    if one["run"] is not None:
        return f"{MOUNT}/runs/{quote(one['run'], safe='')}"
    made = ADDRESSES.get(one["kind"])
    return None if made is None else f"{MOUNT}{made(one)}"


def _memory(one: Shown) -> str:
    kind = one["about"] if one["kind"] == "event_type" else one["detail"].get("type")
    return f"/memory?{urlencode({'type': kind})}" if kind else "/memory"


ADDRESSES: Mapping[str, Callable[[Shown], str]] = {
    "tool": lambda one: f"/portfolio/tools/{quote(one['about'], safe='')}",
    "portfolio": lambda one: "/portfolio",
    "event_type": lambda one: _memory(one) if one["act"] in ("memory_off", "memory_on") else "/portfolio",
    "everything": lambda one: "/inbox?kind=pauses",
    "source": lambda one: "/memory",
    "lesson": _memory,
}


def _inbox(one: Shown) -> str | None:
    """Approvals, effects and dead letters are looked at there, answered or not."""
    name = {"approval": "approval", "effect": "effect"}.get(one["kind"])
    if name is None and one["act"] in ("replayed", "discarded", "assigned", "released"):
        name = "letter"
    return None if name is None else f"{MOUNT}/inbox?{urlencode({name: one['about']})}"
