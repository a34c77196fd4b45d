"""How like episodes change the choice of an action: the formula, as pure functions. Start with `evidence`, `score`.

    w_i      = weight * exp((sim_i - 1) / h) * agree(f, f_i) * trust_i * 2^(-age_i / H)
    S(a)     = sum of w_i * reward_i          F(a) = sum of w_i * (1 - reward_i)
    score(a) = (kappa * p(a) + S(a)) / (kappa + S(a) + F(a))

The sums run over the k weightiest episodes with a similarity of at least s0 that took action a and whose outcome is
known; p is the prior. It is a kernel estimate of the reward with kappa pseudo-observations at the prior.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from memory.types import ActionEvidence, Episode, Feature

_SECONDS_PER_DAY = 86_400.0
_NUMBERS = (int, float)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The constants of the formula. Unless said otherwise: first values tried on MetaTool (199 tools, MiniLM)."""

    kappa: float = 1.0
    """Pseudo-observations the prior counts for."""
    s0: float = 0.4
    """Cosine below which an episode is no neighbour."""
    h: float = 0.2
    """Width of the kernel: at a cosine lower by h an episode weighs 1/e."""
    weight: float = 5.0
    """Weight of one outcome in an identical situation, in the unit of kappa."""
    k: int = 30
    """Episodes that may speak."""
    pool: int = 200
    """Nearest episodes looked at, of which the k weightiest speak. More than k, since those without an outcome say
    nothing and texts from a template are alike, so that features must choose among many. Our choice, not measured."""
    half_life_days: float = 90.0
    """H: age at which an episode weighs half. Our choice, not measured."""
    temperature: float = 0.1
    """Of the softmax that turns cosines into the prior. Our choice, not measured."""
    mismatch: float = 0.15
    """Factor of one categorical feature that differs. Our choice, not measured."""
    operator_trust: float = 0.5
    """Share of `weight` that an operator's yes or no has before an outcome is known. Our choice, not measured."""
    source_cap: float = 10.0
    """Summed weight one event source may contribute to one action. Our choice, not measured."""

    def __post_init__(self) -> None:
        for name in ("kappa", "h", "weight", "k", "pool", "half_life_days", "temperature", "source_cap"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"memory settings: {name} is {value!r}. Use a finite number above 0.")
        for name, low in (("s0", -1.0), ("mismatch", 0.0), ("operator_trust", 0.0)):
            value = getattr(self, name)
            if not low <= value <= 1:
                raise ValueError(f"memory settings: {name} is {value!r}. Use a number from {low:g} to 1.")


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """An episode and the cosine of its text to the text at hand."""

    episode: Episode
    similarity: float


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
    voices.sort(key=lambda voice: (-voice.weight, voice.id))
    words: dict[str, list[_Word]] = {}
    for voice in voices[: settings.k]:
        for action, word in voice.words():
            words.setdefault(action, []).append(word)
    return {action: _sum(action, said, settings.source_cap) for action, said in sorted(words.items())}


def weigh(*, similarity: float, agreement: float, trust: float, age_days: float, settings: Settings) -> float:
    """w_i of the formula. Zero below s0; a time in the future counts as now."""
    if not similarity >= settings.s0:
        return 0.0
    kernel = math.exp((min(similarity, 1.0) - 1.0) / settings.h)
    fading = math.exp2(-max(age_days, 0.0) / settings.half_life_days)
    return settings.weight * kernel * agreement * trust * fading


def agree(f: Mapping[str, Feature], f_i: Mapping[str, Feature], mismatch: float = Settings.mismatch) -> float:
    """Product over the features both sides have, in (0, 1] for a mismatch above 0; missing on one side is neutral.

    Categories that differ count `mismatch`. Numbers count mismatch^d, where d is their difference relative to the
    greater of them, at most 1: equal numbers 1, half as much mismatch^0.5, opposite signs `mismatch`.
    """
    product = 1.0
    for name in sorted(f):
        if name in f_i:
            distance = _distance(f[name], f_i[name])
            if distance:
                product *= math.pow(mismatch, distance)
    return product


