"""The rules that are tried on graded episodes, each with its split of them. Start with `look`, `actions`, `orders`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from memory.clusters import clusters
from memory.conditions import Conditions, Mask, candidates, mask_of
from memory.corroboration import apart
from memory.lesson_settings import LessonSettings
from memory.lesson_tables import Split, counted
from memory.rewards import combined
from memory.types import Episode, Feature, Rule


@dataclass(frozen=True, kw_only=True)
class Told:
    """Graded episodes as rules are counted on them, oldest first."""

    episodes: Sequence[Episode]
    good: Mask
    taken: Mapping[str, NDArray[np.int64]]
    """By action: its place in each episode from 0, or -1."""
    vectors: NDArray[np.float32] | None
    apart: Mapping[str, Mask]
    """By source that is not the only one: the episodes it has no part in."""
    verified: Mask
    """Graded by operators alone."""

    @property
    def features(self) -> list[Mapping[str, Feature]]:
        return [one.features for one in self.episodes]

    def closeness(self, names: Collection[str]) -> list[Mapping[str, float]]:
        """Of each episode's text to the texts of the named episodes."""
        rows = {one.id: row for row, one in enumerate(self.episodes) if one.id in names}
        if self.vectors is None or not rows:
            return [{}] * len(self.episodes)
        cosines = self.vectors @ self.vectors[list(rows.values())].T
        return [dict(zip(rows, own, strict=True)) for own in cosines.tolist()]


def look(
    episodes: Sequence[Episode],
    goals: Mapping[str, float],
    settings: LessonSettings,
    vectors: Mapping[str, NDArray[np.float32]] | None = None,
    *,
    tellers: Mapping[str, Collection[str]] | None = None,
    verified: Collection[str] = (),
) -> Told:
    """The latest graded episodes; `vectors` of their texts by id where texts are to be told apart.

    `tellers`: by id the sources of their outcomes; `verified`: ids of those that operators alone graded.
    """
    graded = [(one, combined(one.rewards, goals)) for one in episodes if one.trust > 0]
    known = [(one, reward) for one, reward in graded if reward is not None]
    if vectors is not None:
        known = [(one, reward) for one, reward in known if one.id in vectors]
    known.sort(key=lambda pair: (pair[0].closed_at, pair[0].id))
    known = known[-settings.most_episodes :]
    kept = [one for one, _ in known]
    usual = Counter(action.action for one in kept for action in one.actions if action.done)
    names = sorted(usual, key=lambda name: (-usual[name], name))[: settings.most_actions]
    taken = {name: np.full(len(kept), -1, dtype=np.int64) for name in names}
    for row, one in enumerate(kept):
        for place, action in enumerate(one.actions):
            if action.done and action.action in taken:
                taken[action.action][row] = place
    return Told(
        episodes=kept,
        good=np.array([reward >= settings.good for _, reward in known], dtype=bool),
        taken=taken,
        vectors=np.stack([vectors[one.id] for one in kept]) if vectors is not None and kept else None,
        apart=apart(kept, tellers or {}, settings),
        verified=np.array([one.id in verified for one in kept], dtype=bool),
    )


def conditions(said: Told, settings: LessonSettings, seeds: Collection[str]) -> list[Conditions]:
    """What rules may depend on: features, or clusters of texts where no episode has any."""
    found: list[Conditions] = []
    if said.vectors is not None and not any(said.features):
        names, texts = [one.id for one in said.episodes], [one.text for one in said.episodes]
        found = clusters(names, texts, said.vectors, settings, seeds)
    return candidates(said.features, found, settings)


