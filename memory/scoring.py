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
what is surprisingly bad gives way to them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from memory.likeness import agree
from memory.settings import Settings
from memory.surprise import Surprise, surprises
from memory.types import EVERY_GOAL, ActionEvidence, Episode, Feature

_SECONDS_PER_DAY = 86_400.0
_UNTOLD = 0.5
"""What was expected of an action when nobody wrote it down."""
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
    return {
        action: score(prior, evidence.get(action), settings)
        for action, prior in corrected(priors, evidence, settings).items()
    }


def corrected(
    priors: Mapping[str, float], evidence: Mapping[str, ActionEvidence], settings: Settings
) -> Mapping[str, float]:
    """p' of the formula for each of the rivals; it sums to what the priors do.

    Rivals of one prior, such as one tool's variants, share what was surprisingly good about any of them: it must not
    keep the others from being tried, as nothing was expected of one rather than of the other.
    """
    told = _shared(priors, {action: evidence[action].surprise for action in priors if action in evidence})
    total = math.fsum(priors.values())
    if not any(told.values()) or not total > 0:
        return priors
    names = list(priors)
    p = np.array([priors[name] for name in names]) / total
    moved = np.array([told.get(name, 0.0) for name in names])
    given = moved / (1.0 - np.minimum(p, _SURE))
    with np.errstate(divide="ignore"):
        logits = np.log(p) + settings.gain * math.log(len(names)) * (moved - p * (given.sum() - given))
    powers = np.exp(logits - logits.max())
    return dict(zip(names, np.minimum(1.0, total * powers / powers.sum()).tolist(), strict=True))


def _shared(priors: Mapping[str, float], told: Mapping[str, float]) -> Mapping[str, float]:
    alike: dict[float, list[str]] = {}
    for action, prior in priors.items():
        alike.setdefault(round(prior, 12), []).append(action)
    return {
        action: min(0.0, told.get(action, 0.0)) + math.fsum(max(0.0, told.get(one, 0.0)) for one in group) / len(group)
        for group in alike.values()
        for action in group
    }


def evidence(
    neighbours: Sequence[Neighbour],
    *,
    features: Mapping[str, Feature],
    goals: Mapping[str, float],
    now: datetime,
    settings: Settings,
) -> Mapping[str, ActionEvidence]:
    """What the neighbours say about each action, by action name; actions nobody speaks about are absent.

    Rewards count by `goals` (weights >= 0, else ValueError), over the goals an episode has rewards for. Without such an
    outcome only the operators' own word counts, see `Settings.operator_trust`.
    """
    for goal, value in goals.items():
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"weight of goal {goal!r} is {value!r}. Use a finite number, at least 0.")
    voices = [voice for one in _distinct(neighbours) for voice in [_hear(one, features, goals, now, settings)] if voice]
    voices = _standing(voices, settings.standing)
    voices.sort(key=lambda voice: (-voice.weight, voice.id))
    words: dict[str, list[_Word]] = {}
    for voice in voices[: settings.k]:
        for action, word in voice.words():
            words.setdefault(action, []).append(word)
    moved = _surprises(voices, features, settings)
    return {
        action: _sum(action, words.get(action, []), moved.get(action, 0.0), settings.source_cap)
        for action in sorted(words.keys() | moved.keys())
    }


def weigh(
    *, similarity: float, agreement: float, trust: float, age_days: float, settings: Settings, bare: bool = False
) -> float:
    """w_i of the formula; `bare` of features. Zero below s0; a time in the future counts as now."""
    if not similarity >= settings.s0:
        return 0.0
    kernel = math.exp((min(similarity, 1.0) - 1.0) / (settings.h_bare if bare else settings.h))
    return settings.weight * kernel * agreement * trust * _fading(age_days, settings)


def _fading(age_days: float, settings: Settings) -> float:
    return math.exp2(-max(age_days, 0.0) / settings.half_life_days)


class _Word(NamedTuple):
    """What one episode says about one action."""

    id: str
    source: str
    weight: float
    reward: float


class _Verdict(NamedTuple):
    """How one action of an episode turned out."""

    share: float
    """Of the episode's weight, with what changes since leave of it."""
    reward: float
    expected: float
    """p_i of the formula."""
    lasting: float = 1.0
    """What changes of the action since leave of its share."""

    def since(self, lasting: float) -> _Verdict:
        """The same, weighing less as the action has changed since."""
        return self._replace(share=self.share * lasting, lasting=lasting) if lasting != 1.0 else self


class _Voice(NamedTuple):
    """An episode that has something to say."""

    neighbour: Neighbour
    weight: float
    """Of the action it says most about."""
    full: float
    """Weight of a whole share."""
    lasting: float
    """What trust, age and its source's standing leave of it."""
    verdicts: Mapping[str, _Verdict]

    @property
    def id(self) -> str:
        return self.neighbour.episode.id

    @property
    def source(self) -> str:
        return self.neighbour.episode.source

    def at(self, factor: float) -> _Voice:
        """The same, weighing less."""
        return self._replace(weight=self.weight * factor, full=self.full * factor, lasting=self.lasting * factor)

    def words(self) -> Iterator[tuple[str, _Word]]:
        source = self.source
        for action, verdict in self.verdicts.items():
            if self.full * verdict.share > 0:
                yield action, _Word(self.id, source, self.full * verdict.share, verdict.reward)


