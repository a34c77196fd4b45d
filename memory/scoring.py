"""How like episodes change the choice of an action: the formula, as pure functions. Start with `evidence`, `scores`.

    w_i      = weight * exp((sim_i - 1) / h) * agree(f, f_i) * trust_i * 2^(-age_i / H)
    S(a)     = sum of w_i * reward_i          F(a) = sum of w_i * (1 - reward_i)
    D(a)     = sum of alpha_i * (reward_i - p_i)
    p'(a)    = softmax over the n rivals of
               log p(a) + gain * log n * (D(a) - sum over b != a of D(b) * p(a) / (1 - p(b)))
    score(a) = (kappa * p'(a) + S(a)) / (kappa + S(a) + F(a))

The sums run over episodes with a similarity of at least s0 that took action a and whose outcome is known, those of S
and F over the k weightiest of them. p is the prior, p_i what it was for the action when it was taken. S and F are a
kernel estimate of the reward, with kappa pseudo-observations at p'. D is how much better than expected the action did
in like situations: the surprises, smoothed by kernel ridge regression (`surprise`), so that many like episodes say one
thing once. What is surprisingly good draws on the prior, at the cost of its rivals in proportion to their own prior;
what is surprisingly bad gives way to them. An episode that speaks for a crowd (`crowds`) says what all of it would.
Where an action has changed since (`drift`), an episode's w_i and its part in D are halved for that action. reward_i is
the action's own verified result, else that of its run, of whose weight it has a discounted share (`credited`).
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from memory.likeness import Agreements, Facts, facts
from memory.rows import Rows
from memory.settings import Settings
from memory.surprise import Surprise, surprises
from memory.telling import Telling, Tellings, verdicts_of, voice
from memory.types import ActionEvidence, Episode, Feature, Named

_SECONDS_PER_DAY = 86_400.0
_LASTING = 1e-6
"""What trust and age must leave of an episode for its surprise to count."""
_SURE = 0.95
"""A prior from here on moves its rivals as if it were this."""


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """An episode and the cosine of its text to the text at hand."""

    episode: Episode
    similarity: float
    vector: NDArray[np.float32] | None = None
    """Of its text; without it the episode counts in S and F only."""
    share: float = 1.0
    """Part of it that the pool has room for, which its surprise counts by, and its source's standing."""


def prior(similarities: Mapping[str, float], temperature: float) -> Mapping[str, float]:
    """Softmax of cosine / temperature over the actions; sums to 1. Empty for no actions."""
    if not (math.isfinite(temperature) and temperature > 0):
        raise ValueError(f"temperature is {temperature!r}. Use a finite number above 0.")
    bad = [action for action, value in similarities.items() if not math.isfinite(value)]
    if bad:
        raise ValueError(f"similarity of action {bad[0]!r} is {similarities[bad[0]]!r}. Use a finite number.")
    if not similarities:
        return {}
    highest = max(similarities.values())
    powers = {action: math.exp((value - highest) / temperature) for action, value in similarities.items()}
    total = math.fsum(powers.values())
    return {action: power / total for action, power in powers.items()}


def score(prior: float, evidence: ActionEvidence | None, settings: Settings) -> float:
    """The estimated reward of an action, in [0, 1]; without evidence the prior itself."""
    if not 0 <= prior <= 1:
        raise ValueError(f"prior is {prior!r}. Use a number from 0 to 1.")
    if evidence is None:
        return prior
    good = settings.kappa * prior + evidence.success
    return min(1.0, good / (settings.kappa + evidence.success + evidence.failure))


def scores(
    priors: Mapping[str, float], evidence: Mapping[str, ActionEvidence], settings: Settings
) -> Mapping[str, float]:
    """The estimated reward of each of the rivals, in [0, 1]; without evidence the priors themselves."""
    found = dict(corrected(priors, evidence, settings))
    return found | {
        action: score(found[action], evidence[action], settings) for action in found.keys() & evidence.keys()
    }


