"""Short rules distilled from graded episodes, by counting alone. Start with `distil`, then `recount` and `broken`.

A rule says that under some conditions an action, or an order of two, turns out well more often, or less often, than
what it is held against. Every rule that is tried is a two-by-two table: good and bad runs of its own and of the rest,
tested by Fisher's exact test, two-sided. Of m tables those come into question that pass Benjamini and Hochberg's step
at rate q. Many of them say one thing in several ways, so they are gone through, the plain and sure ones first, and the
k-th that is kept must reach p <= q * k / m itself; the interval of its share of good runs is Wilson's at confidence
1 - q * k / m, and the rest's share must lie outside it. It must also hold without its most frequent subject, and say
something that those kept before do not say already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from memory.conditions import told
from memory.corroboration import STANDING, leans_on
from memory.lesson_settings import LessonSettings
from memory.lesson_tables import Split, counted, discoveries, fisher, wilson
from memory.lesson_trials import Told, actions, conditions, orders, split_of, valid_for
from memory.types import Distilled, Lesson, Rule, Support

PENALTY = 10.0
"""How much smaller the p of a rule must be for each further condition, to come before a plainer one."""


def distil(
    said: Told,
    settings: LessonSettings,
    *,
    alone: Collection[str] | None = None,
    since: Mapping[str, datetime] | None = None,
    seeds: Collection[str] = (),
) -> tuple[Distilled, ...]:
    """The rules that stand out, surest first; the same for the same episodes.

    `alone`: actions a rule may be about by themselves (None: all); others count in orders only. `since`: for actions
    that changed, from when on episodes count for rules about them. `seeds`: midst of clusters known already.
    """
    if len(said.episodes) < 2 * settings.fewest:
        return ()
    found = conditions(said, settings, seeds)
    splits = [*actions(said, found, settings, alone, since or {}), *orders(said, found, settings, since or {})]
    tested = [(split, fisher(counted(split, said.good), settings.gap)) for split in splits]
    passed = discoveries([p for _, p in tested], settings.discovery)
    kept: list[tuple[Split, str | None]] = []
    rules: list[Distilled] = []
    for split, p in sorted((tested[row] for row in passed), key=lambda pair: _rank(*pair)):
        level = settings.discovery * (len(kept) + 1) / len(tested)
        one = _rule(said, split, p, level, settings)
        if p > level or not _stands_out(one.support) or not _lasts(said, split, settings):
            continue
        source = leans_on(split, said.good, said.apart, said.verified, settings, settings.alone)
        # What one source alone says takes no other rule's place.
        before = [other for other, leaning in kept if leaning is None or source is not None]
        if adds(said, split, before, settings):
            kept.append((split, source))
            rules.append(replace(one, leans_on=source))
    return tuple(rules)


def recount(
    said: Told,
    rule: Rule,
    settings: LessonSettings,
    *,
    since: Mapping[str, datetime] | None = None,
    without: float = STANDING,
) -> Distilled:
    """The counts of a rule on these episodes, with its own interval and p alone (one rule was tried).

    `without` is the p at which it must stand without any one source.
    """
    split, valid = split_of(said, rule), valid_for(said, rule.actions, since or {})
    split = replace(split, inside=split.inside & valid, rest=split.rest & valid)
    found = _rule(said, split, fisher(counted(split, said.good), 0.0), 0.05, settings, rule=rule)
    return replace(found, leans_on=leans_on(split, said.good, said.apart, said.verified, settings, without))


def broken(
    said: Told, lesson: Distilled, settings: LessonSettings, *, after: datetime
) -> tuple[int, int, datetime] | None:
    """Good and all of the latest runs of a rule that speak against it, and since when; None while it holds.

    They are its runs closed later than `after`, at most `recent`. They speak against it where so few good ones (for
    `avoid`: so many) would come with probability `broken` or less, were the share of good ones half-way between the
    rule's own and that of what it was held against.
    """
    mask = split_of(said, lesson.rule).inside
    rows = [row for row in np.flatnonzero(mask).tolist() if said.episodes[row].closed_at > after][-settings.recent :]
    if len(rows) < settings.fewest // 2:
        return None
    good, total = int(said.good[rows].sum()), len(rows)
    support = lesson.support
    half = (support.good / support.total + support.rest_good / support.rest_total) / 2
    odds = np.cumsum(_binomial(total, half))
    tail = odds[good] if lesson.rule.advice == "do" else 1.0 - (odds[good - 1] if good else 0.0)
    return (good, total, said.episodes[rows[0]].closed_at) if tail <= settings.broken else None


def adds(said: Told, split: Split, kept: Sequence[Split], settings: LessonSettings) -> bool:
    """Whether the rule still stands out where those kept already are left out.

    Of its own side go the runs that one to the same effect about the same actions covers; of the side it is held
    against go the runs by which a kept one to the opposite effect explains the difference.
    """
    rule = split.rule
    same = [one for one in kept if (one.rule.kind, one.rule.advice) == (rule.kind, rule.advice)]
    same = [one for one in same if set(one.rule.actions) == set(rule.actions)]
    opposite = [one for one in kept if one.rule.kind == rule.kind and one.rule.advice != rule.advice]
    if not same and not opposite:
        return True
    covered = np.zeros_like(split.inside)
    for one in same:
        covered |= one.where
    rest = split.rest & ~covered
    for one in opposite:
        # All its runs, also those before its action changed.
        rest = rest & ~split_of(said, one.rule).inside
    left = replace(split, inside=split.inside & ~covered, rest=rest)
    table = counted(left, said.good)
    if min(table.total, table.rest_total) < settings.fewest:
        return False
    return fisher(table, settings.gap) <= settings.alone and table.better == (rule.advice == "do")


def text_of(found: Distilled) -> str:
    """The rule in words with its counts."""
    rule, support = found.rule, found.support
    when = f"when {told(rule.conditions)}: " if rule.conditions else ""
    what = " and ".join(rule.actions)
    own = f"{support.good} of {support.total}"
    rest = f"{support.rest_good} of {support.rest_total}"
    if rule.kind == "order":
        return f"{when}{rule.actions[0]} before {rule.actions[1]}: kept {own}, the other way round {rest}"
    against = "others" if rule.against == "others" else "elsewhere"
    if rule.advice == "do":
        return f"{when}{what} kept {own}, {against} {rest}"
    where = f", when {told(rule.conditions)}" if rule.conditions else ""
    return f"when not to {what}{where}: it kept {own}, {against} {rest}"


def lesson_text(lesson: Lesson) -> str:
    """The wording, if somebody gave one, and always the counts."""
    counts = text_of(lesson.found)
    return counts if lesson.words is None else f"{lesson.words} ({counts})"


def _rank(split: Split, p: float) -> tuple[float, bool, str]:
    return p * PENALTY ** len(split.rule.conditions), split.rule.advice != "do", str(split.rule)


def _rule(
    said: Told, split: Split, p: float, level: float, settings: LessonSettings, *, rule: Rule | None = None
) -> Distilled:
    table = counted(split, said.good)
    low, high = wilson(table.good, table.total, level)
    own = [said.episodes[row] for row in np.flatnonzero(split.inside).tolist()[::-1]]
    return Distilled(
        rule=rule or split.rule,
        support=Support(
            good=table.good,
            total=table.total,
            rest_good=table.rest_good,
            rest_total=table.rest_total,
            low=low,
            high=high,
            p=p,
        ),
        episodes=tuple(one.id for one in own[: settings.named]),
        sources=dict(sorted(Counter(one.source for one in own).items())),
        subjects=len({one.subject for one in own}),
    )


def _stands_out(support: Support) -> bool:
    rest = support.rest_good / support.rest_total
    return rest < support.low or rest > support.high


def _lasts(said: Told, split: Split, settings: LessonSettings) -> bool:
    """Whether two subjects or more bear it out: without the most frequent one half the difference is left."""
    subjects = np.array([one.subject for one in said.episodes], dtype=object)
    told_by = Counter(subjects[split.inside].tolist())
    if len(told_by) < 2:
        return False
    often = Counter(subjects[split.inside | split.rest].tolist())
    biggest = min(often, key=lambda name: (-often[name], name))
    other = np.array(subjects != biggest, dtype=bool)
    whole = counted(split, said.good)
    left = counted(replace(split, inside=split.inside & other, rest=split.rest & other), said.good)
    if not left.total or not left.rest_total:
        return False
    return left.difference * (1 if whole.better else -1) >= abs(whole.difference) / 2


def _binomial(n: int, share: float) -> NDArray[np.float64]:
    """Probabilities of 0 to n."""
    odds = np.zeros(n + 1)
    odds[0] = 1.0
    for _ in range(n):
        odds[1:] = odds[1:] * (1.0 - share) + odds[:-1] * share
        odds[0] *= 1.0 - share
    return odds