def actions(
    said: Told,
    found: Sequence[Conditions],
    settings: LessonSettings,
    alone: Collection[str] | None,
    since: Mapping[str, datetime],
) -> list[Split]:
    """Held against what else was done there; where too little was, against the same action elsewhere."""
    together: dict[bytes, list[str]] = {}
    for name, places in said.taken.items():
        if alone is None or name in alone:
            together.setdefault((places >= 0).tobytes(), []).append(name)
    splits: list[Split] = []
    for names in together.values():
        taken, valid = said.taken[names[0]] >= 0, valid_for(said, names, since)
        for one in found:
            inside, others = taken & one.mask & valid, ~taken & one.mask & valid
            rule = Rule(kind="action", advice="do", actions=tuple(sorted(names)), conditions=one.all)
            rest = others
            if others.sum() < settings.fewest:
                if (~taken).sum() < settings.fewest:
                    # Done everywhere: how it turned out says something of the situation, and nothing of it.
                    continue
                rule, rest = replace(rule, against="elsewhere"), taken & ~one.mask & valid
            if min(inside.sum(), rest.sum()) >= settings.fewest:
                split = Split(rule=rule, where=one.mask, inside=inside, rest=rest)
                splits.append(_advised(split, said.good))
    return splits


def _advised(split: Split, good: Mask) -> Split:
    """To do or to avoid, as the counts say."""
    if counted(split, good).better:
        return split
    return replace(split, rule=replace(split.rule, advice="avoid"))


def orders(
    said: Told, found: Sequence[Conditions], settings: LessonSettings, since: Mapping[str, datetime]
) -> list[Split]:
    """Two actions of one run, under one condition at most: the better order against the other."""
    splits: list[Split] = []
    for first, second in _pairs(said, settings):
        both = (said.taken[first] >= 0) & (said.taken[second] >= 0) & valid_for(said, (first, second), since)
        before = both & (said.taken[first] < said.taken[second])
        for one in found:
            inside, rest = before & one.mask, both & ~before & one.mask
            if len(one.all) > 1 or min(inside.sum(), rest.sum()) < settings.fewest:
                continue
            rule = Rule(kind="order", advice="do", actions=(first, second), conditions=one.all, against="reversed")
            split = Split(rule=rule, where=one.mask, inside=inside, rest=rest)
            if not counted(split, said.good).better:
                split = replace(split, rule=replace(rule, actions=(second, first)), inside=rest, rest=inside)
            splits.append(split)
    return splits


def _pairs(said: Told, settings: LessonSettings) -> list[tuple[str, str]]:
    """Actions often taken in one run, in either order, the most frequent first."""
    pairs: list[tuple[int, str, str]] = []
    for first, second in combinations(said.taken, 2):
        both = (said.taken[first] >= 0) & (said.taken[second] >= 0)
        before = int((both & (said.taken[first] < said.taken[second])).sum())
        if min(before, int(both.sum()) - before) >= settings.fewest:
            pairs.append((int(both.sum()), first, second))
    pairs.sort(key=lambda pair: (-pair[0], pair[1:]))
    return [(first, second) for _, first, second in pairs[: settings.most_orders]]


def valid_for(said: Told, actions: Collection[str], since: Mapping[str, datetime]) -> Mask:
    """The episodes that count for a rule about these actions."""
    moments = [since[action] for action in actions if action in since]
    if not moments:
        return np.ones(len(said.episodes), dtype=bool)
    return np.array([one.closed_at >= max(moments) for one in said.episodes], dtype=bool)


def split_of(said: Told, rule: Rule) -> Split:
    """Which of the episodes are the rule's own, and which it is held against."""
    names = {str(one.value) for one in rule.conditions if one.what == "like"}
    where = mask_of(rule.conditions, said.features, said.closeness(names) if names else None)
    nowhere = np.full(len(said.episodes), -1, dtype=np.int64)
    places = [said.taken.get(action, nowhere) for action in rule.actions]
    all_taken = np.logical_and.reduce([place >= 0 for place in places])
    if rule.kind == "order":
        own = all_taken & (places[0] < places[1])
        return Split(rule=rule, where=where, inside=own & where, rest=all_taken & ~own & where)
    rest = ~all_taken & where if rule.against == "others" else all_taken & ~where
    return Split(rule=rule, where=where, inside=all_taken & where, rest=rest)
