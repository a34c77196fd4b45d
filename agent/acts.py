"""What people do, and what it is about: the words of activity. Start with `Act`.

A new act is one more word here, its words in `api.activity_words`, and a `write` where it is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Act: TypeAlias = Literal[
    "approved",
    "rejected",
    "settled",
    "assigned",
    "released",
    "cancelled",
    "replayed",
    "discarded",
    "judged",
    "paused",
    "resumed",
    "event_sent",
    "memory_off",
    "memory_on",
    "source_revoked",
    "source_restored",
    "lesson_edited",
    "lesson_retired",
    "episode_kept",
    "settings_changed",
    "signed_in",
    "signed_out",
    "key_refused",
]
ThingKind: TypeAlias = Literal[
    "approval",
    "effect",
    "run",
    "outcome",
    "tool",
    "event_type",
    "everything",
    "source",
    "lesson",
    "episode",
    "portfolio",
    "console",
]


@dataclass(frozen=True, kw_only=True)
class Thing:
    """What an act is about."""

    kind: ThingKind
    id: str = ""
    """Of the approval, effect, run, outcome, lesson or episode; the name of the tool, event type or source."""
    run: str | None = None
    """That it belongs to."""


def of_run(run: str) -> Thing:
    """A run itself."""
    return Thing(kind="run", id=run, run=run)