def corrected(
    priors: Mapping[str, float], evidence: Mapping[str, ActionEvidence], settings: Settings
) -> Mapping[str, float]:
    """p' of the formula for each of the rivals; it sums to what the priors do.

    Rivals of one prior, such as one tool's variants, share what was surprisingly good about any of them: it must not
    keep the others from being tried, as nothing was expected of one rather than of the other.
    """
    names = list(priors)
    said = np.array([evidence[name].surprise if name in evidence else 0.0 for name in names])
    total = math.fsum(priors.values())
    if not said.any() or not total > 0:
        return priors
    own = np.array(list(priors.values()))
    moved = _shared(own, said)
    p = own / total
    given = moved / (1.0 - np.minimum(p, _SURE))
    with np.errstate(divide="ignore"):
        logits = np.log(p) + settings.gain * math.log(len(names)) * (moved - p * (given.sum() - given))
    powers = np.exp(logits - logits.max())
    return dict(zip(names, np.minimum(1.0, total * powers / powers.sum()).tolist(), strict=True))


def _shared(priors: NDArray[np.float64], told: NDArray[np.float64]) -> NDArray[np.float64]:
    levels, moved = np.round(priors, 12), np.minimum(0.0, told)
    for level in np.unique(levels[told > 0]):
        alike = levels == level
        moved[alike] += np.maximum(0.0, told[alike]).sum() / alike.sum()
    return moved


def evidence(
    neighbours: Sequence[Neighbour],
    *,
    features: Mapping[str, Feature],
    goals: Mapping[str, float],
    now: datetime,
    settings: Settings,
    tellings: Tellings | None = None,
    rows: Rows | None = None,
) -> Mapping[str, ActionEvidence]:
    """What the neighbours say about each action, by action name; actions nobody speaks about are absent.

    Rewards count by `goals` (weights >= 0, else ValueError), over the goals an episode has rewards for. Without such an
    outcome only the operators' own word counts, see `Settings.operator_trust`. An episode whose values are out of range
    is left out.
    """
    for goal, value in goals.items():
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"weight of goal {goal!r} is {value!r}. Use a finite number, at least 0.")
    known = Tellings(settings) if tellings is None else tellings
    heard = [(one, told) for one in _distinct(neighbours) for told in [known.of(one.episode, goals)] if told]
    voices = _Voices(heard, rows or Rows(), facts(features), now, settings)
    words: dict[str, list[_Word]] = {}
    for row, named in voices.loudest(settings.k):
        for action, word in voices.words(row, named, goals):
            words.setdefault(action, []).append(word)
    moved = voices.surprises()
    return {
        action: _sum(action, words.get(action, []), moved.get(action, 0.0), settings.source_cap)
        for action in sorted(words.keys() | moved.keys())
    }


class _Word(NamedTuple):
    """What one episode says about one action."""

    id: str
    source: str
    weight: float
    reward: float


