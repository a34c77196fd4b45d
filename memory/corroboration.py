"""Whether more than one source bears a rule out. Start with `leans_on`.

A source has a part in an episode whose event it sent, and in one whose outcome it told: what would be gone were it
revoked. A rule leans on a source if it would not stand by what is left without it. Where nobody else sends such events
to speak of, there is nothing to ask for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from memory.conditions import Mask
from memory.lesson_settings import LessonSettings
from memory.lesson_tables import Split, Table, counted, fisher
from memory.types import Advised, Episode

STANDING = 0.05
"""p at which a rule still stands, by itself or without a source; `LessonSettings.alone` where it is first found, as it
was picked among many."""


def apart(
    episodes: Sequence[Episode], tellers: Mapping[str, Collection[str]], settings: LessonSettings
) -> Mapping[str, Mask]:
    """By source that sends such events, the most frequent first: the episodes it has no part in.

    One without which fewer than `several` are left is as good as the only one, and is not in it; nor is one with a part
    in fewer than half of what a rule needs, as there may be very many. `tellers`: by episode the sources of its
    outcomes.
    """
    senders = Counter(one.source for one in episodes)
    if len(senders) < 2:
        return {}
    parts = [{one.source, *tellers.get(one.id, ())} for one in episodes]
    number = Counter(source for part in parts for source in part)
    return {
        source: np.array([source not in part for part in parts], dtype=bool)
        for source in sorted(senders, key=lambda name: (-senders[name], name))
        if number[source] >= settings.fewest // 2 and len(episodes) - number[source] >= settings.several
    }


def leans_on(
    split: Split, good: Mask, others: Mapping[str, Mask], verified: Mask, settings: LessonSettings, p: float
) -> str | None:
    """The first source without which the rule does not stand; None where all may go, or `verified` runs bear it out."""
    advice = split.rule.advice
    if stands(counted(_within(split, verified), good), advice, settings, p):
        return None
    for source, mask in others.items():
        touched = bool(((split.inside | split.rest) & ~mask).any())
        if touched and not stands(counted(_within(split, mask), good), advice, settings, p):
            return source
    return None


def stands(table: Table, advice: Advised, settings: LessonSettings, p: float = STANDING) -> bool:
    """Whether these counts say the same as the rule, and are no chance at `p`."""
    if min(table.total, table.rest_total) < settings.fewest or not table.difference:
        return False
    return table.better == (advice == "do") and fisher(table, 0.0) <= p


def _within(split: Split, mask: Mask) -> Split:
    return replace(split, inside=split.inside & mask, rest=split.rest & mask)