def _distinct(neighbours: Sequence[Neighbour]) -> Sequence[Neighbour]:
    """Each episode once, so that an index that answers twice counts once."""
    return list({one.episode.id: one for one in sorted(neighbours, key=lambda one: one.similarity)}.values())


def _hear(
    neighbour: Neighbour, features: Mapping[str, Feature], goals: Mapping[str, float], now: datetime, settings: Settings
) -> _Voice | None:
    """The episode's voice; None when it has no outcome and no operator's word, or weighs nothing."""
    episode = neighbour.episode
    verdicts = {
        action: verdict.since(episode.lasting.get(action, 1.0))
        for action, verdict in _verdicts(episode, goals, settings.operator_trust).items()
    }
    if not verdicts:
        return None
    age_days = (now - episode.closed_at).total_seconds() / _SECONDS_PER_DAY
    full = weigh(
        similarity=neighbour.similarity,
        agreement=agree(features, episode.features, settings.mismatch),
        trust=episode.trust,
        age_days=age_days,
        settings=settings,
        bare=not features,
    )
    loudest = full * max(verdict.share for verdict in verdicts.values())
    lasting = episode.trust * _fading(age_days, settings)
    return _Voice(neighbour, loudest, full, lasting, verdicts) if loudest > 0 else None


def _standing(voices: Sequence[_Voice], share: float) -> list[_Voice]:
    """A source that few of the voices come from says less: it must have told enough before it is heard as others are.

    Its voices weigh in proportion, below `share` of the voices that the greatest source has.
    """
    number = Counter(voice.source for voice in voices)
    full = share * max(number.values(), default=0)
    return [voice.at(min(1.0, number[voice.source] / full)) for voice in voices]


def _verdicts(episode: Episode, goals: Mapping[str, float], operator_trust: float) -> Mapping[str, _Verdict]:
    """Per action its share of the episode's weight, its reward and what was expected of it.

    An action that was declined was not taken, so an outcome says nothing about it and the operator's no stands.
    """
    found = judged(episode.rewards, goals, operator_trust)
    verdicts = dict.fromkeys(episode.declined, _Verdict(operator_trust, 0.0, _UNTOLD))
    for taken in episode.actions:
        expected = _UNTOLD if taken.prior is None else taken.prior
        if found is not None:
            reward, share = found
            verdicts[taken.action] = _Verdict(share, reward, expected)
        elif taken.decided_by == "operator":
            verdicts[taken.action] = _Verdict(operator_trust, 1.0, expected)
    return verdicts


def judged(
    rewards: Mapping[str, float], goals: Mapping[str, float], operator_trust: float
) -> tuple[float, float] | None:
    """Reward by outcomes and an operator's judgement, and its share of an episode's weight; None without either.

    The judgement stands for each goal that no outcome has graded, with `operator_trust` of that goal's weight; alone it
    has that share of the episode's weight. It never lessens the share of an outcome.
    """
    reward, thumb = combined(rewards, goals), rewards.get(EVERY_GOAL)
    if thumb is None:
        return None if reward is None else (reward, 1.0)
    if reward is None:
        return thumb, operator_trust
    graded = math.fsum(weight for goal, weight in goals.items() if goal in rewards)
    rest = operator_trust * math.fsum(weight for goal, weight in goals.items() if goal not in rewards)
    return (graded * reward + rest * thumb) / (graded + rest), 1.0


def combined(rewards: Mapping[str, float], goals: Mapping[str, float]) -> float | None:
    """Mean of the outcomes' rewards by the goals' weights; None when no goal that counts has one."""
    if not rewards:
        return None
    counted = [(goals[goal], reward) for goal, reward in rewards.items() if goals.get(goal, 0.0) > 0]
    total = math.fsum(weight for weight, _ in counted)
    return min(1.0, math.fsum(weight * reward for weight, reward in counted) / total) if total else None


def _surprises(voices: Sequence[_Voice], features: Mapping[str, Feature], settings: Settings) -> Mapping[str, float]:
    heard = [
        Surprise(
            similarity=voice.neighbour.similarity,
            vector=voice.neighbour.vector,
            features=voice.neighbour.episode.features,
            source=voice.source,
            doubt=1.0 / (voice.lasting * max(verdict.share for verdict in voice.verdicts.values())),
            amounts=_amounts(voice.verdicts),
        )
        for voice in sorted(voices, key=lambda voice: voice.id)
        if voice.neighbour.vector is not None and voice.lasting > _LASTING
    ]
    return surprises(heard, features, settings)


def _amounts(verdicts: Mapping[str, _Verdict]) -> Mapping[str, float]:
    """An episode has one doubt, that of its action which changed least; of the others it tells in proportion."""
    most = max(verdict.lasting for verdict in verdicts.values())
    return {
        action: (verdict.reward - verdict.expected) * verdict.lasting / most for action, verdict in verdicts.items()
    }


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