def _distance(a: Feature, b: Feature) -> float:
    """0 for alike, 1 for different; numbers lie between."""
    if type(a) is str or type(b) is str:
        return 0.0 if a == b else 1.0
    if _is_number(a) and _is_number(b):
        x, y = _finite(a), _finite(b)
        if x is None or y is None or x == y:
            return 0.0
        scale = max(abs(x), abs(y))
        return min(1.0, abs(x / scale - y / scale))
    return 0.0 if type(a) is type(b) and a == b else 1.0


def _is_number(value: Feature) -> bool:
    return isinstance(value, _NUMBERS) and not isinstance(value, bool)


def _finite(value: Feature) -> float | None:
    """A number as a float; None, which says nothing, for NaN, infinity and integers no float can hold."""
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


class _Word(NamedTuple):
    """What one episode says about one action."""

    id: str
    source: str
    weight: float
    reward: float


class _Voice(NamedTuple):
    """An episode that has something to say."""

    id: str
    source: str
    weight: float
    """Of the action it says most about."""
    full: float
    """Weight of a whole share."""
    verdicts: Mapping[str, tuple[float, float]]
    """Share of the weight and reward, by action."""

    def words(self) -> Iterator[tuple[str, _Word]]:
        for action, (share, reward) in self.verdicts.items():
            if self.full * share > 0:
                yield action, _Word(self.id, self.source, self.full * share, reward)


def _distinct(neighbours: Sequence[Neighbour]) -> Sequence[Neighbour]:
    """Each episode once, so that an index that answers twice counts once."""
    return list({one.episode.id: one for one in sorted(neighbours, key=lambda one: one.similarity)}.values())


def _hear(
    neighbour: Neighbour, features: Mapping[str, Feature], goals: Mapping[str, float], now: datetime, settings: Settings
) -> _Voice | None:
    """The episode's voice; None when it has no outcome and no operator's word, or weighs nothing."""
    episode = neighbour.episode
    verdicts = _verdicts(episode, goals, settings.operator_trust)
    if not verdicts:
        return None
    full = weigh(
        similarity=neighbour.similarity,
        agreement=agree(features, episode.features, settings.mismatch),
        trust=episode.trust,
        age_days=(now - episode.closed_at).total_seconds() / _SECONDS_PER_DAY,
        settings=settings,
    )
    loudest = full * max(share for share, _ in verdicts.values())
    return _Voice(episode.id, episode.source, loudest, full, verdicts) if loudest > 0 else None


def _verdicts(episode: Episode, goals: Mapping[str, float], operator_trust: float) -> Mapping[str, tuple[float, float]]:
    """Per action its share of the episode's weight and its reward.

    An action that was declined was not taken, so an outcome says nothing about it and the operator's no stands.
    """
    reward = combined(episode.rewards, goals)
    verdicts = dict.fromkeys(episode.declined, (operator_trust, 0.0))
    for taken in episode.actions:
        if reward is not None:
            verdicts[taken.action] = (1.0, reward)
        elif taken.decided_by == "operator":
            verdicts[taken.action] = (operator_trust, 1.0)
    return verdicts


def combined(rewards: Mapping[str, float], goals: Mapping[str, float]) -> float | None:
    """Mean of the rewards by the goals' weights; None when no goal that counts has a reward."""
    if not rewards:
        return None
    counted = [(goals[goal], reward) for goal, reward in rewards.items() if goals.get(goal, 0.0) > 0]
    total = math.fsum(weight for weight, _ in counted)
    return min(1.0, math.fsum(weight * reward for weight, reward in counted) / total) if total else None


def _sum(action: str, words: Sequence[_Word], source_cap: float) -> ActionEvidence:
    """S and F of one action; a source above the cap is scaled down to it, its rewards keeping their proportion."""
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
    )
