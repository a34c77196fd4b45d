"""Crowds: episodes that differ in nothing but their time and their outcomes, told by one of them. Start with `spoken`.

What a crowd says is what its episodes say one by one, to rounding. They have one text and the same features, so their
similarity and agreement to any situation are equal, and every weight fades by the same 2^(-age / H): S and F need the
sum of the fadings, and the means of rewards and priors weighed by them. In the regression of surprises, points at one
place with noises d_i are one point with the noise 1 / (sum of 1 / d_i) and the mean weighed by 1 / d_i, which is the
fading again (normal likelihoods of one quantity multiply to a normal one with these two). Rewards are kept per goal and
combined by the goals' weights later; that is linear only among episodes graded for the same goals, so a crowd speaks
once for each such set, and for each time between two changes of its actions.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from memory.settings import Settings
from memory.telling import UNTOLD, Part, part, speaks_alone
from memory.types import Episode, EpisodeAction, Named, Together
from memory.vectors import TIE

_SECONDS_PER_DAY = 86_400.0


def place(episode: Episode) -> str:
    """A digest of all that a crowd's episodes have in common."""
    said = {
        "source": episode.source,
        "text": episode.text,
        "features": {name: [type(value).__name__, value] for name, value in episode.features.items()},
        "actions": sorted(_told_of(taken) for taken in episode.actions),
        "declined": sorted(set(episode.declined)),
        "trust": episode.trust,
    }
    return hashlib.blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=16).hexdigest()


def _told_of(taken: EpisodeAction) -> list[str | bool | float]:
    """What makes a difference to its evidence; the latter part only where it is not as usual."""
    own: list[str | bool | float] = [taken.action, taken.decided_by == "operator"]
    if taken.verified is None and taken.done and not taken.later:
        return own
    return [*own, taken.done, -1.0 if taken.verified is None else taken.verified, taken.later]


def spoken(members: Collection[Episode], settings: Settings) -> tuple[Episode, ...]:
    """What the episodes of one crowd say together, as an episode for each set of goals they were graded by, and time.

    Each has the id of the newest of its own. Those without an outcome, an operator's word or a tool's own say nothing.
    """
    sets: dict[Part, list[Episode]] = {}
    for one in members:
        if one.rewards or speaks_alone(one):
            sets.setdefault(part(one), []).append(one)
    in_order = sorted(sets.items(), key=lambda pair: (sorted(pair[0][0]), pair[0][1]))
    return tuple(_together(own, len(members), settings) for _, own in in_order)


def shares(near: Mapping[str, float], episodes: Sequence[Episode], pool: int) -> Mapping[str, float]:
    """Which of the nearest a pool of so many episodes would have found had each been kept, and what part of them.

    `near` has the cosines of all that were found, those too that say nothing, and `episodes` what the others say. What
    lies farther away than the pool reaches is left out; as many as tie at its edge share the room that is left.
    """
    of = {one.id: one.together.of for one in episodes if one.together is not None}
    in_order = sorted(near, key=lambda name: -near[name])
    found: dict[str, float] = {}
    room, start = pool, 0
    while start < len(in_order) and room > 0:
        end = start
        while end < len(in_order) and near[in_order[end]] > near[in_order[start]] - TIE:
            end += 1
        tied = in_order[start:end]
        number = sum(of.get(name, 1) for name in tied)
        found |= dict.fromkeys(tied, min(1.0, room / number))
        room, start = room - number, end
    return found


def _together(episodes: Sequence[Episode], of: int, settings: Settings) -> Episode:
    newest_first = sorted(sorted(episodes, key=lambda one: one.id), key=lambda one: one.closed_at, reverse=True)
    first = newest_first[0]
    fadings = [_fading(one, first, settings) for one in newest_first]
    mass = math.fsum(fadings)
    shares = [fading / mass for fading in fadings]
    priors = [_priors(one) for one in newest_first]
    return replace(
        first,
        rewards={goal: _mean([one.rewards[goal] for one in newest_first], shares) for goal in first.rewards},
        actions=tuple(
            replace(taken, prior=_mean([known[taken.action] for known in priors], shares)) for taken in first.actions
        ),
        together=Together(
            number=len(newest_first),
            mass=mass,
            of=of,
            named=tuple(
                Named(id=one.id, fading=fading, rewards=one.rewards)
                for one, fading in zip(newest_first[: settings.k], fadings, strict=False)
            ),
        ),
    )


def _fading(one: Episode, first: Episode, settings: Settings) -> float:
    days = (first.closed_at - one.closed_at).total_seconds() / _SECONDS_PER_DAY
    return math.exp2(-days / settings.half_life_days)


def _priors(episode: Episode) -> Mapping[str, float]:
    return {taken.action: UNTOLD if taken.prior is None else taken.prior for taken in episode.actions}


def _mean(values: Sequence[float], shares: Sequence[float]) -> float:
    return min(max(values), max(min(values), math.fsum(v * share for v, share in zip(values, shares, strict=True))))