class _Voices:
    """Episodes that have something to say, in order of their ids; arrays have a value for each."""

    def __init__(
        self,
        heard: Sequence[tuple[Neighbour, Telling]],
        rows: Rows,
        situation: Facts,
        now: datetime,
        settings: Settings,
    ) -> None:
        self._settings = settings
        heard = sorted(heard, key=lambda pair: pair[1].episode.id)
        self._neighbours = [one for one, _ in heard]
        self._told = [told for _, told in heard]
        own = rows.of(self._told)
        self._agreements = Agreements(situation, lambda name: rows.facts(name, own), len(own), settings.mismatch)
        trust, closed, self._share, mass, number = rows.numbers(own)
        ages = (now.timestamp() - closed) / _SECONDS_PER_DAY
        share = np.array([one.share for one in self._neighbours])
        self._number = share * number
        """Of episodes it speaks for, as far as they are looked at."""
        self._similarity = np.array([one.similarity for one in self._neighbours])
        fading = trust * mass * np.exp2(-np.maximum(ages, 0.0) / settings.half_life_days)
        full = self._kernel(bare=not situation) * fading
        standing = self._standing(rows.sources(own), full * self._share > 0)
        self._full = full * standing
        """Weight of a whole share."""
        self._lasting = fading * share * standing
        """What trust, age and its source's standing leave of it."""

    def _kernel(self, *, bare: bool) -> NDArray[np.float64]:
        settings, width = self._settings, self._settings.h_bare if bare else self._settings.h
        kernel = np.exp((np.minimum(self._similarity, 1.0) - 1.0) / width) * self._agreements.with_situation()
        return np.where(self._similarity >= settings.s0, settings.weight * kernel, 0.0)

    def _standing(self, sources: NDArray[np.intp], speaks: NDArray[np.bool_]) -> NDArray[np.float64]:
        """A source that few of the voices come from says less: it must have told enough before it is heard as others.

        Its voices weigh in proportion, below `standing` of the voices that the greatest source has.
        """
        _, own = np.unique(sources, return_inverse=True)
        number = np.bincount(own, weights=np.where(speaks, self._number, 0.0), minlength=1)
        full = self._settings.standing * max(float(number.max()), np.finfo(np.float64).tiny)
        return np.minimum(1.0, number / full)[own]

    def loudest(self, count: int) -> Iterator[tuple[int, Named | None]]:
        """Rows of the weightiest episodes, by what they say most about; those of a crowd for themselves."""
        weights = (self._full * self._share).tolist()
        speaking = [(row, weight) for row, weight in enumerate(weights) if weight > 0]
        alone = [
            (-weight, self._told[row].episode.id, row, None)
            for row, weight in speaking
            if self._told[row].episode.together is None
        ]
        crowds = [self._each(row, weight) for row, weight in speaking if self._told[row].episode.together is not None]
        in_order = heapq.merge(sorted(alone), *crowds, key=lambda one: one[:2])
        return ((row, named) for _, _, row, named in itertools.islice(in_order, count))

    def _each(self, row: int, weight: float) -> Iterator[tuple[float, str, int, Named | None]]:
        """Of a crowd, those that may be among the weightiest, in this order."""
        together = self._told[row].episode.together
        if together is not None:
            unit = weight / together.mass
            yield from ((-unit * named.fading, named.id, row, named) for named in together.named)

    def words(self, row: int, named: Named | None, goals: Mapping[str, float]) -> Iterator[tuple[str, _Word]]:
        """What the episode says, or one of its crowd."""
        told, name, full = self._told[row], self._told[row].episode.id, float(self._full[row])
        verdicts = told.verdicts
        if named is not None and told.episode.together is not None:
            own = replace(told.episode, rewards=named.rewards)
            verdicts = verdicts_of(own, goals, self._settings)
            name, full = named.id, full * named.fading / told.episode.together.mass
        for action, verdict in verdicts.items():
            if full * verdict.share > 0:
                yield action, _Word(name, told.episode.source, full * verdict.share, verdict.reward)

    def surprises(self) -> Mapping[str, float]:
        """D of the formula, of those whose vectors are known."""
        known = np.array([one.vector is not None for one in self._neighbours], bool)
        rows = np.flatnonzero(known & (self._full * self._share > 0) & (self._lasting > _LASTING))
        doubts = (1.0 / (self._lasting[rows] * self._share[rows])).tolist()
        heard = [
            Surprise(
                similarity=self._neighbours[row].similarity,
                vector=cast("NDArray[np.float32]", self._neighbours[row].vector),
                source=self._told[row].episode.source,
                doubt=doubt,
                amounts=self._told[row].surprises,
            )
            for row, doubt in zip(rows.tolist(), doubts, strict=True)
        ]
        return surprises(heard, self._agreements.pairs(rows), self._settings) if heard else {}


def _distinct(neighbours: Sequence[Neighbour]) -> Sequence[Neighbour]:
    """Each episode once, so that an index that answers twice counts once."""
    in_order = sorted(neighbours, key=lambda one: one.similarity)
    return list({voice(one.episode): one for one in in_order}.values())


def _sum(action: str, words: Sequence[_Word], surprise: float, source_cap: float) -> ActionEvidence:
    """S, F and D of one action; a source above the cap is scaled down to it, its rewards keeping their proportion."""
    total: dict[str, float] = {}
    for word in words:
        total[word.source] = total.get(word.source, 0.0) + word.weight
    weighed = [(word.weight * min(1.0, source_cap / total[word.source]), word) for word in words]
    weighed.sort(key=lambda pair: (-pair[0], pair[1].id))
    return ActionEvidence(
        action=action,
        success=math.fsum(weight * word.reward for weight, word in weighed),
        failure=math.fsum(weight * (1.0 - word.reward) for weight, word in weighed),
        episodes=tuple(word.id for _, word in weighed),
        surprise=surprise,
    )
